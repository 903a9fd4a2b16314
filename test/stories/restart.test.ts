import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { fixture, story, watch } from '../support/story.ts'

const FAST = { min: 1, max: 2 }

void describe('restarts', () => {
  story('a permanent worker comes back after any end, with a new process', async (master) => {
    const events = watch(master)
    const worker = await master.getWorker('w').start('cat', [], { restart: 'permanent', backoff: FAST })
    const first = worker.pid
    await worker.end()
    assert.partialDeepStrictEqual(await events.until('exited'), { exit: { kind: 'normal', incarnation: 1 } })
    await events.until('restart-scheduled')
    await untilIncarnation(events, 2)
    assert.notEqual(worker.pid, first)
    await worker.send('back')
    assert.equal(await worker.receive(), 'back')
  })

  story('a transient worker comes back after a crash', async (master) => {
    const events = watch(master)
    const worker = await master
      .getWorker('w')
      .start(fixture('crashes-on-second-line.sh'), [], { restart: 'transient', backoff: FAST })
    await worker.send('a')
    await worker.send('b')
    await untilIncarnation(events, 2)
    await worker.send('c')
    assert.equal(await worker.receive(), '1 c')
  })

  story(
    'a transient worker that ends in order stays down, and so does a temporary one that crashes',
    async (master) => {
      const events = watch(master)
      await master.getWorker('transient').start('true', [], { restart: 'transient', backoff: FAST })
      await master.getWorker('temporary').start('false', [], { backoff: FAST })
      await Promise.all([events.until('exited', 'transient'), events.until('exited', 'temporary')])
      assert.deepEqual(
        [...master.workers()].map((worker) => worker.state),
        ['exited', 'exited'],
      )
      assert.equal(
        events.seen.some((event) => event.type === 'restart-scheduled'),
        false,
      )
    },
  )

  story('ready() waits for the next life, and rejects where there will be none', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'read x; exit 1'], {
      restart: 'transient',
      backoff: FAST,
      intensity: { restarts: 1, within: '1h' },
    })
    await worker.ready()
    await worker.send('die')
    await worker.exited
    await worker.ready()
    assert.deepEqual([worker.state, worker.incarnation], ['running', 2])
    await worker.send('die')
    await worker.exited
    await assert.rejects(worker.ready(), { code: 'ERR_PAGENT_EXIT' })
    await assert.rejects(worker.ready(), /Cannot use worker "w": it exited with code 1/)
    const again = worker.start('cat', [], { ready: 'first-message' })
    const waiting = assert.rejects(worker.ready(), { code: 'ERR_PAGENT_EXIT' })
    await worker.stop()
    await Promise.all([waiting, assert.rejects(again)])
  })

  story('after too many failures it stays failed, an event says so, and start revives it', async (master) => {
    const events = watch(master)
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', 'exit 9'], { restart: 'permanent', backoff: FAST, intensity: { restarts: 2, within: '1h' } })
    const gaveUp = await events.until('gave-up')
    assert.deepEqual(
      gaveUp['exits'].map((exit: any) => [exit.incarnation, exit.exitCode]),
      [
        [1, 9],
        [2, 9],
        [3, 9],
      ],
    )
    assert.equal(worker.state, 'failed')
    await worker.start('cat')
    assert.equal(worker.state, 'running')
  })

  story('an end that was asked for is not followed by a restart', async (master) => {
    const events = watch(master)
    const worker = await master.getWorker('w').start('cat', [], { restart: 'permanent', backoff: FAST })
    await worker.stop()
    await events.until('exited')
    assert.equal(worker.state, 'exited')
  })

  story('stop during the wait for a restart ends the wait', async (master) => {
    const events = watch(master)
    const backoff = { min: '1h', max: '1h', jitter: 0 }
    const worker = await master.getWorker('w').start('false', [], { restart: 'permanent', backoff })
    await events.until('restart-scheduled')
    assert.equal(worker.state, 'backoff')
    assert.partialDeepStrictEqual(await worker.stop(), { kind: 'failed', exitCode: 1 })
    assert.equal(worker.state, 'exited')
  })

  story('a restart that cannot start counts as a failure', async (master) => {
    const { mkdtemp, rm } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const cwd = await mkdtemp(`${tmpdir()}/pagent-test-`)
    const events = watch(master)
    const intensity = { restarts: 1, within: '1h' }
    const worker = await master.getWorker('w').start('cat', [], { cwd, restart: 'permanent', backoff: FAST, intensity })
    await rm(cwd, { recursive: true })
    await worker.end()
    const { exits } = await events.until('gave-up')
    assert.deepEqual(
      exits.map((exit: any) => exit.kind),
      ['normal', 'crashed'],
    )
    assert.match(exits[1].error.message, /\(cwd\) does not exist/)
  })

  story('the next life begins after onExit of the last', async (master) => {
    const events = watch(master)
    const order: string[] = []
    await master.getWorker('w').start('sh', ['-c', 'echo line; exit 1'], {
      restart: 'transient',
      backoff: FAST,
      intensity: { restarts: 1, within: '1h' },
      onMessage: async (line, worker) => {
        await new Promise((resolve) => void setImmediate(resolve))
        order.push(`${line} ${worker.incarnation}`)
      },
      onExit: (exit) => order.push(`exit ${exit.incarnation}`),
    })
    await events.until('gave-up')
    assert.deepEqual(order, ['line 1', 'exit 1', 'line 2', 'exit 2'])
  })

  story('a worker that throws in onMessage ends as crashed, hurts nobody else, and comes back', async (master) => {
    const events = watch(master)
    const neighbour = await master.getWorker('neighbour').start('cat')
    const worker = await master.getWorker('w').start('cat', [], {
      restart: 'transient',
      backoff: FAST,
      onMessage: (line) => {
        if (line === 'bad') throw new Error('cannot bear it')
      },
    })
    await worker.send('bad')
    const { exit } = await events.until('exited', 'w')
    assert.partialDeepStrictEqual(exit, { kind: 'crashed', stage: 'onMessage' })
    assert.equal(exit.error.message, 'cannot bear it')
    await untilIncarnation(events, 2)
    await neighbour.send('fine')
    assert.equal(await neighbour.receive(), 'fine')
  })

  story('a worker that does not answer its alive check is ended and replaced', async (master) => {
    const events = watch(master)
    const worker = await master.getWorker('w').start('sh', ['-c', 'read x; echo $x; exec sleep 1000'], {
      restart: 'transient',
      backoff: FAST,
      shutdown: { grace: 10 },
      alive: {
        every: 1,
        timeout: 100,
        check: async (asked) => {
          await asked.send('ping')
          assert.equal(await asked.receive(), 'ping')
        },
      },
    })
    assert.partialDeepStrictEqual(await events.until('exited'), { exit: { kind: 'unresponsive', after: 100 } })
    await untilIncarnation(events, 2)
    assert.ok(worker.incarnation >= 2)
  })

  story('callbacks that reject later hurt no more than those that throw', async (master) => {
    const events = watch(master)
    await master.getWorker('exit').start('true', [], { onExit: rejectsLater })
    await events.until('callback-failed', 'exit')
    const worker = await master.getWorker('stderr').start('sh', ['-c', 'echo x >&2; cat'], { onStderr: rejectsLater })
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'crashed', stage: 'onStderr' })
  })

  story('onExit that throws is reported, and the restart goes on', async (master) => {
    const events = watch(master)
    const warned = new Promise((resolve) => process.once('warning', resolve))
    await master.getWorker('w').start('false', [], {
      restart: 'transient',
      backoff: FAST,
      intensity: { restarts: 1, within: '1h' },
      onExit: (exit) => {
        if (exit.incarnation === 1) throw new Error('mine')
      },
    })
    assert.equal((await events.until('callback-failed'))['error'].message, 'mine')
    assert.match(String(await warned), /onExit of worker "w" threw: Error: mine/)
    await events.until('gave-up')
  })
})

async function untilIncarnation(events: ReturnType<typeof watch>, incarnation: number): Promise<void> {
  for (;;) {
    const found = events.seen.find((event) => event.type === 'ready' && event['incarnation'] === incarnation)
    if (found !== undefined) return
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

/** As somebody may write it who does not know that nobody waits for it. */
function rejectsLater(): any {
  return Promise.reject(new Error('later'))
}
