import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Framing, type Launcher, channel, pipe, portable, select } from '../../src/index.ts'
import { eventually, findByToken } from '../support/processes.ts'
import { fixture, story, watch } from '../support/story.ts'

const SOURCE = JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)
const NODE = `"${process.execPath}" --disable-warning=ExperimentalWarning --input-type=module-typescript -e "$0"`

void describe('the last wish counts', () => {
  story('two restarts at once are one', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    await Promise.all([worker.restart(), worker.restart()])
    assert.deepEqual([worker.state, worker.incarnation], ['running', 2])
  })

  story('ready() while it is restarted waits for the restart', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    const restarted = worker.restart()
    await worker.ready()
    assert.deepEqual([worker.state, worker.incarnation], ['running', 2])
    await restarted
  })

  story('stop() after restart() leaves it stopped, and the restart says so', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    const restarted = assert.rejects(worker.restart(), { code: 'ERR_PAGENT_EXIT' })
    await worker.stop()
    await restarted
    assert.equal(worker.state, 'exited')
  })

  story('a deleted worker begins no other life', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    const restarted = assert.rejects(worker.restart())
    await master.delWorker('w')
    await restarted
    await assert.rejects(worker.start(), {
      code: 'ERR_PAGENT_CLOSED',
      message: /its master has deleted it; getWorker\(\) another/,
    })
  })

  story('nothing is added to a master that is being stopped', async (master) => {
    await master.getWorker('w').start('cat', [], {
      onExit: () => assert.throws(() => master.getWorker('another'), /the master is being stopped/),
    })
    await master.stop()
    assert.equal(master.hasWorker('another'), false)
  })

  story('what is killed before it has a process dies at birth', async (master) => {
    const worker = master.getWorker('w')
    const started = worker.start('cat', [], { ready: 'first-message' })
    worker.kill()
    await assert.rejects(started, { code: 'ERR_PAGENT_EXIT' })
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'signaled', signalCode: 'SIGKILL' })
  })

  story('last words of a worker that is being ended are no readiness', async (master) => {
    const events = watch(master)
    const script = 'trap "echo bye; exit 0" TERM; while :; do sleep 0.02; done'
    const started = master
      .getWorker('w')
      .start('sh', ['-c', script], { ready: 'first-message', readyTimeout: 200, restart: 'permanent' })
    await assert.rejects(started, { code: 'ERR_PAGENT_EXIT' })
    await turn()
    assert.deepEqual(
      events.seen.map((event) => event.type),
      ['spawned', 'exited'],
    )
  })

  story('a ladder that cannot be is refused before the worker is forgotten', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    await assert.rejects(master.delWorker('w', { grace: 'bogus' }), RangeError)
    await assert.rejects(worker.stop({ grace: 'bogus' }), RangeError)
    assert.deepEqual([master.hasWorker('w'), worker.state], [true, 'running'])
  })

  story(
    'a stop while it waits for its turn to start does not wait for the others',
    async (master) => {
      const first = Promise.withResolvers<void>()
      const real = portable()
      let launches = 0
      const launcher: Launcher = {
        name: 'slow',
        abilities: () => real.abilities(),
        close: () => real.close(),
        launch: async (command) => {
          if (launches++ === 0) await first.promise
          return real.launch(command)
        },
      }
      const slow = master.getWorker('slow').start('cat', [], { launcher })
      const waiting = master.getWorker('waiting')
      const withdrawn = assert.rejects(waiting.start('cat', [], { launcher }), { code: 'ERR_PAGENT_EXIT' })
      assert.equal((await waiting.stop()).kind, 'stopped')
      await withdrawn
      first.resolve()
      await slow
      await master.delWorker('slow')
      await launcher.close()
    },
    { maxStarts: 1 },
  )
})

