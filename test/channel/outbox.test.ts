import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClosedError } from '../../src/base/errors.ts'
import { OUTBOX_LIMIT, OWED_LIMIT, Outbox } from '../../src/channel/outbox.ts'
import type { Room } from '../../src/framing/framing.ts'
import { settled } from '../support/fake-clock.ts'
import { FakeSink } from './fake-bytes.ts'

function make(options?: { readonly atOnce?: boolean }): { sink: FakeSink; outbox: Outbox } {
  const sink = new FakeSink(options)
  return { sink, outbox: new Outbox(sink, 'worker "a"') }
}

function writeText(message: string, room: Room): boolean {
  if (message === 'no') return false
  room.used += Buffer.from(room.bytes.buffer).write(message, room.used)
  return true
}

/** How a promise stands after everything that is ready has run. */
async function standing(promise: Promise<unknown>): Promise<string> {
  let state = 'pending'
  promise.then(
    () => (state = 'resolved'),
    (error: Error) => (state = error.name),
  )
  await settled()
  return state
}

describe('sending', () => {
  it('writes all messages of one tick at once', async () => {
    const { sink, outbox } = make({ atOnce: true })
    const sent = Array.from({ length: 1000 }, (_, i) => outbox.send(`${i}\n`))
    assert.equal(sink.writes.length, 0)
    await Promise.all(sent)
    assert.equal(sink.writes.length, 1)
    assert.equal(sink.text, Array.from({ length: 1000 }, (_, i) => `${i}\n`).join(''))
  })

  it('has messages written where they leave from, in their order among others', async () => {
    const { sink, outbox } = make({ atOnce: true })
    assert.deepEqual(
      ['a', 'b', 'no', 'c'].map((message) => outbox.postInto(writeText, message)),
      [true, true, false, true],
    )
    void outbox.send('text')
    assert.equal(outbox.postInto(writeText, 'd'), true)
    assert.equal(outbox.queued, 8)
    await settled()
    assert.equal(sink.text, 'abctextd')
    assert.equal(sink.writes.length, 1)
    for (let i = 0; i < 30_000; i++) outbox.postInto(writeText, `${i}\n`)
    await settled()
    assert.equal(sink.text, `abctextd${Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join('')}`)
    outbox.close('it has ended')
    assert.equal(outbox.postInto(writeText, 'e'), false)
  })

  it('has no memory for messages of more than so many outboxes in one tick', async () => {
    const outboxes = Array.from({ length: 100 }, () => make({ atOnce: true }).outbox)
    const taken = outboxes.filter((outbox) => outbox.postInto(writeText, 'a'))
    assert.ok(taken.length >= 64 && taken.length < 70, `${taken.length} were written`)
    await settled()
    assert.equal(outboxes.at(-1)?.postInto(writeText, 'a'), true)
  })

  it('writes all messages that came during a write at once behind it', async () => {
    const { sink, outbox } = make()
    const first = outbox.send('1')
    await settled()
    const later = ['2', '3', '4'].map((frame) => outbox.send(frame))
    await settled()
    assert.deepEqual(sink.writes, ['1'])
    sink.done()
    assert.deepEqual(sink.writes, ['1', '234'])
    await first
    assert.equal(await standing(later[0] as Promise<void>), 'pending')
    sink.done()
    await Promise.all(later)
    assert.equal(outbox.queued, 0)
  })

  it('keeps the order of text and bytes, and never changes a byte', async () => {
    const { sink, outbox } = make({ atOnce: true })
    const frames = ['é', 'a', Uint8Array.of(0xff, 10), Uint8Array.of(0), '😀', Uint8Array.of(1)]
    await Promise.all(frames.map((frame) => outbox.send(frame)))
    assert.equal(sink.writes.length, 1)
    const expected = Buffer.concat(frames.map((frame) => Buffer.from(frame as string)))
    assert.deepEqual(Buffer.from(sink.writes[0] as Uint8Array), expected)
  })

  it('keeps the order of what is long and short, own and lent, in writes that are not too long', async () => {
    const written: Buffer[] = []
    const sink = new FakeSink()
    // Whose memory it is afterwards is not for the sink to know.
    sink.write = (data, done) => {
      written.push(Buffer.from(data as string))
      done()
    }
    const outbox = new Outbox(sink, 'worker "a"')
    const lent = new Uint8Array(100_000)
    const expected: Buffer[] = []
    for (let i = 0; i < 20; i++) {
      lent.fill(i)
      const frames = [`text ${i}`, lent.subarray(0, i % 3 === 0 ? 10 : 100_000), new Uint8Array(i * 5000).fill(i)]
      expected.push(...frames.map((frame) => Buffer.from(frame as string)))
      void outbox.send(frames[0] as string)
      void outbox.send(frames[1] as Uint8Array, true)
      await outbox.send(frames[2] as Uint8Array)
    }
    const all = Array.from({ length: 10 }, (_, i) => {
      lent.fill(100 + i)
      expected.push(Buffer.from(lent))
      return outbox.send(lent, true)
    })
    await Promise.all(all)
    assert.ok(Buffer.concat(written).equals(Buffer.concat(expected)))
    assert.ok(Math.max(...written.map(({ length }) => length)) <= 2 ** 18)
    assert.equal(outbox.queued, 0)
  })

  it('passes a single frame on as it is', async () => {
    const { sink, outbox } = make({ atOnce: true })
    const frame = Uint8Array.of(1, 2)
    await outbox.send(frame)
    assert.equal(sink.writes[0], frame)
    await outbox.send('text')
    assert.equal(sink.writes[1], 'text')
  })

  it('refuses what would go over the limit, and takes more once there is room', async () => {
    const { sink, outbox } = make()
    const half = 'x'.repeat(OUTBOX_LIMIT / 2)
    const accepted = [outbox.send(half), outbox.send(half)]
    await assert.rejects(outbox.send('y'), {
      code: 'ERR_PAGENT_OVERLOAD',
      queued: OUTBOX_LIMIT,
      limit: OUTBOX_LIMIT,
      message: 'Cannot send to worker "a": 16MiB already wait for it to read; await send() to keep its pace',
    })
    await settled()
    assert.equal(outbox.queued, OUTBOX_LIMIT)
    // What is long is a write of its own.
    sink.done()
    sink.done()
    await Promise.all(accepted)
    void outbox.send('y')
    await settled()
    assert.equal(sink.writes.at(-1), 'y')
  })

  it('takes what is owed above the limit, and is no memory without end for who never reads', async () => {
    const { sink, outbox } = make()
    const quarter = 'x'.repeat(OUTBOX_LIMIT / 4)
    for (let i = 0; i < 4; i++) outbox.post(quarter)
    assert.throws(() => outbox.post('y'), { code: 'ERR_PAGENT_OVERLOAD', limit: OUTBOX_LIMIT })
    while (outbox.queued < OWED_LIMIT) outbox.post(quarter, false, true)
    outbox.post('the last', false, true)
    const full = { code: 'ERR_PAGENT_OVERLOAD', queued: OWED_LIMIT + 8, limit: OWED_LIMIT }
    assert.throws(() => outbox.post('y', false, true), full)
    await settled()
    while (outbox.queued > 0) sink.done()
    assert.equal(sink.text.length, OWED_LIMIT + 8)
    outbox.close('it has ended')
    assert.throws(() => outbox.post('y', false, true), { code: 'ERR_PAGENT_CLOSED' })
  })

  it('takes one message of any size while nothing waits', async () => {
    const { sink, outbox } = make({ atOnce: true })
    await outbox.send(new Uint8Array(OUTBOX_LIMIT + 1))
    assert.equal(sink.writes.length, 1)
  })

  it('tells everybody when a write fails, and whoever comes later', async () => {
    const { sink, outbox } = make()
    const first = outbox.send('1')
    await settled()
    const second = outbox.send('2')
    const cause = new Error('write EPIPE')
    sink.done(cause)
    for (const promise of [first, second, outbox.send('3')]) {
      await assert.rejects(
        promise,
        (error) => error instanceof ClosedError && error.cause === cause && /"a".*read/.test(error.message),
      )
    }
    assert.equal(sink.destroyed, true)
    assert.equal(outbox.queued, 0)
  })

  it('closes, and nothing worse, when a frame is neither text nor bytes', async () => {
    for (const frames of [[[1, 2]], ['text', [1, 2]]]) {
      const outbox = new Outbox(strictSink(), 'worker "a"')
      const sent = frames.map((frame) => outbox.send(frame as unknown as string))
      for (const promise of sent) await assert.rejects(promise, { code: 'ERR_PAGENT_CLOSED' })
    }
  })
})

