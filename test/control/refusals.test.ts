import assert from 'node:assert/strict'
import { AlreadyStartedError, OverloadError, RpcError, TimeoutError } from '../../src/base/errors.ts'
import { FakeFleet } from './fake-fleet.ts'
import { type AskOptions, served } from './served.ts'

type Row = readonly [what: string, path: string, status: number, code: string, message: RegExp, options?: AskOptions]

const json = { 'content-type': 'application/json' }
const post = (body: unknown, headers: Readonly<Record<string, string>> = json): AskOptions => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const call = { method: 'add', args: [1] }
const plan = { schemaVersion: 1, name: 'x', file: '/x', folder: '/', entries: [], log: { maxSize: 1, maxFiles: 1 } }

const rows: readonly Row[] = [
  ['a route that is none', '/v1/nothing', 404, 'ERR_PAGENT_BAD_REQUEST', /There is no GET \/v1\/nothing/],
  ['a path that climbs', '/v1/../../etc/passwd', 404, 'ERR_PAGENT_BAD_REQUEST', /There is no GET \/etc\/passwd/],
  ['a method that does not fit', '/v1/actions', 405, 'ERR_PAGENT_BAD_REQUEST', /by GET: expected POST/],
  ['a change by GET', '/v1/fleet', 405, 'ERR_PAGENT_BAD_REQUEST', /by POST: expected GET/, post({})],
  ['an unknown worker', '/v1/workers/nobody', 404, 'ERR_PAGENT_UNKNOWN_WORKER', /nobody.*known: web/],
  ['a parameter that is none', '/v1/logs?lins=3', 400, 'ERR_PAGENT_BAD_REQUEST', /"lins".*expected workers, lines/],
  ['a number that is none', '/v1/logs?lines=many', 400, 'ERR_PAGENT_BAD_REQUEST', /lines is "many": expected a whole/],
  ['a negative number', '/v1/events?since=-1', 400, 'ERR_PAGENT_BAD_REQUEST', /since is "-1"/],
  ['a flag that is none', '/v1/logs?follow=perhaps', 400, 'ERR_PAGENT_BAD_REQUEST', /follow is "perhaps"/],
  ['a stream that is none', '/v1/logs?stream=all', 400, 'ERR_PAGENT_BAD_REQUEST', /stream is "all": expected "out", "err"/],
  ['to follow the past', '/v1/logs?previous&follow', 400, 'ERR_PAGENT_BAD_REQUEST', /exclude each other/],
  ['a topic that is none', '/v1/stream?topics=event,news', 400, 'ERR_PAGENT_BAD_REQUEST', /topics is "news"/],
  ['to reveal all', '/v1/workers/web?reveal=all', 400, 'ERR_PAGENT_BAD_REQUEST', /reveal is "all": expected "env"/],
  ['another host', '/v1/fleet', 403, 'ERR_PAGENT_BAD_REQUEST', /Host header is "evil.example"/, { headers: { host: 'evil.example' } }],
  ['another origin', '/v1/fleet', 403, 'ERR_PAGENT_BAD_REQUEST', /Origin/, { headers: { origin: 'http://evil.example' } }],
  ['an opaque origin', '/v1/fleet', 403, 'ERR_PAGENT_BAD_REQUEST', /Origin/, { headers: { origin: 'null' } }],
  ['a form', '/v1/stop', 415, 'ERR_PAGENT_BAD_REQUEST', /expected application\/json/, post('', { 'content-type': 'text/plain' })],
  ['a form that pretends', '/v1/stop', 415, 'ERR_PAGENT_BAD_REQUEST', /expected/, post('{}', { 'content-type': 'application/jsonp' })],
  ['no type at all', '/v1/stop', 415, 'ERR_PAGENT_BAD_REQUEST', /content-type is ""/, post('{}', {})],
  ['no body', '/v1/stop', 400, 'ERR_PAGENT_BAD_REQUEST', /it is empty/, post('')],
  ['what is no JSON', '/v1/stop', 400, 'ERR_PAGENT_BAD_REQUEST', /body is no JSON/, post('{"hurry":')],
  ['JSON that is no object', '/v1/stop', 400, 'ERR_PAGENT_BAD_REQUEST', /stop is 42: expected an object/, post('42')],
  ['a member that is none', '/v1/stop', 400, 'ERR_PAGENT_BAD_REQUEST', /"hury", which does not exist/, post({ hury: true })],
  ['a prototype', '/v1/stop', 400, 'ERR_PAGENT_BAD_REQUEST', /"__proto__"/, post('{"__proto__":{"hurry":true}}')],
  ['no flag', '/v1/stop', 400, 'ERR_PAGENT_BAD_REQUEST', /stop\.hurry is "yes": expected true or false/, post({ hurry: 'yes' })],
  ['an action that is none', '/v1/actions', 400, 'ERR_PAGENT_BAD_REQUEST', /action\.action is "dance"/, post({ action: 'dance', targets: [] })],
  ['targets that are none', '/v1/actions', 400, 'ERR_PAGENT_BAD_REQUEST', /action\.targets\[1\] is 7/, post({ action: 'stop', targets: ['web', 7] })],
  ['a signal that is none', '/v1/actions', 400, 'ERR_PAGENT_BAD_REQUEST', /action\.signal is "SIGNOPE"/, post({ action: 'signal', targets: ['web'], signal: 'SIGNOPE' })],
  ['the log of nobody', '/v1/logs?workers=nobody', 404, 'ERR_PAGENT_UNKNOWN_WORKER', /read the log of worker "nobody"/],
  ['an unknown target', '/v1/actions', 404, 'ERR_PAGENT_UNKNOWN_WORKER', /nobody/, post({ action: 'stop', targets: ['nobody'] })],
  ['nothing to send', '/v1/workers/web/send', 400, 'ERR_PAGENT_BAD_REQUEST', /message\.message is missing/, post({})],
  ['no method', '/v1/workers/web/call', 400, 'ERR_PAGENT_BAD_REQUEST', /call\.method is missing/, post({ args: [] })],
  ['no arguments', '/v1/workers/web/call', 400, 'ERR_PAGENT_BAD_REQUEST', /call\.args is an object/, post({ method: 'add', args: {} })],
  ['a call of nobody', '/v1/workers/nobody/call', 404, 'ERR_PAGENT_UNKNOWN_WORKER', /nobody/, post(call)],
  ['a plan of tomorrow', '/v1/apply', 400, 'ERR_PAGENT_BAD_REQUEST', /plan\.schemaVersion is 2: expected 1/, post({ ...plan, schemaVersion: 2 })],
  ['a plan of nothing', '/v1/apply', 400, 'ERR_PAGENT_BAD_REQUEST', /plan\.entries\[0\] is null: expected an object/, post({ ...plan, entries: [null] })],
  ['an entry of no kind', '/v1/apply', 400, 'ERR_PAGENT_BAD_REQUEST', /plan\.entries\[0\]\.kind is "x"/, post({ ...plan, entries: [{ kind: 'x' }] })],
] // prettier-ignore

