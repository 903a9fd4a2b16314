import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe } from 'node:test'
import { type Launcher, type MasterEvent, portable, systemClock } from '../../src/index.ts'
import { eventually, findByToken, isAlive } from '../support/processes.ts'
import { fixture, story, watch } from '../support/story.ts'

void describe('stopping', () => {
  story('a program that reads its stdin ends by itself at the end of it', async (master) => {
    const cat = await master.getWorker('cat').start('cat')
    const exit = await cat.stop()
    assert.equal(exit.kind, 'stopped')
    assert.partialDeepStrictEqual(exit, { step: 'eof', exitCode: 0 })
  })

  story('a farewell message is tried first, and the exit says that it worked', async (master) => {
    const shell = await master.getWorker('shell').start('sh')
    const exit = await shell.stop({ farewell: 'exit 4' })
    assert.partialDeepStrictEqual(exit, { kind: 'stopped', step: 'farewell', exitCode: 4 })
  })

  story('a farewell is said once, however often it is asked to end', async (master) => {
    const heard: string[] = []
    let calls = 0
    const shell = await master.getWorker('shell').start('sh', ['-c', 'while read x; do echo "$x"; done'], {
      onMessage: (line) => void heard.push(line),
      shutdown: { farewell: 'bye', eof: '200ms' },
    })
    const cat = await master.getWorker('cat').start('cat', [], { shutdown: { farewell: () => calls++, eof: '200ms' } })
    const { exited } = shell
    await Promise.all([shell.stop(), cat.stop(), cat.stop(), master.stop()])
    assert.partialDeepStrictEqual(await exited, { kind: 'stopped', step: 'eof' })
    assert.deepEqual([heard, calls], [['bye'], 1])
  })

  story('another farewell is another message', async (master) => {
    const shell = await master.getWorker('shell').start('sh', ['-c', 'read x; read y; exit "$y"'])
    const stopped = shell.stop({ farewell: '1', eof: '1h' })
    assert.equal(await shell.stop({ farewell: '2', eof: '1h' }), await stopped)
    assert.partialDeepStrictEqual(await stopped, { step: 'farewell', exitCode: 2 })
  })

  story('who hears that it is there may stop it: it is asked once', async (master) => {
    let calls = 0
    const worker = master.getWorker('w')
    const stop = (event: unknown): void => {
      if ((event as MasterEvent).worker === 'w') void worker.stop()
    }
    subscribe('pagent:worker:spawned', stop)
    const started = worker.start('cat', [], { shutdown: { farewell: () => calls++, eof: '100ms' } })
    await assert.rejects(started, { code: 'ERR_PAGENT_EXIT' })
    unsubscribe('pagent:worker:spawned', stop)
    assert.equal(calls, 1)
  })

  story('non-zero after we closed its stdin is still a stop: language servers do that', async (master) => {
    const server = await master.getWorker('lsp').start('sh', ['-c', 'cat >/dev/null; exit 1'])
    assert.partialDeepStrictEqual(await server.stop(), { kind: 'stopped', step: 'eof', exitCode: 1 })
  })

  story('a program that does not read its stdin gets SIGTERM, and its last words are delivered', async (master) => {
    const worker = await master.getWorker('w').start(fixture('ends-at-sigterm.sh'), [], { ready: 'first-message' })
    const exit = await worker.stop({ eof: 20 })
    assert.partialDeepStrictEqual(exit, { kind: 'stopped', step: 'SIGTERM', exitCode: 0 })
    assert.deepEqual([await worker.receive(), await worker.receive(), await worker.receive()], ['up', 'bye', undefined])
  })

  story('a program that ignores SIGTERM is killed after its grace', async (master) => {
    const worker = await master.getWorker('w').start(fixture('ignore-sigterm.sh'), [], { ready: 'first-message' })
    const { pid } = worker
    const exit = await worker.stop({ eof: 20, grace: 50 })
    assert.partialDeepStrictEqual(exit, { kind: 'stopped', step: 'SIGKILL', signalCode: 'SIGKILL' })
    assert.equal(isAlive(pid ?? 0), false)
  })

  story('another signal than SIGTERM can be asked for', async (master) => {
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', 'trap "exit 5" USR1; echo up; while :; do sleep 0.05; done'], {
        ready: 'first-message',
        shutdown: { eof: 0, killSignal: 'SIGUSR1' },
      })
    assert.partialDeepStrictEqual(await worker.stop(), { kind: 'stopped', step: 'SIGUSR1', exitCode: 5 })
  })

  story('a second stop with a shorter ladder ends it sooner', async (master) => {
    const worker = await master.getWorker('w').start(fixture('ignore-sigterm.sh'), [], { ready: 'first-message' })
    const slow = worker.stop({ eof: '1h', grace: '1h' })
    const fast = worker.stop({ eof: 0, grace: 0 })
    assert.equal(await slow, await fast)
    assert.partialDeepStrictEqual(await fast, { kind: 'stopped', step: 'SIGKILL' })
  })

  story('a second stop of the master with a shorter ladder ends them all sooner', async (master) => {
    const ids = ['a', 'b']
    const script = fixture('ignore-sigterm.sh')
    await Promise.all(ids.map((id) => master.getWorker(id).start(script, [], { ready: 'first-message' })))
    const slow = master.stop({ eof: '1h', grace: '1h' })
    await Promise.all([slow, master.stop({ eof: 0, grace: 0 })])
  })

  story('stopping what has ended, or never began, answers at once', async (master) => {
    const worker = master.getWorker('w')
    assert.partialDeepStrictEqual(await worker.stop(), { kind: 'stopped', incarnation: 0 })
    await worker.start('true')
    const exit = await worker.exited
    assert.equal(await worker.stop(), exit)
  })

  story('the whole tree goes with the worker, whatever its members ignore', async (master) => {
    const token = `1234.${process.pid}`
    const worker = await master
      .getWorker('w')
      .start(fixture('ignores-everything.sh'), [token], { ready: 'first-message' })
    await worker.stop({ eof: 0, grace: 30 })
    await eventually(() => findByToken(token).length === 0, 500, 'somebody of the tree lives on')
  })

  story('a worker that is stopped while it starts ends as stopped, and its start says so', async (master) => {
    const worker = master.getWorker('w')
    const started = worker.start('cat', [], { ready: 'first-message' })
    const exit = await worker.stop()
    assert.equal(exit.kind, 'stopped')
    await assert.rejects(started, { code: 'ERR_PAGENT_EXIT', exit })
    assert.equal(worker.state, 'exited')
  })

  story(
    'stop settles although nothing can end the process',
    async (master) => {
      const events = watch(master)
      const real = portable()
      const launcher: Launcher = {
        ...real,
        name: 'immortal',
        close: () => real.close(),
        launch: async (command) => {
          const child = await real.launch(command)
          // As if it hung in the kernel, or had become another user.
          return Object.assign(Object.create(child), { kill: () => {}, release: () => child.release() })
        },
      }
      const worker = await master.getWorker('w').start('sleep', ['1000'], { launcher })
      assert.partialDeepStrictEqual(await worker.stop({ eof: 1, grace: 1 }), { kind: 'stopped', step: 'SIGKILL' })
      assert.ok((await events.until('abandoned'))['pid'] > 0)
      await launcher.close()
    },
    { clock: { ...systemClock, after: (ms, fire) => systemClock.after(ms / 20, fire) } },
  )

  story('kill is not stop: it reaches the whole tree and counts as a death', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'sleep 1000 & echo $!; wait'])
    const grandchild = Number(await worker.receive())
    worker.kill()
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'signaled', signalCode: 'SIGKILL' })
    await eventually(() => !isAlive(grandchild), 500, 'the grandchild lives on')
  })
})