describe('ending', () => {
  it('ends the stream behind what was accepted', async () => {
    const { sink, outbox } = make()
    const first = outbox.send('1')
    await settled()
    const second = outbox.send('2')
    const ended = outbox.end()
    assert.equal(sink.ends, 0)
    sink.done()
    assert.equal(sink.ends, 0)
    sink.done()
    assert.equal(sink.ends, 1)
    await Promise.all([first, second])
    assert.equal(await standing(ended), 'pending')
    sink.finishEnd()
    await ended
  })

  it('ends the stream once, however it is asked and whatever is still due', async () => {
    for (const atOnce of [true, false]) {
      const { sink, outbox } = make({ atOnce })
      const sent = outbox.send('1')
      const ended = [outbox.end(), outbox.end()]
      await settled()
      sink.done()
      await sent
      sink.finishEnd()
      await Promise.all(ended)
      await outbox.end()
      assert.equal(sink.ends, 1)
      assert.deepEqual(sink.writes, ['1'])
    }
  })

  it('refuses what is sent later', async () => {
    const { outbox } = make()
    void outbox.end()
    await assert.rejects(outbox.send('1'), {
      code: 'ERR_PAGENT_CLOSED',
      message: 'Cannot send to worker "a": its input was ended',
    })
  })

  it('is done at once when the reader has gone, or goes', async () => {
    const gone = make()
    gone.outbox.close('gone')
    await gone.outbox.end()
    assert.equal(gone.sink.ends, 0)
    const going = make()
    const sent = going.outbox.send('1')
    const ended = going.outbox.end()
    going.outbox.close('gone')
    await ended
    await assert.rejects(sent, /gone/)
  })
})

describe('closing', () => {
  it('rejects what waits and what comes, and lets the sink go, once', async () => {
    const { sink, outbox } = make()
    const writing = outbox.send('1')
    await settled()
    const waiting = outbox.send('2')
    outbox.close('gone')
    outbox.close('gone again')
    for (const promise of [writing, waiting, outbox.send('3')]) await assert.rejects(promise, { message: /gone$/ })
    assert.equal(sink.destroyed, true)
    sink.done()
    sink.done(new Error('late'))
    await settled()
    assert.deepEqual(sink.writes, ['1'])
  })

  it('before the tick is over writes nothing', async () => {
    const { sink, outbox } = make()
    void outbox.send('1')
    outbox.close('gone')
    await settled()
    assert.deepEqual(sink.writes, [])
  })
})

function strictSink(): FakeSink {
  const sink = new FakeSink({ atOnce: true })
  const write = sink.write.bind(sink)
  sink.write = (data, done) => {
    if (typeof data !== 'string' && !(data instanceof Uint8Array))
      throw new TypeError('The "chunk" argument must be of type string')
    write(data, done)
  }
  return sink
}