served('what cannot be asked is refused with what was expected', async ({ fleet, get, faults }) => {
  for (const [what, path, status, code, message, options] of rows) {
    const answer = await get(path, options)
    const problem = JSON.parse(answer.body) as { code: string; message: string }
    assert.deepEqual([what, answer.status, problem.code], [what, status, code], problem.message)
    assert.match(problem.message, message, what)
    assert.equal(answer.headers['content-type'], 'application/json', what)
    assert.equal(answer.headers['pagent-schema-version'], '1', what)
  }
  assert.deepEqual(faults, [])
  const done = fleet.asked.filter(([asked]) => asked !== 'act' && asked !== 'logs')
  assert.deepEqual(done, [], 'nothing was done')
})

served('who does not mean us is not answered, whatever he wants', async ({ get, fleet }) => {
  const evil = { host: 'localhost.evil.example', ...json }
  assert.equal((await get('/v1/stop', { method: 'POST', headers: evil, body: '{}' })).status, 403)
  assert.deepEqual(fleet.asked, [])
  for (const host of ['localhost', 'pagent', 'LOCALHOST:7171'])
    assert.equal((await get('/v1/fleet', { headers: { host } })).status, 200, host)
})

served('a fleet that is served read-only shows all but its secrets, and changes nothing', async ({ get, client, fleet }) => {
  assert.equal((await client.fleet()).isReadOnly, true)
  assert.equal((await client.worker('web')).env['TOKEN'], '***')
  const forbidden = { code: 'ERR_PAGENT_READ_ONLY', status: 403, message: /read-only/ }
  await assert.rejects(client.worker('web', { revealEnv: true }), forbidden)
  await assert.rejects(client.act({ action: 'stop', targets: ['web'] }), forbidden)
  await assert.rejects(client.send('web', 'x'), forbidden)
  await assert.rejects(client.call('web', call), forbidden)
  await assert.rejects(client.stop(), forbidden)
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    assert.equal((await get('/v1/workers/web', { method })).status, 403, method)
  assert.deepEqual(fleet.asked, [])
}, { isReadOnly: true }) // prettier-ignore

