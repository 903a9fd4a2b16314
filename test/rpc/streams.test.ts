/** Streams between two peers, in memory: order, pace, and who hears of which end. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WINDOW } from '../../src/rpc/calling/inflow.ts'
import { currentCall } from '../../src/rpc/serving/current-call.ts'
import { Peer } from '../../src/rpc/peer.ts'
import type { Port } from '../../src/rpc/port.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { canMeasureMemory } from '../support/memory.ts'
import { PLAIN_CALL, type Side, alone, gate, outcomeOf, pair, plan } from './pair.ts'

/** What is never settled is a failure, and no hour of waiting. */
const PATIENCE = { timeout: 30_000 }

const itemsOf = (side: Side): unknown[] =>
  side.sent.filter(({ method }) => method === '$/item').map(({ params }) => params.value)

/** What a generator was made to do. */
interface Made {
  made: number
  closed: number
}

function numbers(made: Made = { made: 0, closed: 0 }): (to?: number) => AsyncGenerator<number> {
  return async function* (to = Infinity) {
    try {
      while (made.made < to) yield ++made.made
    } finally {
      made.closed++
    }
  }
}

async function* count(to: number): AsyncGenerator<number> {
  for (let i = 1; i <= to; i++) yield i
}

async function* failsToClose(): AsyncGenerator<number> {
  try {
    for (;;) yield 1
  } finally {
    // eslint-disable-next-line no-unsafe-finally
    throw new Error('cleanup')
  }
}

async function* breaks(): AsyncGenerator<number> {
  yield 1
  yield 2
  throw Object.assign(new Error('broke'), { code: 'EPIPE' })
}

async function* forever(): AsyncGenerator<number> {
  for (;;) yield 1
}

/** Without a record of what was said. */
const connect = (to: () => Peer): Port => ({
  post: (message) => queueMicrotask(() => void to().accept(message)),
  pressure: undefined,
})

/** What the other side sends of a stream of ours. */
const item = (id: unknown, value: unknown): object => ({ jsonrpc: '2.0', method: '$/item', params: { id, value } })

describe('a stream', PATIENCE, () => {
  test('arrives in order and complete, whatever its length', async () => {
    const { left, right, clock } = pair({}, { api: { count } })
    for (const to of [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 1000]) {
      const read = await Array.fromAsync(left.peer.stream('count', [to], PLAIN_CALL))
      assert.deepEqual(
        read,
        Array.from({ length: to }, (_, i) => i + 1),
      )
    }
    assert.deepEqual([left.faults, right.faults, left.peer.inFlight, clock.pending], [[], [], 0, 0])
  })

  test('of all kinds of items, falsy ones too', async () => {
    const items = [null, 0, '', false, [], { done: true }]
    const api = {
      async *all() {
        yield* items
        yield undefined
      },
    }
    const { left } = pair({}, { api })
    const read = await Array.fromAsync(left.peer.stream('all', [], PLAIN_CALL))
    assert.deepEqual(read.slice(0, -1), items)
    assert.ok(read.length === items.length + 1 && (read.at(-1) ?? null) === null)
  })

  test('may be what a promise is a promise of, or any object that can be iterated so', async () => {
    const api = {
      later: async (to: number) => (await settled(), count(to)),
      reads: () => ReadableStream.from([1, 2, 3]),
    }
    const { left } = pair({}, { api })
    assert.deepEqual(await Array.fromAsync(left.peer.stream('later', [3], PLAIN_CALL)), [1, 2, 3])
    assert.deepEqual(await Array.fromAsync(left.peer.stream('reads', [], PLAIN_CALL)), [1, 2, 3])
  })

  test('is one of many at once, and calls go on meanwhile', async () => {
    const { left } = pair({}, { api: { count, echo: (value: unknown) => value } })
    const [slow, other] = [left.peer.stream('count', [500], PLAIN_CALL), left.peer.stream('count', [300], PLAIN_CALL)]
    const read: [unknown[], unknown[]] = [[], []]
    await Promise.all([
      (async () => {
        for await (const value of slow) {
          read[0].push(value)
          assert.equal(await left.peer.call('echo', [value], PLAIN_CALL), value)
        }
      })(),
      (async () => {
        for await (const value of other) read[1].push(value)
      })(),
    ])
    assert.deepEqual(read, [await Array.fromAsync(count(500)), await Array.fromAsync(count(300))])
  })

  test('goes both ways at once', async () => {
    const { left, right } = pair({ api: { count } }, { api: { count } })
    const read = await Promise.all(
      [left, right].map((side) => Array.fromAsync(side.peer.stream('count', [200], PLAIN_CALL))),
    )
    for (const items of read) assert.equal(items.length, 200)
  })

  test('that is asked for items ahead gives them in the order of the asking', async () => {
    const { left } = pair({}, { api: { count } })
    const stream = left.peer.stream('count', [3], PLAIN_CALL)
    const read = await Promise.all([1, 2, 3, 4, 5].map(() => stream.next()))
    assert.deepEqual(
      read.map(({ value, done }) => [value, done]),
      [
        [1, false],
        [2, false],
        [3, false],
        [undefined, true],
        [undefined, true],
      ],
    )
  })

  test('runs while it runs: its peer is idle at its end only', async () => {
    for (const method of ['now', 'later']) {
      const { promise, resolve } = gate()
      async function* slow(): AsyncGenerator {
        yield await promise
      }
      const { left, right } = pair({}, { api: { now: slow, later: async () => (await settled(), slow()) } })
      const stream = left.peer.stream(method, [], PLAIN_CALL)
      const first = stream.next()
      await Promise.resolve()
      await Promise.resolve()
      const idle = outcomeOf(right.peer.idle)
      await settled()
      await settled()
      assert.equal(idle.times, 0, `idle in the middle of ${method}()`)
      resolve('item')
      assert.equal((await first).value, 'item')
      assert.equal((await stream.next()).done, true)
      await settled()
      assert.equal(idle.times, 1)
    }
  })
})