void describe('a fault of somebody else', () => {
  story('a decoder that cannot even be made ends the worker', async (master) => {
    const framing = {
      name: 'bad',
      encode: String,
      decoder: () => assert.fail('no decoder'),
    } as unknown as Framing<string>
    const worker = await master
      .getWorker('w')
      .start('sleep', ['1000'], { framing, shutdown: { grace: 10 } })
      .catch(() => master.getWorker('w'))
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'protocol' })
    await worker.stop()
  })

  story('an error of onMessage after the process has ended is told', async (master) => {
    const events = watch(master)
    const warned = new Promise((resolve) => process.once('warning', resolve))
    await master.getWorker('w').start('echo', ['hi'], {
      onMessage: async (_line, worker) => {
        await worker.exited
        throw new Error('late')
      },
    })
    assert.partialDeepStrictEqual(await events.until('callback-failed'), { callback: 'onMessage' })
    assert.match(String(await warned), /onMessage of worker "w" threw: Error: late/)
  })

  story('what its last output shows counts too: the output limit', async (master) => {
    const worker = await master.getWorker('w').start('seq', ['1', '20000'], { limits: { output: '96KiB' } })
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'limit', limit: 'output' })
  })

  story('an alive check that fails at once tells why', async (master) => {
    const alive = { every: 1, timeout: '5s', check: () => Promise.reject(new Error('wrong answer')) }
    const worker = await master.getWorker('w').start('cat', [], { alive })
    const exit = await worker.exited
    assert.equal(exit.kind === 'unresponsive' && exit.error?.message, 'wrong answer')
  })

  story('a loop over a worker ends with its life, and has seen all of it', async (master) => {
    const script = 'for i in 1 2 3 4 5; do echo $i; done; exit 1'
    const worker = await master.getWorker('w').start('sh', ['-c', script], {
      restart: 'permanent',
      backoff: { min: 0, max: 0 },
      intensity: { restarts: 1, within: '1h' },
    })
    const seen: string[] = []
    for await (const line of worker) {
      seen.push(line)
      await worker.exited
    }
    assert.deepEqual(seen, ['1', '2', '3', '4', '5'])
  })

  story('a life that begins over unread messages says how many', async (master) => {
    const events = watch(master)
    const backoff = { min: 0, max: 0 }
    await master.getWorker('w').start('sh', ['-c', 'seq 1 5; exit 1'], {
      restart: 'permanent',
      backoff,
      intensity: { restarts: 1, within: '1h' },
    })
    assert.partialDeepStrictEqual(await events.until('left-unread'), { messages: 5, incarnation: 1 })
  })

  story('a pipe from a worker ends with its life', async (master) => {
    const backoff = { min: 0, max: 0 }
    const source = await master
      .getWorker('source')
      .start('sh', ['-c', 'seq 1 5; exit 1'], { restart: 'permanent', backoff })
    const sink = channel<string>(100)
    await pipe(source, sink)
    assert.deepEqual(await Array.fromAsync(sink), ['1', '2', '3', '4', '5'])
  })

  story('select refuses a worker whose onMessage gets every message', async (master) => {
    const worker = await master.getWorker('w').start('cat', [], { onMessage: () => {} })
    await assert.rejects(async () => select({ worker }), /its onMessage gets every message/)
  })

  story('a folder on the PATH that may not be searched is passed over', async (master) => {
    const worker = await master
      .getWorker('w')
      .start('cat', [], { env: { PATH: `/etc/passwd/x:${'x'.repeat(300)}:/usr/bin:/bin` } })
    assert.equal(worker.state, 'running')
  })

  void test('without file descriptors the keeper is missed, not the master', () => {
    const script = `
      import { Master } from ${SOURCE}
      import { openSync, readFileSync } from 'node:fs'
      const master = new Master()
      await master.getWorker('w').start('cat')
      const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ').map(Number)
      const keeper = children.find((pid) => readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('pagent-keeper'))
      try { for (;;) openSync('/dev/null', 'r') } catch {}
      process.kill(keeper, 'SIGKILL')
      setTimeout(() => { console.log('alive'); process.exit() }, 300)`
    // Nobody is left to remove the folder of its sockets.
    const folder = mkdtempSync(join(tmpdir(), 'pagent-test-'))
    const env = { ...process.env, TMPDIR: folder, PAGENT_LAUNCHER: 'portable' }
    const { stdout, stderr } = spawnSync('sh', ['-c', `ulimit -n 64; exec ${NODE}`, script], { encoding: 'utf8', env })
    rmSync(folder, { recursive: true })
    assert.equal(stdout, 'alive\n', stderr)
  })

  void test('the keeper finds escapees though the master’s PATH leads nowhere', async () => {
    const token = `33333.${process.pid}`
    const script = `
      import { Master } from ${SOURCE}
      const env = { PATH: '/usr/bin:/bin' }
      await new Master().getWorker('w').start(${JSON.stringify(fixture('leaves-its-group.sh'))}, ['${token}'], { env, ready: 'first-message' })
      process.kill(process.pid, 'SIGKILL')`
    const own = { PATH: '/nowhere', PAGENT_LAUNCHER: 'portable' }
    spawnSync('/bin/sh', ['-c', `exec ${NODE}`, script], { env: own })
    await eventually(() => findByToken(token).length === 0, 500, 'an escapee is left')
  })

  void test('a cleaner that removes the folder of the sockets costs one try', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-test-'))
    const script = `
      import { Master } from ${SOURCE}
      import { readdirSync, rmSync } from 'node:fs'
      const master = new Master()
      await master.getWorker('1').start('cat')
      for (const name of readdirSync(process.env.TMPDIR)) rmSync(process.env.TMPDIR + '/' + name, { recursive: true })
      await master.getWorker('2').start('cat')
      await master.stop()
      console.log('started')`
    const { stdout, stderr } = spawnSync('sh', ['-c', `exec ${NODE}`, script], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
    })
    assert.equal(stdout, 'started\n', stderr)
    assert.deepEqual(readdirSync(folder), [])
    rmSync(folder, { recursive: true })
  })
})