served('a body that is too long is refused before it is read', async ({ get, fleet }) => {
  const long = JSON.stringify({ message: 'x'.repeat(2 ** 20) })
  const told = await get('/v1/workers/web/send', post(long))
  assert.equal(told.status, 413)
  assert.match(told.body, /longer than 1MiB/)
  // One that does not say how long it is.
  const chunked = await get('/v1/workers/web/send', post(long, { ...json, 'transfer-encoding': 'chunked' }))
  assert.equal(chunked.status, 413)
  assert.deepEqual(fleet.asked, [])
  const fits = 'x'.repeat(2 ** 20 - 14)
  assert.equal((await get('/v1/workers/web/send', post({ message: fits }))).status, 204)
  const entry = { kind: 'worker', id: 'x' }
  const big = await get('/v1/apply', post({ ...plan, entries: Array.from({ length: 100_000 }, () => entry) }))
  assert.equal(big.status, 400, 'a plan may be longer')
})

served('what is nested without end is refused', async ({ get, faults }) => {
  const depth = 200_000
  const nested = '{"kind":"group","children":['.repeat(depth) + ']}'.repeat(depth)
  const { status, body } = await get('/v1/apply', post(`{"schemaVersion":1,"name":"x","file":"/","folder":"/","entries":[${nested}]}`))
  assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [400, 'ERR_PAGENT_BAD_REQUEST'])
  assert.equal((await get('/v1/workers/web/call', post(`{"method":"x","args":[${'['.repeat(depth)}${']'.repeat(depth)}]}`))).status < 600, true)
  assert.ok(faults.length <= 1)
}) // prettier-ignore

/** What the fleet throws, and how it is answered. */
const thrown: readonly (readonly [error: Error, status: number, code: string])[] = [
  [new AlreadyStartedError('web', 'running', 42), 409, 'ERR_PAGENT_ALREADY_STARTED'],
  [new OverloadError('Cannot call', 10, 10), 503, 'ERR_PAGENT_OVERLOAD'],
  [new TimeoutError('no answer within 5s', 'add', 5000), 504, 'ERR_PAGENT_TIMEOUT'],
  [new RpcError('worker "web"', 'add', 'thrown', -32_000), 502, 'ERR_PAGENT_RPC'],
  [new TypeError('Cannot call worker "web": its onMessage gets every message'), 400, 'ERR_PAGENT_BAD_REQUEST'],
]

served('what goes wrong in the fleet is told as it is', async ({ fleet, client, faults }) => {
  for (const [error, status, code] of thrown) {
    fleet.answer = () => Promise.reject(error)
    await assert.rejects(client.call('web', call), { name: 'ControlError', code, status, message: error.message })
  }
  fleet.answer = () => 10n
  await assert.rejects(client.call('web', call), { code: 'ERR_PAGENT_FRAMING', status: 502, message: /BigInt/ })
  fleet.answer = () => {}
  assert.equal(await client.call('web', call), null)
  assert.deepEqual(faults, [])
})

served('a fault of ours is told to us, and no more than its message to others', async ({ fleet, get, faults }) => {
  const bugs = [new Error('assertion failed'), new TypeError("Cannot read properties of undefined (reading 'id')")]
  for (const bug of bugs) {
    fleet.answer = () => Promise.reject(bug)
    const { status, body } = await get('/v1/workers/web/call', post(call))
    assert.equal(status, 500)
    assert.match(body, /ERR_PAGENT_INTERNAL/)
    assert.doesNotMatch(body, /at .*\.ts/, 'no stack')
  }
  assert.deepEqual(faults, bugs)
})

served('a name may be anything', async ({ fleet, client }) => {
  for (const id of ['a/b', 'a b', 'ä', '100%', '%2F', 'a?b#c', '日本', 'a+b', "'", '\\']) {
    fleet.places.set(id, { service: id })
    assert.equal((await client.worker(id)).id, id)
    await client.send(id, id)
    assert.deepEqual(fleet.asked.pop(), ['send', id, id])
  }
})

served('HEAD says what GET would, and leaves nothing', async ({ fleet, get }) => {
  await get('/metrics')
  const before = fleet.listeners
  assert.ok(before[0] > 0, 'metrics listen')
  for (const path of ['/v1/fleet', '/v1/stream', '/v1/logs?follow', '/metrics']) {
    const { status, body } = await get(path, { method: 'HEAD' })
    assert.deepEqual([path, status, body], [path, 200, ''])
  }
  assert.deepEqual(fleet.listeners, before, 'nobody else does')
})

served('a fleet that cannot be looked at fails the answer, not the server', async ({ client, faults }) => {
  await assert.rejects(client.workers(), { code: 'ERR_PAGENT_INTERNAL', message: /no look/ })
  assert.equal((await client.fleet()).name, 'fake')
  assert.equal(faults.length, 1)
}, { fleet: () => Object.assign(new FakeFleet(), { lookFails: true }) }) // prettier-ignore