describe('the pace of a stream', PATIENCE, () => {
  test('is that of its reader: unread are never more than the window', async () => {
    const made = { made: 0, closed: 0 }
    const { left, right } = pair({}, { api: { numbers: numbers(made) } })
    const stream = left.peer.stream('numbers', [], PLAIN_CALL)
    await settled()
    assert.equal(itemsOf(right).length, WINDOW, 'sent to who has not read yet')
    for (let read = 1; read <= 500; read++) {
      assert.equal((await stream.next()).value, read)
      if (read % 50 !== 0) continue
      await settled()
      const unread = itemsOf(right).length - read
      assert.ok(unread <= WINDOW, `${unread} items were sent unasked`)
      assert.ok(unread >= WINDOW / 2, `only ${unread} items are on their way to a reader that reads`)
      assert.ok(made.made - read <= WINDOW + 1, `${made.made - read} items were made ahead`)
    }
    const notes = left.sent.filter(({ method }) => method === '$/credit').length
    assert.ok(notes <= 500 / (WINDOW / 2), `${notes} notes for 500 items`)
    await stream.return()
    await settled()
    assert.deepEqual([left.faults, right.faults, made.closed], [[], [], 1])
  })

  test('is what the credit says, and the end needs none', async () => {
    const { sent, say } = alone({ api: { count } })
    const values = (): unknown[] => sent.filter(({ params }) => params !== undefined).map(({ params }) => params.value)
    say({ jsonrpc: '2.0', id: 1, method: 'count', params: [5], credit: 2 })
    await settled()
    assert.deepEqual(values(), [1, 2])
    for (const more of [0, -3, 1.5, '7', null, Number.NaN])
      say({ jsonrpc: '2.0', method: '$/credit', params: { id: 1, more } })
    say({ jsonrpc: '2.0', method: '$/credit', params: { id: 2, more: 9 } })
    await settled()
    assert.deepEqual(values(), [1, 2])
    say({ jsonrpc: '2.0', method: '$/credit', params: { id: 1, more: 1 } })
    await settled()
    assert.deepEqual(values(), [1, 2, 3])
    say({ jsonrpc: '2.0', method: '$/credit', params: { id: 1, more: 2 } })
    await settled()
    assert.deepEqual([values(), sent.at(-1)], [[1, 2, 3, 4, 5], { jsonrpc: '2.0', id: 1, result: null }])
  })

  for (const credit of [0, -1, '1', 'many', 1.5, null, {}, []])
    test(`with the credit ${JSON.stringify(credit)} is not endless`, async () => {
      const made = { made: 0, closed: 0 }
      const { sent, say } = alone({ api: { numbers: numbers(made) } })
      say({ jsonrpc: '2.0', id: 1, method: 'numbers', params: [1000], credit })
      await settled()
      const items = sent.filter(({ method }) => method === '$/item').length
      assert.ok(items <= 2, `${items} items were sent`)
      say({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } })
      await settled()
    })

  test('is kept by a reader: what is sent beyond it is told of, and does not pile up', async () => {
    const { peer, say, faults } = alone()
    const stream = peer.stream('any', [], PLAIN_CALL)
    for (let i = 1; i <= 10_000; i++) say(item(1, i))
    assert.equal(faults.length, 10_000 - WINDOW)
    assert.match(faults[0]?.message ?? '', /^the other one has sent an item that nobody asked for: /)
    say({ jsonrpc: '2.0', id: 1, result: null })
    const read = await Array.fromAsync(stream)
    assert.ok(read.length <= WINDOW, `${read.length} items were kept for who had asked for ${WINDOW}`)
  })
})

