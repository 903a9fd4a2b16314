import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { PassThrough, Readable, Writable } from 'node:stream'
import { FramingError } from '../../src/base/errors.ts'
import { readableSource, writableSink } from '../../src/channel/bytes.ts'
import { INBOX_LIMIT } from '../../src/channel/inbox.ts'
import { type ChannelObserver, StreamChannel } from '../../src/channel/stream-channel.ts'
import { type Framing, json, lines } from '../../src/framing/index.ts'
import { receiveAll } from '../contracts/channel.ts'
import { settled } from '../support/fake-clock.ts'
import { FakeSink, FakeSource } from './fake-bytes.ts'

interface Made<M> {
  readonly source: FakeSource
  readonly sink: FakeSink
  readonly channel: StreamChannel<M>
  readonly events: string[]
}

function make<M>(framing: Framing<M>, extra: ChannelObserver = {}): Made<M> {
  const [source, sink, events] = [new FakeSource(), new FakeSink({ atOnce: true }), [] as string[]]
  const channel = new StreamChannel(framing, source, sink, 'worker "a"', {
    notice: (notice) => events.push(notice.reason),
    paused: (paused) => events.push(paused ? 'paused' : 'flows'),
    inputEnded: (fault) => events.push(`ended ${fault?.reason ?? 'well'}`),
    ...extra,
  })
  return { source, sink, channel, events }
}

async function isClosed(channel: StreamChannel<any>): Promise<boolean> {
  let closed = false
  void channel.closed.then(() => (closed = true))
  await settled()
  return closed
}

describe('a stream that breaks its framing', () => {
  it('delivers what came before, then rejects every receive with the fault', async () => {
    const { source, channel, events } = make(json())
    source.push('1\n2\nnot JSON\n3\n')
    source.push('4\n')
    assert.equal(await channel.receive(), 1)
    assert.equal(await channel.receive(), 2)
    for (let i = 0; i < 2; i++) {
      await assert.rejects(channel.receive(), (error) => error instanceof FramingError && error.reason === 'malformed')
    }
    assert.deepEqual(events, ['ended malformed'])
    assert.equal(source.paused, false)
  })

  it('rejects those who wait, and ends a loop with the fault', async () => {
    const { source, channel } = make(json())
    const waiting = channel.receive()
    source.push('{\n')
    await assert.rejects(waiting, { code: 'ERR_PAGENT_FRAMING' })
    await assert.rejects(
      (async () => {
        for await (const one of channel) assert.fail(String(one))
      })(),
      { code: 'ERR_PAGENT_FRAMING' },
    )
  })

  it('can still be written to, and closes when both directions are over', async () => {
    const { source, sink, channel } = make(json())
    source.push('{\n')
    await channel.send(1)
    assert.equal(sink.text, '1\n')
    assert.equal(await isClosed(channel), false)
    await channel.end()
    await channel.closed
  })

  it('blames the framing when its decoder throws something else', async () => {
    const broken = { ...lines(), name: 'mine', decoder: () => ({ push: () => assert.fail('oops'), end: () => {} }) }
    const { source, channel } = make(broken)
    source.push('a\n')
    await assert.rejects(channel.receive(), {
      reason: 'malformed',
      framing: 'mine',
      message: /the decoder failed: .*oops/,
    })
  })
})

describe('the end of a stream', () => {
  it('delivers and reports an unterminated last message', async () => {
    const { source, channel, events } = make(lines())
    source.push('a\nb')
    source.end()
    assert.deepEqual(await receiveAll(channel), ['a', 'b'])
    assert.deepEqual(events, ['unterminated', 'ended well'])
  })

  it('is no good end when the stream broke off, even between two messages', async () => {
    const cause = new Error('read ECONNRESET')
    const { source, channel, events } = make(lines())
    source.push('a\nb')
    source.end(cause)
    assert.equal(await channel.receive(), 'a')
    assert.equal(await channel.receive(), 'b')
    await assert.rejects(channel.receive(), { reason: 'truncated', message: /broke off: read ECONNRESET/, cause })
    assert.deepEqual(events, ['unterminated', 'ended truncated'])
  })

  it('closes the channel when this side has ended too, even if the sink never says more', async () => {
    const { source, channel } = make(lines())
    await channel.end()
    assert.equal(await isClosed(channel), false)
    source.end()
    await channel.closed
  })

  it('closes the channel when the other side stopped reading before', async () => {
    const { source, sink, channel } = make(lines())
    sink.close()
    await assert.rejects(channel.send('a'), {
      code: 'ERR_PAGENT_CLOSED',
      message: 'Cannot send to worker "a": it does not read any more',
    })
    source.push('still heard\n')
    assert.equal(await channel.receive(), 'still heard')
    source.end()
    await channel.closed
  })

  it('does not close the channel before what was sent has left', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()]
    const channel = new StreamChannel(lines(), source, sink, 'worker "a"')
    const sent = channel.send('a')
    source.end()
    void channel.end()
    assert.equal(await isClosed(channel), false)
    sink.done()
    await sent
    assert.equal(await isClosed(channel), false)
    sink.finishEnd()
    await channel.closed
  })
})

