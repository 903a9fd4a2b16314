/** Whatever is sent to the socket: the server goes on, and keeps nothing. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import * as fc from 'fast-check'
import { settled } from '../support/fake-clock.ts'
import { served, take } from './served.ts'

/** Sends bytes on a connection of its own, and reads until it is closed, or so many bytes have come. */
function send(
  socketPath: string,
  pieces: readonly string[],
  leaves: 'at once' | 'after an answer' | 'half',
): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect(socketPath)
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      socket.destroy()
    })
    // Who waits for the rest of a request waits longer than a test may.
    socket.setTimeout(500, () => socket.destroy())
    for (const piece of pieces) socket.write(piece, 'latin1')
    if (leaves === 'at once') socket.destroy()
    if (leaves === 'half') socket.end()
  })
}

const paths = fc.oneof(
  fc.constantFrom('/', '//', '/v1', '/v1/', '/v1/workers/', '/v1/workers/%', '/v1/workers/%zz', '/v1/workers/%00', '*'),
  fc.constantFrom(
    '/v1/stream',
    '/v1/logs?follow',
    '/v1/workers/web/call',
    'http://evil/v1/fleet',
    '/v1/fleet#x',
    '/\\..',
  ),
  fc.webPath(),
  fc.string().map((text) => `/v1/${encodeURIComponent(text)}`),
  fc.string({ maxLength: 40 }),
)
const methods = fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'TRACE', 'CONNECT', 'OPTIONS', 'BREW', 'get', '')
const hosts = fc.constantFrom('localhost', 'pagent', 'evil', 'localhost:99999', '[::1]', 'a b', '')
const bodies = fc.oneof(
  fc.json(),
  fc.string({ maxLength: 200 }),
  fc.constantFrom('{"action":"stop","targets":["web"]}', '{"method":"x","args":[]}', '[[[[', '\u{0}'),
)
const extras = fc.array(
  fc.oneof(
    fc.constantFrom(
      'content-type: application/json',
      'last-event-id: x',
      'expect: 100-continue',
      'connection: upgrade',
    ),
    fc.constantFrom('upgrade: websocket', 'content-length: 5', 'content-length: -1', 'transfer-encoding: chunked'),
    fc.constantFrom('accept: text/event-stream', 'origin: null', 'content-length: 99999999999', ': x', 'x'),
  ),
  { maxLength: 4 },
)
const request = fc
  .tuple(methods, paths, hosts, extras, bodies)
  .map(([method, path, host, more, body]) =>
    [`${method} ${path} HTTP/1.1`, `host: ${host}`, ...more, '', body].join('\r\n'),
  )
const garbage = fc.oneof(request, request, request, fc.string({ maxLength: 300 }), fc.constant('\u{16}\u{3}\u{1}'))
const leaving = fc.constantFrom('at once' as const, 'after an answer' as const, 'half' as const)

served('garbage is answered or cut off, and the next one is served', async ({ socketPath, client, faults, fleet }) => {
  await fc.assert(
    fc.asyncProperty(garbage, fc.array(fc.nat({ max: 400 }), { maxLength: 3 }), leaving, async (text, cuts, leaves) => {
      const at = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length]
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))
      const heard = await send(socketPath, pieces, leaves)
      assert.doesNotMatch(heard, /\bat .*\.[tj]s:\d/, 'no stack')
    }),
    { numRuns: 400 },
  )
  assert.equal((await client.fleet()).name, 'fake')
  assert.deepEqual(faults, [])
  assert.ok(fleet.asked.every(([what]) => what !== 'stop'))
})

