/** What a worker has said and heard, counted: against what was sent, over real processes. */
import assert from 'node:assert/strict'
import { NO_TRAFFIC } from '../../src/base/exit.ts'
import { jsonRpc, raw } from '../../src/index.ts'
import { fixture, story, watch } from '../support/story.ts'
import { FakeClock } from '../support/fake-clock.ts'

const bytes = (text: string): number => Buffer.byteLength(text)

story('bytes of both directions are those of the messages, whatever alphabet they are in', async (master) => {
  const worker = master.getWorker('cat')
  assert.deepEqual(worker.traffic, NO_TRAFFIC)
  await worker.start('cat')
  const lines = ['hello', 'grüße', '日本語', '', 'x'.repeat(100_000)]
  const sent = bytes(`${lines.join('\n')}\n`)
  await Promise.all(lines.map((line) => worker.send(line)))
  for (const line of lines) assert.equal(await worker.receive(), line)
  assert.deepEqual([worker.traffic.bytesIn, worker.traffic.bytesOut], [sent, sent])
  await master.broadcast('für alle')
  await worker.receive()
  const { traffic } = await worker.stop()
  assert.deepEqual([traffic?.bytesIn, traffic?.bytesOut], [sent + bytes('für alle\n'), sent + bytes('für alle\n')])
  assert.deepEqual(worker.traffic, traffic, 'after its end it is that of its last life')
  await worker.start()
  assert.equal(worker.traffic.bytesOut, 0, 'another life, from 0')
})

story('bytes that are lent are counted, and those of calls', async (master) => {
  const cat = await master.getWorker('raw').start('cat', [], { framing: raw() })
  await cat.send(new Uint8Array(70_000))
  await cat.end()
  for (;;) if ((await cat.receive()) === undefined) break
  assert.equal((await cat.exited).traffic?.bytesOut, 70_000)
  assert.equal((await cat.exited).traffic?.bytesIn, 70_000)
  const answer = '{"jsonrpc":"2.0","id":1,"result":"ja"}'
  const script = `read -r line; printf '%s' "$line" | wc -c >&2; echo '${answer}'`
  const called = await master.getWorker('called').start('sh', ['-c', script], { framing: jsonRpc<any>() })
  assert.equal(await called.rpc().call('größe', 'ä'), 'ja')
  const { traffic, stderrTail } = await called.exited
  assert.equal(traffic?.bytesIn, bytes(`${answer}\n`))
  assert.equal(traffic?.bytesOut, Number(stderrTail) + 1, 'what it has read, and the end of the line')
})

const clock = new FakeClock()

story(
  'a pipe stands still for as long as nobody reads, by the clock',
  async (master) => {
    const events = watch(master)
    const worker = await master.getWorker('flood').start(fixture('floods-stdout.sh'), ['noise'])
    /** Resolves with how long it has stood still, once a millisecond more counts. */
    const still = async (): Promise<number> => {
      for (;;) {
        const before = worker.traffic.pausedFor
        clock.advance(1)
        if (worker.traffic.pausedFor > before) return worker.traffic.pausedFor
        await new Promise((resolve) => void setImmediate(resolve))
      }
    }
    assert.equal(await still(), 1, 'what flows does not count')
    clock.advance(2999)
    assert.equal(worker.traffic.pausedFor, 3000, 'while it stands')
    const before = worker.traffic.bytesIn
    while (worker.traffic.bytesIn === before) await worker.receive()
    assert.equal(await still(), 3001, 'it has flowed, and stands still again')
    clock.advance(5999)
    await events.until('stalled')
    assert.equal(worker.traffic.pausedFor, 9000)
    worker.kill()
    const { traffic } = await worker.exited
    assert.equal(traffic?.pausedFor, 9000)
    clock.advance(60_000)
    assert.equal(worker.traffic.pausedFor, 9000, 'nothing stands still after its end')
  },
  { clock },
)

story('who has never been a process has carried nothing', async (master) => {
  await assert.rejects(master.getWorker('none').start('/nowhere/nothing'))
  assert.equal((await master.getWorker('none').exited).traffic, undefined)
  assert.deepEqual(master.getWorker('none').traffic, NO_TRAFFIC)
})
