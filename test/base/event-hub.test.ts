import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import { EventHub } from '../../src/base/event-hub.ts'
import type { MasterEvent } from '../../src/base/events.ts'

const BACKLOG = 10_000
const event = (number: number): MasterEvent => ({
  type: 'ready',
  at: number,
  worker: 'a',
  incarnation: 1,
  after: number,
})
const numbersOf = (events: readonly MasterEvent[]): number[] => events.map((one) => one.at)

async function collect(events: AsyncIterator<MasterEvent>): Promise<MasterEvent[]> {
  const all: MasterEvent[] = []
  for (let next = await events.next(); next.done !== true; next = await events.next()) all.push(next.value)
  return all
}

describe('events', () => {
  it('reach every iteration, each from where it began', async () => {
    const hub = new EventHub()
    const first = hub[Symbol.asyncIterator]()
    hub.emit(event(1))
    const second = hub[Symbol.asyncIterator]()
    hub.emit(event(2))
    hub.close()
    assert.deepEqual(numbersOf(await collect(first)), [1, 2])
    assert.deepEqual(numbersOf(await collect(second)), [2])
  })

  it('reach those who wait for them, in order', async () => {
    const hub = new EventHub()
    const events = hub[Symbol.asyncIterator]()
    const waiting = [events.next(), events.next(), events.next()]
    for (const number of [1, 2]) hub.emit(event(number))
    hub.close()
    assert.deepEqual(await Promise.all(waiting), [
      { done: false, value: event(1) },
      { done: false, value: event(2) },
      { done: true, value: undefined },
    ])
  })

  it('end behind the last one when the hub is closed, for loops begun before and after', async () => {
    const hub = new EventHub()
    const before = hub[Symbol.asyncIterator]()
    hub.emit(event(1))
    hub.close()
    hub.emit(event(2))
    hub.close()
    assert.deepEqual(numbersOf(await collect(before)), [1])
    assert.deepEqual(await collect(hub[Symbol.asyncIterator]()), [])
  })

  it('can be left: the loop ends, and whoever still waits is told', async () => {
    const hub = new EventHub()
    const events = hub[Symbol.asyncIterator]()
    const waiting = events.next()
    await events.return?.()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    hub.emit(event(1))
    assert.deepEqual(await events.next(), { done: true, value: undefined })
  })

  it('are dropped from the oldest on for a subscriber that is too slow, which is told how many', async () => {
    const hub = new EventHub()
    const slow = hub[Symbol.asyncIterator]()
    const quick = hub[Symbol.asyncIterator]()
    for (let number = 1; number <= BACKLOG + 5; number++) {
      hub.emit(event(number))
      assert.equal(((await quick.next()).value as MasterEvent).at, number)
    }
    hub.close()
    const [notice, ...rest] = await collect(slow)
    assert.deepEqual(notice, { type: 'events-dropped', at: 6, count: 5 })
    assert.equal(rest.length, BACKLOG)
    assert.deepEqual(
      numbersOf(rest),
      Array.from({ length: BACKLOG }, (_, i) => i + 6),
    )
    assert.deepEqual(await collect(quick), [])
  })

  it('count what was dropped anew after each notice', async () => {
    const hub = new EventHub()
    const slow = hub[Symbol.asyncIterator]()
    const seen: (number | string)[] = []
    for (let number = 1; number <= BACKLOG + 2; number++) hub.emit(event(number))
    seen.push(((await slow.next()).value as { count: number }).count)
    for (let number = 1; number <= 3; number++) hub.emit(event(number))
    seen.push(((await slow.next()).value as { count: number }).count)
    seen.push(((await slow.next()).value as MasterEvent).type)
    assert.deepEqual(seen, [2, 3, 'ready'])
  })

  it('are published on diagnostics_channel by their type', () => {
    const hub = new EventHub()
    const seen: unknown[] = []
    const listener = (message: unknown): unknown => seen.push(message)
    subscribe('pagent:worker:ready', listener)
    hub.emit(event(1))
    hub.emit({ type: 'deleted', at: 2, worker: 'a', incarnation: 1 })
    unsubscribe('pagent:worker:ready', listener)
    hub.emit(event(3))
    assert.deepEqual(seen, [event(1)])
  })
})