served('a thousand who come and go at random leave nothing', async ({ socketPath, client, fleet, faults }) => {
  const heads = ['GET /v1/stream HTTP/1.1', 'GET /v1/logs?follow HTTP/1.1', 'GET /v1/workers HTTP/1.1', 'GET /metr']
  const call = '{"method":"forever","args":[]}'
  const calling = `POST /v1/workers/web/call HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${call.length}\r\n\r\n${call}`
  let cancelled = 0
  fleet.answer = (_, __, signal) => new Promise(() => signal.addEventListener('abort', () => cancelled++))
  const come = (index: number): Promise<string> => {
    if (index % 5 === 4) return send(socketPath, [calling], index % 2 === 0 ? 'half' : 'at once')
    const head = `${heads[index % 5]}\r\nhost: localhost\r\n\r\n`
    return send(socketPath, [head], index % 3 === 0 ? 'at once' : index % 3 === 1 ? 'after an answer' : 'half')
  }
  for (let wave = 0; wave < 10; wave++) {
    const gone = Array.from({ length: 100 }, (_, index) => come(wave * 100 + index))
    for (let count = 0; count < 10; count++) fleet.write('web', 'x'.repeat(1000))
    await Promise.all(gone)
  }
  assert.equal((await client.fleet()).name, 'fake')
  assert.deepEqual(faults, [])
  const isOver = (): boolean => cancelled === fleet.asked.filter(([what]) => what === 'call').length
  while (!isOver()) await settled()
})

/** Sends the beginning of a request, and resolves with what was said to that when it is cut off. */
function begin(socketPath: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(socketPath).on('error', reject)
    socket.on('data', (chunk) => (heard += chunk.toString()))
    socket.on('close', () => resolve(heard))
    socket.write(text)
  })
}

served('who does not finish his request is cut off, and who waits for an answer is not', async ({ socketPath, client, faults, fleet, get }) => {
  const answer = Promise.withResolvers<string>()
  fleet.answer = () => answer.promise
  const headers = { 'content-type': 'application/json' }
  const long = get('/v1/workers/web/call', { method: 'POST', headers, body: '{"method":"x","args":[]}' })
  const lines = client.logs({ follow: true })[Symbol.asyncIterator]()
  const line = lines.next()
  while (fleet.listeners[1] === 0 || fleet.asked.every(([what]) => what !== 'call')) await settled()
  const head = 'POST /v1/workers/web/call HTTP/1.1\r\nhost: localhost\r\n'
  const body = 'content-type: application/json\r\ncontent-length: 50\r\n\r\n{"meth'
  const heard = await Promise.all(['', head, head + body].map((half) => begin(socketPath, half)))
  for (const text of heard) assert.match(text, /^HTTP\/1\.1 408 /)
  answer.resolve('late')
  assert.match((await long).body, /"late"/)
  fleet.write('web', 'still there')
  assert.equal((await line).value?.msg, 'still there')
  await lines.return?.()
  assert.deepEqual(faults, [])
}, { maxRequestTime: 500 }) // prettier-ignore

served('no more connections are kept than the workers can spare', async ({ socketPath, client }) => {
  const sockets = Array.from({ length: 1100 }, () => connect(socketPath).on('error', () => {}))
  const closed = sockets.map((socket) => new Promise((resolve) => void socket.on('close', resolve)))
  // Some are turned away at the door.
  await Promise.race(closed)
  for (const socket of sockets) socket.destroy()
  await Promise.all(closed)
  assert.equal((await client.fleet()).name, 'fake')
})

served('a reader of a stream who never reads keeps neither others nor the end waiting', async ({ socketPath, client, fleet }) => {
  const stuck = connect(socketPath).on('error', () => {})
  stuck.pause()
  stuck.write('GET /v1/stream?topics=log HTTP/1.1\r\nhost: localhost\r\n\r\n')
  while (fleet.listeners[1] === 0) await settled()
  fleet.write('web', 'first')
  const quick = client.logs({ follow: true, lines: 1 })[Symbol.asyncIterator]()
  assert.equal((await quick.next()).value?.msg, 'first')
  const line = 'x'.repeat(10_000)
  for (let count = 0; count < 1000; count++) {
    fleet.write('web', line)
    fleet.past.length = 0
    assert.equal((await quick.next()).value?.msg, line)
  }
  await quick.return?.()
  assert.equal((await take(client.stream(['event']), 1)).length, 1)
  stuck.destroy()
}) // prettier-ignore
