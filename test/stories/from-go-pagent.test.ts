import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type Exit, Master, type Worker } from '../../src/index.ts'
import { isAlive } from '../support/processes.ts'
import { fixture, story } from '../support/story.ts'

/** Each was a fault of the library this one began from. */
void describe('what the Go library could not do', () => {
  story('50 lines a second was the most; 100,000 arrive, complete and in order', async (master) => {
    let expected = 1
    const worker = await master.getWorker('w').start('seq', ['1', '100000'], {
      onMessage: (line) => assert.equal(line, String(expected++)),
    })
    assert.equal((await worker.exited).kind, 'normal')
    assert.equal(expected, 100_001)
  })

  story(
    'delWorker hung for ever on a child that ignores the signal; now the name is free and the child gone',
    async (master) => {
      const worker = await master
        .getWorker('w')
        .start(fixture('ignore-sigterm.sh'), [], { ready: 'first-message', shutdown: { eof: 10, grace: 10 } })
      const { pid } = worker
      const deleted = master.delWorker('w')
      assert.equal(master.hasWorker('w'), false)
      assert.partialDeepStrictEqual(await deleted, { kind: 'stopped', step: 'SIGKILL' })
      assert.equal(isAlive(pid ?? 0), false)
    },
  )

  story('delWorker in the finish callback waited for itself', async (master) => {
    const deleted = Promise.withResolvers<Exit | undefined>()
    await master.getWorker('w').start('true', [], {
      onExit: (_exit, worker) => deleted.resolve(master.delWorker(worker.id)),
    })
    assert.equal((await deleted.promise)?.kind, 'normal')
    assert.equal(master.hasWorker('w'), false)
  })

  story('delWorker in the message callback does not wait for itself either', async (master) => {
    const deleted = Promise.withResolvers<Exit | undefined>()
    await master.getWorker('w').start('sh', ['-c', 'echo go; cat'], {
      onMessage: async (_line, worker) => deleted.resolve(await master.delWorker(worker.id)),
    })
    assert.equal((await deleted.promise)?.kind, 'stopped')
  })

  story('a double start orphaned the first child', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    const { pid } = worker
    await assert.rejects(worker.start('sleep', ['1000']), { code: 'ERR_PAGENT_ALREADY_STARTED' })
    await master.delWorker('w')
    assert.equal(isAlive(pid ?? 0), false)
  })

  story('a newline was added only where there was none anywhere; now each message is one line', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    await Promise.all(['', 'a', ' b '].map((line) => worker.input(line)))
    assert.deepEqual([await worker.receive(), await worker.receive(), await worker.receive()], ['', 'a', ' b '])
    await assert.rejects(worker.input('a\nb'), { code: 'ERR_PAGENT_FRAMING' })
  })

  story('a short write was sent again from its start; 8 MiB in one message come back as they were', async (master) => {
    const { lines } = await import('../../src/index.ts')
    const worker = await master.getWorker('w').start('cat', [], { framing: lines({ maxLength: '16MiB' }) })
    const message = Array.from({ length: 1_000_000 }, (_, i) => String(i % 10).repeat(8)).join('')
    const [, back] = await Promise.all([worker.send(message), worker.receive()])
    assert.ok(back === message)
  })

  story('stderr was never read, and a child that wrote enough of it stood still', async (master) => {
    const worker = await master.getWorker('w').start(fixture('writes-noise.sh'))
    await worker.input('x')
    assert.equal(await worker.receive(), 'got x')
  })

  story('errors of callbacks were dropped; now they are the cause of the end', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'echo x; cat'], {
      onMessage: () => Promise.reject(new Error('mine')),
    })
    const exit = await worker.exited
    assert.partialDeepStrictEqual(exit, { kind: 'crashed', stage: 'onMessage' })
    assert.equal(exit.kind === 'crashed' && exit.error.message, 'mine')
  })

  story('a class of yours can extend Master and hold the callbacks', async (_master) => {
    class MyBiz extends Master {
      readonly heard: string[] = []

      readonly bizRunning = (line: string, worker: Worker): void => void this.heard.push(`${worker.id}: ${line}`)

      readonly bizFinish = (exit: Exit): void => void this.heard.push(exit.kind)

      async greet(): Promise<void> {
        const worker = this.getWorker('worker1')
        await worker.start('bash', [], { onMessage: this.bizRunning, onExit: this.bizFinish })
        await worker.input('echo hello; exit')
        await worker.exited
      }
    }
    const biz = new MyBiz()
    await biz.greet()
    assert.deepEqual(biz.heard, ['worker1: hello', 'normal'])
    await biz.stop()
  })
})
