import { type Socket, connect, createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { readableSource, writableSink } from '../../src/channel/bytes.ts'
import { channel, memoryChannels } from '../../src/channel/memory-channel.ts'
import { StreamChannel } from '../../src/channel/stream-channel.ts'
import { type Framing, json, lengthPrefixed, lines } from '../../src/framing/index.ts'
import { type ChannelPair, testChannel } from '../contracts/channel.ts'

const text = (number: number, length = 0): string => `${number} ${'x'.repeat(length)}`
const value = (number: number, length?: number): unknown => ({ number, text: text(number, length) })
const bytes = (number: number, length?: number): Uint8Array => new Uint8Array(Buffer.from(text(number, length)))

for (const capacity of [0, 1, 7]) {
  const held = (capacity + 1) * 10_000
  testChannel(`memoryChannels(${capacity})`, () => inMemory(capacity), { message: text, held })
  testChannel(`channel(${capacity})`, () => alone(capacity), { message: text, held, single: true })
}

testChannel('lines() over sockets', () => overSockets(lines()), { message: text, held: 6 * 2 ** 20 })
testChannel('json() over sockets', () => overSockets(json()), { message: value, held: 6 * 2 ** 20 })
testChannel('lines() over streams', () => overStreams(lines()), { message: text, held: 2 ** 19 })
testChannel('lengthPrefixed() over streams', () => overStreams(lengthPrefixed()), { message: bytes, held: 2 ** 19 })

function inMemory(capacity: number): ChannelPair<string> {
  const [near, far] = memoryChannels<string>(capacity)
  return { near, far }
}

function alone(capacity: number): ChannelPair<string> {
  const both = channel<string>(capacity)
  return { near: both, far: both }
}

function overStreams<M>(framing: Framing<M>): ChannelPair<M> {
  const [there, back] = [new PassThrough(), new PassThrough()]
  const near = new StreamChannel(framing, readableSource(back), writableSink(there), 'the far end')
  const far = new StreamChannel(framing, readableSource(there), writableSink(back), 'the near end')
  return { near, far, dispose: () => [near, far].forEach((end) => end.destroy('the test is over')) }
}

async function overSockets<M>(framing: Framing<M>): Promise<ChannelPair<M>> {
  const sockets = await socketPair()
  const [near, far] = sockets.map(
    (socket) => new StreamChannel(framing, readableSource(socket), writableSink(socket), 'the other end'),
  ) as [StreamChannel<M>, StreamChannel<M>]
  return { near, far, dispose: () => [near, far].forEach((end) => end.destroy('the test is over')) }
}

/** Two joined sockets, each of whose directions ends by itself. */
function socketPair(): Promise<[Socket, Socket]> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, (accepted) => {
      server.close()
      resolve([dialed, accepted])
    })
    let dialed: Socket
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      dialed = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      dialed.on('error', reject)
    })
  })
}
