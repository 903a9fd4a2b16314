import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Channel } from '../../src/channel/channel.ts'
import { channel } from '../../src/channel/memory-channel.ts'
import { select } from '../../src/channel/select.ts'
import { StreamChannel } from '../../src/channel/stream-channel.ts'
import { json } from '../../src/framing/index.ts'
import { receiveAll } from '../contracts/channel.ts'
import { settled } from '../support/fake-clock.ts'
import { FakeSink, FakeSource } from './fake-bytes.ts'

describe('select takes', () => {
  it('a message that is there, and leaves the others where they are', async () => {
    const [a, b] = [channel<string>(2), channel<string>(2)]
    await a.send('from a')
    assert.deepEqual(await select({ a, b }), { key: 'a', value: 'from a' })
    await b.send('from b')
    assert.deepEqual(await select({ a, b }), { key: 'b', value: 'from b' })
  })

  it('the first message that comes, and nothing from the others', async () => {
    const [a, b] = [channel<string>(2), channel<string>(2)]
    const selected = select({ a, b })
    await b.send('from b')
    await a.send('from a')
    assert.deepEqual(await selected, { key: 'b', value: 'from b' })
    assert.equal(await a.receive(), 'from a')
  })

  it('from a sender that waits to be met', async () => {
    const [a, b] = [channel<string>(), channel<string>()]
    const sent = b.send('from b')
    assert.deepEqual(await select({ a, b }), { key: 'b', value: 'from b' })
    await sent
    const selected = select({ a, b })
    await a.send('from a')
    assert.deepEqual(await selected, { key: 'a', value: 'from a' })
  })

  it('null, false and empty messages as messages', async () => {
    const a = channel<unknown>(3)
    for (const value of [null, false, '']) {
      await a.send(value)
      assert.deepEqual(await select({ a }), { key: 'a', value })
    }
  })

  it('one message, when the same channel has two names', async () => {
    const a = channel<number>(2)
    const selected = select({ a, again: a })
    await a.send(1)
    await a.send(2)
    assert.equal((await selected).value, 1)
    assert.equal(await a.receive(), 2)
  })

  it('from each of several that are always ready, and starves none', async () => {
    const from = { a: channel<number>(1), b: channel<number>(1), c: channel<number>(1) }
    const seen = { a: 0, b: 0, c: 0 }
    for (const one of Object.values(from)) await one.send(0)
    for (let i = 0; i < 600; i++) {
      const { key } = await select(from)
      seen[key]++
      await from[key].send(i)
    }
    // Of 600 fair draws among three, less than 120 for one has a chance of one in 10^12.
    for (const count of Object.values(seen)) assert.ok(count > 120, JSON.stringify(seen))
  })

  it('every message exactly once and in order, whoever sends when', async () => {
    const keys = ['a', 'b', 'c'] as const
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom<(typeof keys)[number] | 'tick' | 'give up'>(...keys, 'tick', 'give up'), {
          maxLength: 60,
        }),
        fc.integer({ min: 0, max: 3 }),
        async (steps, capacity) => {
          const from = { a: channel<number>(capacity), b: channel<number>(capacity), c: channel<number>(capacity) }
          const sent: Record<string, number[]> = { a: [], b: [], c: [] }
          const seen: Record<string, number[]> = { a: [], b: [], c: [] }
          let abort = new AbortController()
          let number = 0
          const finished = readEverything(from, seen, () => (abort = new AbortController()).signal)
          for (const step of steps) {
            if (step === 'tick') await settled()
            else if (step === 'give up') abort.abort('gave up')
            else {
              sent[step]?.push(number)
              void from[step].send(number++)
            }
          }
          for (const key of keys) void from[key].end()
          await finished
          assert.deepEqual(seen, sent)
        },
      ),
      { numRuns: 200 },
    )
  })
})