test('a stream that goes on and on keeps nothing of what it has sent', { skip: !canMeasureMemory }, async () => {
  const clock = new FakeClock()
  const reader: Peer = new Peer(
    connect(() => writer),
    { who: 'the writer', clock },
  )
  const writer: Peer = new Peer(
    connect(() => reader),
    { who: 'the reader', clock, api: { forever } },
  )
  const stream = reader.stream('forever', [], PLAIN_CALL)
  const heapAfter = async (items: number): Promise<number> => {
    for (let i = 0; i < items; i++) await stream.next()
    globalThis.gc?.()
    await settled()
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  const before = await heapAfter(10_000)
  const grown = (await heapAfter(50_000)) - before
  assert.ok(grown < 2 ** 20, `${grown} bytes more after 50,000 items`)
  await stream.return()
})

describe('an item', PATIENCE, () => {
  test('that nobody asked for is told of', async () => {
    const { peer, say, faults } = alone()
    const outcome = outcomeOf(peer.call('any', [], PLAIN_CALL))
    for (const id of [1, 2, '1', null, undefined, {}]) say(item(id, 'unasked'))
    say({ jsonrpc: '2.0', method: '$/item' })
    await settled()
    assert.deepEqual([faults.length, outcome.times], [7, 0])
    say({ jsonrpc: '2.0', id: 1, result: 'done' })
    await settled()
    assert.equal(outcome.value, 'done')
  })

  test('that comes after the end is told of', async () => {
    const { peer, say, faults } = alone()
    const stream = peer.stream('any', [], PLAIN_CALL)
    say(item(1, 'in time'), { jsonrpc: '2.0', id: 1, result: null }, item(1, 'late'))
    assert.deepEqual(await Array.fromAsync(stream), ['in time'])
    assert.equal(faults.length, 1)
  })

  test('that was on its way when the reader left is not', async () => {
    const { peer, say, faults, sent, clock } = alone()
    const stream = peer.stream('any', [], PLAIN_CALL)
    say(item(1, 1), item(1, 'unread'))
    await stream.next()
    await stream.return()
    say(item(1, 2), { jsonrpc: '2.0', id: 1, result: null })
    assert.deepEqual([faults, clock.pending], [[], 0])
    assert.deepEqual(sent.at(-1), { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } })
    assert.equal((await stream.next()).done, true)
  })

  test('that cannot be written ends its stream with the reason, and what made it is closed', async () => {
    const made = { made: 0, closed: 0 }
    const api = {
      async *odd() {
        try {
          yield 1
          yield 10n
        } finally {
          made.closed++
        }
      },
    }
    const { left, right } = pair({}, { api })
    const stream = left.peer.stream('odd', [], PLAIN_CALL)
    assert.equal((await stream.next()).value, 1)
    await assert.rejects(stream.next(), { code: 'ERR_PAGENT_RPC', message: /BigInt/ })
    await settled()
    assert.equal(made.closed, 1)
    await right.peer.idle
  })
})

