import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { describeExit, portable } from '../../src/index.ts'
import { story } from '../support/story.ts'

const shutdown = { grace: 20 }

void describe('limits', () => {
  story('wallTime ends a worker that lives too long', async (master) => {
    const worker = await master.getWorker('w').start('sleep', ['1000'], { limits: { wallTime: 50 }, shutdown })
    const exit = await worker.exited
    assert.partialDeepStrictEqual(exit, {
      kind: 'limit',
      limit: 'wallTime',
      max: 50,
      enforcedBy: 'master',
      exact: true,
    })
    assert.match(describeExit(exit), /^was ended at its limit wallTime \(\d.* of 50ms, enforced by master\)/)
  })

  story('idle ends a worker that is silent, and output keeps it alive', async (master) => {
    const script = 'for i in 1 2 3 4; do echo $i; sleep 0.05; done; exec sleep 1000'
    const worker = await master.getWorker('w').start('sh', ['-c', script], { limits: { idle: 1500 }, shutdown })
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'limit', limit: 'idle', max: 1500 })
    assert.deepEqual(await Array.fromAsync(worker), ['1', '2', '3', '4'])
  })

  story('output ends a worker that says too much, on whichever stream', async (master) => {
    const limits = { output: '10KiB' }
    const worker = await master.getWorker('w').start('sh', ['-c', 'read go; yes >&2'], { limits, shutdown })
    await worker.send('go')
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'limit', limit: 'output', max: 10_240 })
  })

  story('a limit that nobody here can enforce is refused, never ignored', async (master) => {
    const launcher = portable()
    const started = master.getWorker('w').start('cat', [], { limits: { memory: '64MiB' }, launcher })
    await assert.rejects(started, {
      code: 'ERR_PAGENT_LIMIT_UNSUPPORTED',
      message: /^Cannot start worker "w" with the limit memory: the launcher portable cannot enforce it here/,
    })
    assert.equal(master.getWorker('w').pid, undefined)
    await launcher.close()
  })

  story('a limit that cannot be is refused at the door', async (master) => {
    for (const limits of [{ memory: '1KiB' }, { cpus: 0 }, { processes: 1.5 }, { cpuTime: '-1s' }, { ram: '1MiB' }])
      await assert.rejects(master.getWorker('w').start('cat', [], { limits }), /limits/)
    assert.equal(master.getWorker('w').state, 'idle')
  })

  story('worker.limits says what is in force, and by whom', async (master) => {
    const worker = await master.getWorker('w').start('cat', [], { limits: { wallTime: '1m', output: '1MiB' } })
    assert.deepEqual(worker.limits, {
      wallTime: { max: 60_000, enforcedBy: 'master', exact: true },
      output: { max: 1_048_576, enforcedBy: 'master', exact: true },
    })
  })
})