/** Selects until every channel has ended; one that has is left out of the next round. */
async function readEverything(
  from: Record<string, Channel<number>>,
  seen: Record<string, number[]>,
  signal: () => AbortSignal,
): Promise<void> {
  const open = { ...from }
  while (Object.keys(open).length > 0) {
    const next = await select(open, { signal: signal() }).catch(() => undefined)
    if (next === undefined) continue
    if (next.value === undefined) delete open[next.key]
    else seen[next.key]?.push(next.value)
  }
}

describe('select says', () => {
  it('undefined for a channel that ended before, or ends', async () => {
    const [a, b] = [channel<string>(), channel<string>()]
    const selected = select({ a, b })
    await a.end()
    assert.deepEqual(await selected, { key: 'a', value: undefined })
    assert.deepEqual(await select({ a, b }), { key: 'a', value: undefined })
  })

  it('the fault of a stream that broke before, or breaks', async () => {
    const source = new FakeSource()
    const a = new StreamChannel(json(), source, new FakeSink(), 'worker "a"')
    const b = channel<string>()
    const selected = select({ a, b })
    source.push('not JSON\n')
    await assert.rejects(selected, { code: 'ERR_PAGENT_FRAMING' })
    await assert.rejects(select({ a, b }), { code: 'ERR_PAGENT_FRAMING' })
    void b.send('whole')
    assert.deepEqual(await select({ b }), { key: 'b', value: 'whole' })
  })

  it('that nothing came in time, and every message stays', async () => {
    const [a, b] = [channel<string>(1), channel<string>(1)]
    await assert.rejects(select({ a, b }, { timeout: 1 }), {
      code: 'ERR_PAGENT_TIMEOUT',
      waitingFor: 'select',
      after: 1,
      message: 'No channel had a message within 1ms',
    })
    await a.send('late')
    assert.equal(await a.receive(), 'late')
  })

  it('the reason of its signal, and leaves nothing on it', async () => {
    const a = channel<string>(1)
    await a.send('kept')
    await assert.rejects(select({ a }, { signal: AbortSignal.abort('before') }), (reason) => reason === 'before')
    assert.equal(await a.receive(), 'kept')
    const abort = new AbortController()
    const selected = select({ a }, { signal: abort.signal })
    abort.abort('meanwhile')
    await assert.rejects(selected, (reason) => reason === 'meanwhile')
    const { signal } = new AbortController()
    const second = select({ a }, { signal, timeout: '1h' })
    await a.send('next')
    assert.deepEqual(await second, { key: 'a', value: 'next' })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('nothing more after ten thousand rounds that were given up', async () => {
    const [a, b] = [channel<number>(), channel<number>()]
    for (let round = 0; round < 100; round++) {
      const abort = new AbortController()
      const rounds = Array.from({ length: 100 }, () => select({ a, b }, { signal: abort.signal }))
      abort.abort('enough')
      await Promise.allSettled(rounds)
    }
    const selected = select({ a, b })
    await b.send(1)
    assert.deepEqual(await selected, { key: 'b', value: 1 })
    const rest = receiveAll(a)
    await a.end()
    assert.deepEqual(await rest, [])
  })
})

describe('select refuses', () => {
  it('to wait for nothing, or for what it cannot watch, or for a time that is none', () => {
    assert.throws(() => select({}), { name: 'TypeError', message: 'Cannot select from no channels: give at least one' })
    assert.throws(() => select({ a: { receive: () => {} } as unknown as Channel<string> }), {
      name: 'TypeError',
      message: 'Cannot select from "a": it is not a worker or a channel of this library',
    })
    for (const one of [null, undefined, 'a']) {
      assert.throws(() => select({ a: one as unknown as Channel<string> }), {
        name: 'TypeError',
        message: /"a".*not a worker or a channel/,
      })
    }
    const a = channel<string>(1)
    void a.send('stays')
    assert.throws(() => select({ a }, { timeout: 'soon' }), {
      name: 'RangeError',
      message: /Cannot use "soon" as timeout/,
    })
  })
})