describe('the end of a stream', PATIENCE, () => {
  test('by its reader closes what makes it, once, and answers', async () => {
    const made = { made: 0, closed: 0 }
    const { left, right, clock } = pair({}, { api: { numbers: numbers(made) } })
    for await (const value of left.peer.stream('numbers', [], PLAIN_CALL)) if (value === 100) break
    await settled()
    assert.equal(made.closed, 1)
    assert.deepEqual(right.sent.at(-1), { jsonrpc: '2.0', id: 1, result: null })
    const sent = itemsOf(right).length
    await clock.advanceAsync(1e6)
    assert.deepEqual([itemsOf(right).length, left.peer.inFlight, clock.pending, left.stuck], [sent, 0, 0, []])
    assert.deepEqual([left.faults, right.faults], [[], []])
  })

  test('by its reader before the first item closes it, too', async () => {
    const heard: string[] = []
    const waits = (): AsyncGenerator => {
      const { signal } = currentCall()
      return (async function* () {
        try {
          yield await new Promise((resolve) => signal.addEventListener('abort', resolve))
        } finally {
          heard.push('closed')
        }
      })()
    }
    const { left, clock } = pair({}, { api: { waits } })
    const stream = left.peer.stream('waits', [], PLAIN_CALL)
    const waiting = stream.next()
    await settled()
    await stream.return()
    assert.equal((await waiting).done, true)
    await settled()
    assert.deepEqual([heard, clock.pending, left.peer.inFlight], [['closed'], 0, 0])
  })

  test('by its reader before there is a stream closes that as soon as there is', async () => {
    const made = { made: 0, closed: 0 }
    const { promise, resolve } = gate<AsyncGenerator>()
    const { left, right, clock } = pair({}, { api: { later: () => promise } })
    const stream = left.peer.stream('later', [], PLAIN_CALL)
    await settled()
    await stream.return()
    await settled()
    resolve(numbers(made)())
    await settled()
    assert.deepEqual([made.made, itemsOf(right), right.sent.length], [0, [], 1])
    assert.deepEqual([clock.pending, left.faults, left.stuck], [0, [], []])
    await right.peer.idle
  })

  test('by its reader is heard by a generator that asks for the current call', async () => {
    const heard: string[] = []
    async function* waits(): AsyncGenerator {
      const { signal } = currentCall()
      yield 'begun'
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      heard.push('aborted')
    }
    const { left } = pair({}, { api: { waits } })
    const stream = left.peer.stream('waits', [], PLAIN_CALL)
    assert.equal((await stream.next()).value, 'begun')
    await stream.return()
    await settled()
    assert.deepEqual(heard, ['aborted'])
  })

  test('by its reader whose cleanup fails is answered all the same, and nobody is told', async () => {
    const { left, right, clock } = pair({}, { api: { bad: failsToClose } })
    for await (const _ of left.peer.stream('bad', [], PLAIN_CALL)) break
    await settled()
    assert.deepEqual([right.sent.at(-1).id, left.faults, left.peer.inFlight, clock.pending], [1, [], 0, 0])
  })

  test('by an error in the middle comes after the items before it, once', async () => {
    const { left } = pair({}, { api: { breaks } })
    const stream = left.peer.stream('breaks', [], PLAIN_CALL)
    await settled()
    assert.deepEqual([(await stream.next()).value, (await stream.next()).value], [1, 2])
    await assert.rejects(stream.next(), (error: any) => {
      assert.deepEqual([error.code, error.rpcCode, error.data.code], ['ERR_PAGENT_RPC', -32_000, 'EPIPE'])
      return true
    })
    assert.equal((await stream.next()).done, true)
    assert.equal(left.peer.inFlight, 0)
  })

  test('by a timeout or a signal is told to the reader, and to what makes it', async () => {
    const made = { made: 0, closed: 0 }
    const { left, clock } = pair({}, { api: { numbers: numbers(made) } })
    const controller = new AbortController()
    const late = left.peer.stream('numbers', [], plan({ timeout: 100 }))
    const given = left.peer.stream('numbers', [], plan({ signal: controller.signal }))
    await clock.advanceAsync(100)
    controller.abort(new Error('enough'))
    await settled()
    assert.equal(made.closed, 2)
    await assert.rejects(Array.fromAsync(late), { code: 'ERR_PAGENT_TIMEOUT' })
    await assert.rejects(Array.fromAsync(given), /enough/)
    assert.deepEqual([clock.pending, left.peer.inFlight, left.faults], [0, 0, []])
  })

  test('by the end of the other side comes after the items that had come', async () => {
    const { peer, say, clock } = alone()
    const stream = peer.stream('any', [], PLAIN_CALL)
    say(item(1, 1))
    peer.close(new Error('gone'))
    assert.equal((await stream.next()).value, 1)
    await assert.rejects(stream.next(), /gone/)
    assert.equal((await stream.next()).done, true)
    assert.equal(clock.pending, 0)
  })

  test('for want of credit that cannot come closes what makes it, and one that has enough goes on', async () => {
    const made = { made: 0, closed: 0 }
    const { peer, sent, say } = alone({ api: { numbers: numbers(made), count } })
    say({ jsonrpc: '2.0', id: 1, method: 'numbers', credit: 1 })
    await settled()
    peer.hearNoMore(new Error('over'))
    say(
      { jsonrpc: '2.0', id: 2, method: 'numbers', credit: 1 },
      { jsonrpc: '2.0', id: 3, method: 'count', params: [3], credit: 3 },
    )
    await peer.idle
    await settled()
    const answers = sent.filter(({ method }) => method === undefined)
    assert.deepEqual(
      answers.map(({ id, error }) => [id, error?.code]).toSorted(([a], [b]) => a - b),
      [
        [1, -32_800],
        [2, -32_800],
        [3, undefined],
      ],
    )
    assert.equal(made.closed, 2)
  })

  test('by the end of its reader closes what makes it, though it waits for credit', async () => {
    const made = { made: 0, closed: 0 }
    const { peer, say } = alone({ api: { numbers: numbers(made) } })
    say({ jsonrpc: '2.0', id: 1, method: 'numbers', credit: 1 })
    await settled()
    peer.close(new Error('gone'))
    await peer.idle
    assert.deepEqual(made, { made: 2, closed: 1 })
  })
})

