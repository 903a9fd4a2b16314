/** What is told of calls: once each, with what became of it. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CallEvent, Master, Pool, RpcError, jsonRpc, worker } from '../../src/index.ts'
import { test } from 'node:test'
import { currentCall } from '../../src/rpc/serving/current-call.ts'
import { FakeClock } from '../support/fake-clock.ts'
import type * as Work from '../pool/fixtures/work.ts'
import { eventually } from '../support/processes.ts'
import { fixture, story } from '../support/story.ts'

const work = new URL('../pool/fixtures/work.ts', import.meta.url)
const spec = { framing: jsonRpc<any>() }

function listenTo(master: Master): { readonly calls: CallEvent[]; readonly outcomes: () => readonly string[] } {
  const calls: CallEvent[] = []
  master.onCall((call) => void calls.push(call))
  return { calls, outcomes: () => calls.map(({ method, outcome }) => `${method} ${outcome}`) }
}

story('each call is told once, with its outcome, before whoever asked hears of it', async (master) => {
  const { calls, outcomes } = listenTo(master)
  const api = await master.getWorker('api').start(process.execPath, [fixture('serves-and-misbehaves.ts')], spec)
  const client = api.rpc()
  assert.equal(await client.call('echo', 1), 1)
  assert.equal(calls.length, 1)
  await assert.rejects(client.call('nothing'), RpcError)
  assert.ok(calls[1]?.error instanceof RpcError && calls[1].error.rpcCode === -32601)
  await assert.rejects(client.with({ timeout: 20 }).call('late', 60_000))
  const stop = new AbortController()
  const cancelled = client.with({ signal: stop.signal }).call('late', 60_001)
  stop.abort()
  await assert.rejects(cancelled)
  for await (const item of client.stream('count', 3)) assert.ok(item)
  for await (const item of client.stream('count')) if (item === 3) break
  await client.notify('echo', 'nobody answers this')
  await assert.rejects(client.call('crash', 3, 'bye'), { code: 'ERR_PAGENT_EXIT' })
  assert.deepEqual(outcomes(), [
    'echo ok',
    'nothing error',
    'late timeout',
    'late cancelled',
    'count ok',
    'count cancelled',
    'echo ok',
    'crash lost',
  ])
  assert.ok(calls.every(({ worker: id, pool, duration }) => id === 'api' && pool === undefined && duration >= 0))
  assert.ok(calls[2]!.duration >= 20)
  assert.deepEqual(calls.map(({ kind, from }) => `${kind} ${from}`).slice(5), ['call master', 'notification master', 'call master']) // prettier-ignore
  await assert.rejects(client.call('echo', 2), { code: 'ERR_PAGENT_EXIT' })
  assert.equal(outcomes().at(-1), 'echo lost')
})

story('what a pool is asked is told of the pool, with the time it waited, and what its lease is asked of the worker', async (master) => {
  const { calls, outcomes } = listenTo(master)
  const pool = new Pool<typeof Work>({ id: 'sums', module: work, size: 1 })
  await master.supervise({ id: 'app', children: [pool] })
  const held = pool.call('hold', [500])
  const waited = pool.call('add', [1, 2])
  await assert.rejects(pool.call('pid', [], { timeout: 1 }), { code: 'ERR_PAGENT_TIMEOUT' })
  await Promise.all([held, waited])
  assert.deepEqual(outcomes(), ['pid timeout', 'hold ok', 'add ok'])
  assert.ok(calls[2]!.duration >= calls[1]!.duration - 5, 'it has waited for the other')
  await pool.use((leased) => leased.rpc().call('add', 3, 4))
  const client = pool.with({})
  for await (const _ of client.stream('count', 2));
  await assert.rejects(client.call('die', 3))
  assert.deepEqual(outcomes().slice(3), ['add ok', 'count ok', 'die lost'])
  const who = calls.map(({ worker: id, pool: name, supervisor }) => `${id} ${name} ${supervisor}`)
  assert.deepEqual(who.slice(2), ['undefined sums app', 'sums-1 undefined app/sums', 'undefined sums app', 'undefined sums app'])
}) // prettier-ignore

story('what a worker calls is told with what became of it, and so is what it only says', async (master) => {
  const { calls } = listenTo(master)
  const api = await master.getWorker('api').start(process.execPath, [fixture('serves-and-misbehaves.ts')], spec)
  const client = api.rpc({ serve: served })
  assert.equal(await client.call('callBack', 'add', 1, 2), 3)
  assert.equal(await client.call('callBack', 'late', 20), 20)
  await assert.rejects(client.call('callBack', 'fail', 'no such size'))
  await assert.rejects(client.call('callBack', 'nothing'))
  await assert.rejects(client.call('callBack', 'unclonable'))
  assert.deepEqual(await client.call('readBack', 'count', 3), [1, 2, 3])
  await assert.rejects(client.call('changesItsMind', 'waits'), /not any more/)
  for (const method of ['add', 'fail', 'nothing', 'late']) await client.call('notifyBack', method, 5)
  const asking = assert.rejects(client.call('callBack', 'never'))
  await client.call('echo', 'it has asked')
  api.kill('SIGKILL')
  await asking
  await eventually(() => told(calls, 'notification').includes('late ok'), 5000, 'the one that takes a while')
  const own = calls.filter(({ from }) => from === 'worker')
  assert.ok(own.every(({ worker: id, duration }) => id === 'api' && duration >= 0))
  assert.ok((own[1]?.duration ?? 0) >= 19)
  const unknown = own[3]?.error
  assert.ok(unknown instanceof RpcError && unknown.rpcCode === -32601)
  assert.match(unknown.message, /nothing failed in the master: there is no method "nothing"/)
  assert.deepEqual(told(own, 'call'), ['add ok', 'late ok', 'fail error', 'nothing error', 'unclonable error', 'count ok', 'waits cancelled', 'never lost']) // prettier-ignore
  assert.deepEqual(told(own, 'notification'), ['add ok', 'fail error', 'nothing error', 'late ok'])
})

/** What the master does for its workers. */
const served = {
  add: (a: number, b: number) => a + b,
  late: (ms: number) => sleep(ms, ms),
  fail(message: string) {
    throw new RangeError(message)
  },
  unclonable: () => 1n,
  async *count(to: number) {
    for (let i = 1; i <= to; i++) yield i
  },
  async waits() {
    await sleep(600_000, undefined, { signal: currentCall().signal })
  },
  never: () => new Promise(() => {}),
}

