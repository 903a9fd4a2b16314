/** How many bytes have left: by who knows it anyway, and counted where nobody does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket, createServer } from 'node:net'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { type ByteSink, countedSink, writableSink } from '../../src/channel/bytes.ts'

function write(sink: ByteSink, data: string | Uint8Array): Promise<Error | null | undefined> {
  return new Promise((resolve) => sink.write(data, resolve))
}

void test('a stream that does not count is counted: bytes, not characters, and none that failed', async () => {
  let broken = false
  const stream = new Writable({ write: (_data, _encoding, done) => done(broken ? new Error('gone') : null) })
  const plain = writableSink(stream)
  assert.equal(plain.bytesWritten, undefined)
  const sink = countedSink(plain)
  assert.equal(sink.bytesWritten, 0)
  await write(sink, 'grüße 日本')
  assert.equal(sink.bytesWritten, Buffer.byteLength('grüße 日本'))
  await write(sink, new Uint8Array(5))
  broken = true
  assert.match(String(await write(sink, 'lost')), /gone/)
  assert.equal(sink.bytesWritten, Buffer.byteLength('grüße 日本') + 5)
  await new Promise<void>((resolve) => sink.onClose(() => resolve()))
})

void test('a socket counts itself, from when it became a sink', async () => {
  const server = createServer((peer) => peer.resume().on('end', () => peer.end())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = new Socket().connect(server.address() as { port: number })
  await once(socket, 'connect')
  socket.write('before')
  const sink = writableSink(socket)
  assert.equal(countedSink(sink), sink)
  assert.equal(sink.bytesWritten, 0)
  await write(sink, 'grüße'.repeat(100_000))
  assert.equal(sink.bytesWritten, 700_000)
  await new Promise<void>((resolve) => sink.end(resolve))
  assert.equal(sink.bytesWritten, 700_000, 'also when it has ended')
  await once(socket, 'close')
  server.close()
})