describe('a stream and a value', PATIENCE, () => {
  const api = { count, add: (a: number, b: number) => a + b, later: async () => 1, list: () => [1, 2] }
  const later = async (to: number): Promise<AsyncGenerator<number>> => (await settled(), count(to))

  test('are not taken for one another', async () => {
    const { left } = pair({}, { api: { ...api, stream: later } })
    for (const method of ['count', 'stream'])
      await assert.rejects(left.peer.call(method, [3], PLAIN_CALL), {
        rpcCode: -32_600,
        message: /use stream\(\) instead/,
      })
    for (const method of ['add', 'later', 'list'])
      await assert.rejects(left.peer.stream(method, [1, 2], PLAIN_CALL).next(), {
        rpcCode: -32_600,
        message: /use call\(\) instead/,
      })
    await assert.rejects(left.peer.stream('unknown', [], PLAIN_CALL).next(), { rpcCode: -32_601 })
    assert.equal(left.peer.inFlight, 0)
  })

  for (const [what, iterator] of Object.entries({
    'no function': 7,
    'a function that throws': () => {
      throw new Error('no iterator')
    },
    'a function that returns nothing': () => {},
  }))
    test(`are an error where the iterator is ${what}, given at once or later`, async () => {
      const broken = { [Symbol.asyncIterator]: iterator }
      const { left } = pair({}, { api: { now: () => broken, later: async () => broken } })
      for (const method of ['now', 'later']) {
        const outcome = outcomeOf(left.peer.stream(method, [], PLAIN_CALL).next())
        await settled()
        assert.equal(outcome.error?.code, 'ERR_PAGENT_RPC', `${method}() is not answered`)
      }
    })
})