describe('destroying a channel', () => {
  it('ends both directions at once; what has come can still be read', async () => {
    const { source, sink, channel, events } = make(lines())
    source.push('a\nhalf')
    channel.destroy('it has ended')
    await channel.closed
    assert.deepEqual(await receiveAll(channel), ['a', 'half'])
    await assert.rejects(channel.send('b'), { message: 'Cannot send to worker "a": it has ended' })
    assert.ok(source.destroyed && sink.destroyed)
    channel.destroy('again')
    source.push('late\n')
    source.end()
    assert.equal(await channel.receive(), undefined)
    assert.deepEqual(events, ['unterminated', 'ended well'])
  })

  it('tells everybody who waits', async () => {
    const [source, sink] = [new FakeSource(), new FakeSink()]
    const channel = new StreamChannel(lines(), source, sink, 'worker "a"')
    const receiving = channel.receive()
    const sending = channel.send('a')
    channel.destroy('it has ended')
    assert.equal(await receiving, undefined)
    await assert.rejects(sending, { code: 'ERR_PAGENT_CLOSED' })
  })
})

describe('a reader that does not read', () => {
  it('pauses the source within one chunk of the limit, and lets it flow again', async () => {
    const { source, channel, events } = make(lines())
    const chunk = `${'x'.repeat(1023)}\n`.repeat(8)
    let pushed = 0
    for (; !source.paused; pushed++) source.push(chunk)
    assert.equal(pushed * chunk.length, INBOX_LIMIT)
    assert.deepEqual(events, ['paused'])
    for (let i = 0; i < pushed * 8; i++) assert.equal((await channel.receive())?.length, 1023)
    assert.deepEqual(events, ['paused', 'flows'])
    assert.equal(source.resumed, 1)
    assert.equal(source.paused, false)
  })

  it('pauses nothing once the rest of the stream is wanted', () => {
    const { source, channel } = make(lines())
    channel.drain()
    for (let i = 0; i < 100; i++) source.push(`${'x'.repeat(10_000)}\n`)
    assert.equal(source.paused, false)
  })

  it('holds a real stream back, whose bytes stay where they are', async () => {
    let read = 0
    const endless = new Readable({
      highWaterMark: 16_384,
      read() {
        read++
        this.push(`${'x'.repeat(1023)}\n`)
      },
    })
    const channel = new StreamChannel(lines(), readableSource(endless), new FakeSink(), 'the reader')
    await once(endless, 'pause')
    await settled()
    assert.ok(read * 1024 <= INBOX_LIMIT + 3 * 16_384, `${read} KiB were read`)
    const before = read
    for (let i = 0; i < 200; i++) await channel.receive()
    assert.ok(read > before)
    channel.destroy('the test is over')
  })
})

describe('sending over a stream', () => {
  it('names the receiver when the framing cannot carry a message, and goes on', async () => {
    const { sink, channel } = make(json())
    await assert.rejects(channel.send(undefined), {
      code: 'ERR_PAGENT_FRAMING',
      reason: 'unencodable',
      message: /^Cannot send to worker "a": undefined cannot be written as JSON/,
    })
    void channel.send(1n)
    await channel.send(1)
    assert.equal(sink.text, '1\n')
  })

  it('writes what was encoded before in the order of the calls', async () => {
    const { sink, channel } = make(lines())
    void channel.send('a')
    void channel.sendEncoded('b\n')
    await channel.send('c')
    assert.deepEqual(sink.writes, ['a\nb\nc\n'])
  })
})

describe('watching', () => {
  it('shows each message until the watcher has seen enough, and takes none away', async () => {
    const { source, channel } = make(lines())
    const seen: string[] = []
    const enough = Promise.withResolvers<void>()
    channel.watch({ message: (one) => seen.push(one), reached: enough.promise })
    source.push('a\nb\n')
    enough.resolve()
    await settled()
    source.push('c\n')
    source.end()
    assert.deepEqual(seen, ['a', 'b'])
    assert.deepEqual(await receiveAll(channel), ['a', 'b', 'c'])
  })
})

describe('a channel over streams of Node', () => {
  it('survives a reader that goes away, and says so', async () => {
    const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('write EPIPE')) })
    const channel = new StreamChannel(lines(), new FakeSource(), writableSink(failing), 'the reader')
    await assert.rejects(channel.send('a'), {
      code: 'ERR_PAGENT_CLOSED',
      message: /the reader: it does not read any more/,
    })
    void channel.send('b')
    await channel.end()
    await settled()
  })

  it('passes on the error of a stream', async () => {
    const stream = new PassThrough()
    const channel = new StreamChannel(lines(), readableSource(stream), new FakeSink(), 'the writer')
    stream.write('a\n')
    await settled()
    stream.destroy(new Error('read EIO'))
    assert.equal(await channel.receive(), 'a')
    await assert.rejects(channel.receive(), { message: /broke off: read EIO/ })
  })

  it('begins to read a stream that was paused', async () => {
    const stream = new PassThrough()
    stream.pause()
    stream.end('a\n')
    const channel = new StreamChannel(lines(), readableSource(stream), new FakeSink(), 'the writer')
    assert.equal(await channel.receive(), 'a')
    assert.equal(await channel.receive(), undefined)
  })

  it('ends at once on streams that had ended before', async () => {
    const read = new PassThrough()
    read.end()
    read.resume()
    const written = new PassThrough()
    written.destroy()
    await Promise.all([once(read, 'close'), once(written, 'close')])
    const channel = new StreamChannel(lines(), readableSource(read), writableSink(written), 'nobody')
    assert.equal(await channel.receive(), undefined)
    await channel.closed
    await assert.rejects(channel.send('a'), { code: 'ERR_PAGENT_CLOSED' })
  })
})
