import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pending } from '../../src/rpc/calling/pending.ts'
import { Deadlines } from '../../src/rpc/calling/deadlines.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Item {
  readonly id: number
}

function withItems(count: number): { pending: Pending<Item>; items: Item[] } {
  const pending = new Pending<Item>()
  const items = Array.from({ length: count }, () => {
    const item = { id: pending.newId() }
    pending.add(item)
    return item
  })
  return { pending, items }
}

void describe('what waits for an answer', () => {
  void it('is found by its id, and in the order of asking', () => {
    const { pending, items } = withItems(5000)
    assert.equal(pending.size, 5000)
    for (const item of items) assert.equal(pending.get(item.id), item)
    assert.deepEqual(pending.all(), items)
    assert.deepEqual(
      items.map(({ id }) => id),
      Array.from({ length: 5000 }, (_, i) => i + 1),
    )
  })

  void it('keeps its id to itself for as long as it waits, whoever comes and goes', () => {
    const { pending, items } = withItems(20)
    const seen = new Set(items.map(({ id }) => id))
    for (let i = 0; i < 10_000; i++) {
      const item = { id: pending.newId() }
      assert.equal(seen.has(item.id), false, 'an id is used once')
      seen.add(item.id)
      pending.add(item)
      pending.delete(item)
      assert.equal(pending.get(item.id), undefined)
    }
    assert.deepEqual(pending.all(), items)
  })

  void it('is not found by what only looks like its id', () => {
    const { pending } = withItems(3)
    for (const id of ['1', 1.5, -1, 0, 65, Number.NaN, Infinity, 2 ** 32 + 1, 2 ** 53])
      assert.equal(pending.get(id), undefined, String(id))
  })
})

/** Something that is over at a time. */
function timed(name: string, timeout: number, due: number) {
  return { name, timeout, due, before: undefined, after: undefined } as {
    readonly name: string
    readonly timeout: number
    readonly due: number
    before: any
    after: any
  }
}

void describe('deadlines', () => {
  void it('come in time for who was asked for earlier than it was added', () => {
    const clock = new FakeClock()
    const late: string[] = []
    const deadlines = new Deadlines<ReturnType<typeof timed>>(clock, ({ name }) => late.push(name))
    const start = clock.now()
    const first = timed('gone', 100, start + 100)
    deadlines.add(first)
    deadlines.delete(first)
    deadlines.add(timed('new', 100, start + 100))
    // It has waited for 95 ms elsewhere.
    deadlines.add(timed('old', 100, start + 5))
    clock.advance(6)
    assert.deepEqual(late, ['old'])
    clock.advance(93)
    assert.deepEqual(late, ['old'])
    clock.advance(1)
    assert.deepEqual(late, ['old', 'new'])
  })

  void it('leave no timer when all are over', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines<ReturnType<typeof timed>>(clock, () => {})
    for (let i = 1; i <= 100; i++) deadlines.add(timed(String(i), i, clock.now() + i))
    clock.advance(101)
    assert.equal(clock.pending, 0)
    deadlines.add(timed('again', 5, clock.now() + 5))
    deadlines.clear()
    assert.equal(clock.pending, 0)
  })
})
