import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Ring } from '../../src/base/queues/ring.ts'

type Step =
  | { readonly do: 'push'; readonly count: number }
  | { readonly do: 'shift'; readonly count: number }
  | { readonly do: 'clear' }

const count = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 1, arbitrary: fc.constant(1500) },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('push' as const), count }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('shift' as const), count }) },
  { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
)

describe('Ring', () => {
  it('behaves as an array does, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ring = new Ring<number>()
        const model: number[] = []
        let next = 0
        for (const one of steps) {
          for (let i = 0; one.do === 'push' && i < one.count; i++) ring.push(model[model.push(next++) - 1] as number)
          for (let i = 0; one.do === 'shift' && i < one.count; i++) assert.equal(ring.shift(), model.shift())
          if (one.do === 'clear') ring.clear()
          if (one.do === 'clear') model.length = 0
          assert.equal(ring.length, model.length)
          assert.equal(ring.peek(), model[0])
        }
        assert.deepEqual([...ring], model)
      }),
      { numRuns: 300 },
    )
  })

  it('holds undefined as an item', () => {
    const ring = new Ring<number | undefined>()
    ring.push(undefined)
    ring.push(1)
    assert.equal(ring.length, 2)
    assert.equal(ring.shift(), undefined)
    assert.equal(ring.shift(), 1)
  })

  it('forgets what was taken out', { skip: globalThis.gc === undefined }, async () => {
    const ring = new Ring<object>()
    const taken = new WeakRef(put(ring))
    ring.push({})
    ring.shift()
    // A WeakRef keeps its object until the end of the turn.
    await new Promise((resolve) => void setImmediate(resolve))
    globalThis.gc?.()
    assert.equal(taken.deref(), undefined)
    assert.equal(ring.length, 1)
  })
})

function put(ring: Ring<object>): object {
  const item = {}
  ring.push(item)
  return item
}
