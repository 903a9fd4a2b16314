import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { describeExit, json, lengthPrefixed, lines } from '../../src/index.ts'
import { eventually } from '../support/processes.ts'
import { fixture, story, watch } from '../support/story.ts'

void describe('every end has a cause', () => {
  const table = [
    { title: 'exit code 0', script: 'exit 0', expected: { kind: 'normal' } },
    { title: 'exit code 3', script: 'exit 3', expected: { kind: 'failed', exitCode: 3 } },
    { title: 'a signal from outside', script: 'kill -USR1 $$', expected: { kind: 'signaled', signalCode: 'SIGUSR1' } },
    { title: 'kill -9 by itself', script: 'kill -9 $$', expected: { kind: 'signaled', signalCode: 'SIGKILL' } },
  ]
  for (const { title, script, expected } of table) {
    story(`${title} is told as it was`, async (master) => {
      const worker = await master.getWorker('w').start('sh', ['-c', script])
      const exit = await worker.exited
      assert.partialDeepStrictEqual(exit, { ...expected, id: 'w', incarnation: 1 })
      assert.match(describeExit(exit), /after \d/)
    })
  }

  story('the exit carries the last lines of both streams', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'echo out; echo err >&2; exit 1'])
    assert.partialDeepStrictEqual(await worker.exited, { stdoutTail: 'out\n', stderrTail: 'err\n' })
  })

  story('an exit is reported although a grandchild holds the pipe', async (master) => {
    const worker = await master.getWorker('w').start(fixture('holds-the-pipe.sh'))
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'failed', exitCode: 7 })
    assert.deepEqual([await worker.receive(), await worker.receive()], ['last words', undefined])
  })

  story('what was written just before the end is delivered, however much the pipe holds', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'seq 1 10000'])
    await worker.exited
    let expected = 1
    for await (const line of worker) assert.equal(line, String(expected++))
    assert.equal(expected, 10_001)
  })

  story('a last line without its newline is delivered and marked', async (master) => {
    const events = watch(master)
    const worker = await master.getWorker('w').start(fixture('half-a-line.sh'))
    const got = [await worker.receive(), await worker.receive(), await worker.receive()]
    assert.deepEqual(got, ['whole', 'half', undefined])
    assert.equal(worker.unterminated, true)
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'normal', unterminated: true })
    assert.equal((await events.until('noticed'))['notice'].reason, 'unterminated')
  })

  story('a line above the maximum ends the worker as protocol, after everything before it', async (master) => {
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', 'echo fine; head -c 5000 /dev/zero; sleep 1000'], { framing: lines({ maxLength: 1000 }) })
    assert.equal(await worker.receive(), 'fine')
    await assert.rejects(worker.receive(), { code: 'ERR_PAGENT_FRAMING', reason: 'too-long' })
    const exit = await worker.exited
    assert.equal(exit.kind, 'protocol')
    assert.match(describeExit(exit), /is longer than maxLength, which is 1000 bytes for lines/)
  })

  story('a longer line can be skipped instead, and is reported', async (master) => {
    const events = watch(master)
    const framing = lines({ maxLength: 1000, onOverlong: 'skip' })
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', 'echo a; head -c 500000 /dev/zero; echo; echo b'], { framing })
    assert.deepEqual([await worker.receive(), await worker.receive(), await worker.receive()], ['a', 'b', undefined])
    assert.equal((await events.until('noticed'))['notice'].reason, 'too-long')
  })

  story('output that is not of the framing ends the worker as protocol', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'echo 1; echo oops; sleep 1000'], { framing: json() })
    const exit = await worker.exited
    assert.equal(exit.kind, 'protocol')
    assert.match(describeExit(exit), /"oops"/)
    assert.equal(await worker.receive(), 1)
    await assert.rejects(worker.receive(), { reason: 'malformed' })
  })

  story('code 0 with half a message is no success', async (master) => {
    const worker = await master
      .getWorker('w')
      .start('printf', ['\\000\\000\\000\\011abc'], { framing: lengthPrefixed() })
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'protocol', unterminated: true })
  })

  story('onExit comes once, after the last message was dealt with', async (master) => {
    const seen: string[] = []
    const exited = Promise.withResolvers<void>()
    await master.getWorker('w').start('seq', ['1', '5'], {
      onMessage: async (line) => {
        await new Promise((resolve) => void setImmediate(resolve))
        seen.push(line)
      },
      onExit: (exit) => {
        seen.push(exit.kind)
        exited.resolve()
      },
    })
    await exited.promise
    assert.deepEqual(seen, ['1', '2', '3', '4', '5', 'normal'])
  })

  story('stderr is always read: a worker that chatters there does not stand still', async (master) => {
    const worker = await master.getWorker('w').start(fixture('writes-noise.sh'))
    await worker.send('hello')
    assert.equal(await worker.receive(), 'got hello')
    // It goes another way than stdout, and may come later.
    await eventually(() => worker.tail.stderr.includes('noise 3999'), 1000, 'the end of stderr is missing')
  })

  story('each line of stderr reaches onStderr', async (master) => {
    const seen: string[] = []
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', 'echo one >&2; printf two >&2'], { onStderr: (line) => seen.push(line) })
    await worker.exited
    assert.deepEqual(seen, ['one', 'two'])
  })
})
