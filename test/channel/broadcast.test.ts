import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClosedError } from '../../src/base/errors.ts'
import { type BroadcastTarget, broadcast } from '../../src/channel/broadcast.ts'
import { type Framing, json, lines } from '../../src/framing/index.ts'

interface Target extends BroadcastTarget {
  readonly frames: (string | Uint8Array)[]
}

function target(id: string, framing: Framing<any, any>, failure?: Error): Target {
  const frames: (string | Uint8Array)[] = []
  return {
    id,
    framing,
    frames,
    sendEncoded(frame) {
      if (failure !== undefined) return Promise.reject(failure)
      frames.push(frame)
      return Promise.resolve()
    },
  }
}

function counted<I, O>(framing: Framing<I, O>): { framing: Framing<I, O>; count: () => number } {
  let count = 0
  const encode = (message: O): string | Uint8Array => (count++, framing.encode(message))
  return { framing: { ...framing, encode }, count: () => count }
}

describe('a broadcast', () => {
  it('to what is no worker reaches nobody', async () => {
    const one = target('one', lines())
    const refused: readonly [targets: unknown, says: string][] = [
      [[one, 'a'], 'Cannot broadcast to "a": expected workers, such as [worker]'],
      ['ab', 'Cannot broadcast to "ab": expected workers, such as [worker]'],
      [one, 'Cannot broadcast to this object: expected workers, such as [worker]'],
      [[null], 'Cannot broadcast to null: expected workers, such as [worker]'],
    ]
    for (const [targets, message] of refused)
      await assert.rejects(broadcast('hello', targets as never), { name: 'TypeError', message })
    assert.deepEqual(one.frames, [])
  })

  it('encodes once for each framing, however many targets have it', async () => {
    const [first, second] = [counted(lines()), counted(json())]
    const targets = Array.from({ length: 10 }, (_, i) => target(`w${i}`, i % 2 === 0 ? first.framing : second.framing))
    await broadcast('hello', targets)
    assert.deepEqual([first.count(), second.count()], [1, 1])
    for (const [i, one] of targets.entries()) assert.deepEqual(one.frames, [i % 2 === 0 ? 'hello\n' : '"hello"\n'])
  })

  it('is handed over in the same tick, so that what is sent next comes behind it', () => {
    const one = target('a', lines())
    void broadcast('first', [one])
    void one.sendEncoded('second\n')
    assert.deepEqual(one.frames, ['first\n', 'second\n'])
  })

  it('to nobody is done', () => broadcast('hello', []))

  it('reaches all others when some fail, and names those', async () => {
    const failure = new ClosedError('gone')
    const targets = [
      target('a', lines(), failure),
      target('b', lines()),
      target('c', lines(), failure),
      target('d', lines()),
    ]
    await assert.rejects(broadcast('hello', new Set(targets)), (error) => {
      assert.ok(error instanceof AggregateError)
      assert.equal(error.message, 'Cannot deliver the broadcast to 2 of 4 workers: a, c')
      assert.deepEqual(error.errors, [failure, failure])
      return true
    })
    assert.deepEqual(
      targets.map((one) => one.frames.length),
      [0, 1, 0, 1],
    )
  })

  it('reaches all others when the framing of some cannot carry it', async () => {
    const targets = [target('text', lines()), target('value', json())]
    await assert.rejects(broadcast({ a: 1 }, targets), {
      name: 'AggregateError',
      message: 'Cannot deliver the broadcast to 1 of 2 workers: text',
    })
    assert.deepEqual(targets[1]?.frames, ['{"a":1}\n'])
  })

  it('names ten of many that failed, and says that there are more', async () => {
    const targets = Array.from({ length: 12 }, (_, i) => target(`w${i}`, lines(), new ClosedError('gone')))
    await assert.rejects(broadcast('hello', targets), {
      message: 'Cannot deliver the broadcast to 12 of 12 workers: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, …',
    })
  })
})