story('what a pool is only told is told of once', async (master) => {
  const { calls } = listenTo(master)
  const pool = new Pool<typeof Work>({ id: 'sums', module: work, size: 1 })
  await master.supervise({ id: 'app', children: [pool] })
  await pool.with({}).notify('add', 1, 2)
  assert.partialDeepStrictEqual(calls, [{ kind: 'notification', from: 'master', pool: 'sums', method: 'add', outcome: 'ok' }]) // prettier-ignore
  assert.equal(calls.length, 1)
  await pool.stop()
})

/** Those of a kind: a notification that takes a while is over after others that came later. */
function told(calls: readonly CallEvent[], kind: CallEvent['kind']): readonly string[] {
  return calls.filter((call) => call.kind === kind).map(({ method, outcome }) => `${method} ${outcome}`)
}

// What workers without a master share stays for the life of the process, so nothing is asserted to be left.
void test('a master hears of its own calls alone, and diagnostics_channel of all', async () => {
  const master = new Master()
  const seen: CallEvent[] = []
  const see = (call: unknown): void => void seen.push(call as CallEvent)
  const { calls } = listenTo(master)
  const alone = worker('alone', process.execPath, [fixture('serves-and-misbehaves.ts')], spec)
  const pool = new Pool({ id: 'stray', module: work, size: 1 })
  subscribe('pagent:rpc:call', see)
  try {
    await alone.start()
    await alone.rpc().call('echo', 1)
    await pool.call('add', [1, 2])
  } finally {
    unsubscribe('pagent:rpc:call', see)
    await alone.stop()
    await pool.stop()
    await master.stop()
  }
  assert.deepEqual(seen.map((call) => call.worker ?? call.pool), ['alone', 'stray']) // prettier-ignore
  assert.deepEqual(calls, [])
})

const clock = new FakeClock()
let readings = 0
const counting = { now: () => (readings++, clock.now()), date: () => clock.date(), after: clock.after.bind(clock) }

story(
  'nothing is timed while nobody listens, and a listener that throws fails no call',
  async (master) => {
    const api = await master.getWorker('api').start(process.execPath, [fixture('serves-and-misbehaves.ts')], spec)
    const client = api.rpc()
    await client.call('echo', 0)
    readings = 0
    for (let i = 0; i < 100; i++) await client.call('echo', i)
    const unwatched = readings
    const warned = new Promise<Error>((resolve) => void process.once('warning', resolve))
    const leave = master.onCall(() => {
      throw new Error('a broken meter')
    })
    readings = 0
    assert.equal(await client.call('echo', 'still answered'), 'still answered')
    assert.equal(readings, 2, 'when it began, and when it was over')
    assert.match((await warned).message, /a broken meter/)
    leave()
    readings = 0
    await client.call('echo', 1)
    assert.deepEqual([unwatched, readings], [0, 0])
  },
  { clock: counting },
)

story('a stream that is left before it was begun is over, and its worker is told', async (master) => {
  const { outcomes } = listenTo(master)
  const api = await master.getWorker('api').start(process.execPath, [fixture('serves-and-misbehaves.ts')], spec)
  const items = api.rpc().stream('count')[Symbol.asyncIterator]()
  await items.return?.()
  assert.deepEqual(await items.next(), { done: true, value: undefined })
  assert.equal(await api.rpc().call('echo', 1), 1)
  assert.deepEqual(outcomes(), ['count cancelled', 'echo ok'])
})
