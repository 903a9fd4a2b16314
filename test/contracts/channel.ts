import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Channel } from '../../src/channel/channel.ts'
import { settled } from '../support/fake-clock.ts'

/** Two joined ends. For a channel of one direction both are the same. */
export interface ChannelPair<M> {
  readonly near: Channel<M>
  readonly far: Channel<M>
  readonly dispose?: () => void
}

export interface ChannelOptions<M> {
  /** The message of this number, of about so many bytes. */
  readonly message: (number: number, length?: number) => M
  /** One direction only: what is sent is received by the same object. */
  readonly single?: boolean
  /** Bytes that may be on their way while nobody reads: queues, buffers, the kernel's. */
  readonly held: number
}

const LENGTH = 10_000

/** What every channel promises. */
export function testChannel<M>(
  name: string,
  makePair: () => ChannelPair<M> | Promise<ChannelPair<M>>,
  { message, single = false, held }: ChannelOptions<M>,
): void {
  const range = (from: number, to: number): M[] => Array.from({ length: to - from }, (_, i) => message(from + i))

  /** Runs a promise on a fresh pair, which is closed afterwards; no rejection may be left unhandled. */
  const promise = (title: string, body: (pair: ChannelPair<M>) => Promise<void>): void => {
    it(title, async () => {
      const pair = await makePair()
      const unhandled: unknown[] = []
      const listener = (reason: unknown): unknown => unhandled.push(reason)
      process.on('unhandledRejection', listener)
      try {
        await body(pair)
        await settled()
        assert.deepEqual(unhandled, [])
      } finally {
        process.off('unhandledRejection', listener)
        pair.dispose?.()
      }
    })
  }

  describe(`every channel: ${name}`, () => {
    promise('refuses what it cannot wait by, and goes on', async ({ near, far }) => {
      const refused: readonly [options: unknown, says: RegExp][] = [
        [{ timeout: '100ms' }, /^Cannot receive: there is no option "timeout"; there is signal$/],
        [5, /^Cannot receive: expected an object, not 5$/],
        [null, /^Cannot receive: expected an object, not null$/],
        [
          { signal: 5 },
          /^Cannot receive: signal must be an AbortSignal, such as AbortSignal\.timeout\(1000\), not number/,
        ],
        [{ signal: null }, /^Cannot receive: signal must be .*, not null$/],
      ]
      for (const [options, says] of refused)
        await assert.rejects(far.receive(options as object), { name: 'TypeError', message: says })
      void near.send(message(1))
      assert.deepEqual(await far.receive({ signal: undefined as never }), message(1))
    })

    promise('delivers what was sent, in order, then undefined for ever', async ({ near, far }) => {
      const sent = Promise.all(range(0, 500).map((one) => near.send(one)))
      const ended = near.end()
      assert.deepEqual(await receiveAll(far), range(0, 500))
      assert.equal(await far.receive(), undefined)
      assert.equal(await far.receive(), undefined)
      await sent
      await ended
    })

    if (!single)
      promise('delivers both ways at once', async ({ near, far }) => {
        const both = [near, far].map(async (end) => {
          for (const one of range(0, 100)) await end.send(one)
          await end.end()
        })
        const [atNear, atFar] = await Promise.all([receiveAll(near), receiveAll(far)])
        assert.deepEqual(atNear, range(0, 100))
        assert.deepEqual(atFar, range(0, 100))
        await Promise.all(both)
      })

    if (!single)
      promise('still delivers from the other side after this side has ended', async ({ near, far }) => {
        await near.end()
        assert.equal(await far.receive(), undefined)
        void far.send(message(1))
        assert.deepEqual(await near.receive(), message(1))
        await far.end()
        assert.equal(await near.receive(), undefined)
      })

    promise('holds a sender that waits for its sends while nobody reads, and loses nothing', async ({ near, far }) => {
      let sent = 0
      const total = Math.ceil((held * 2) / LENGTH) + 10
      const sending = (async () => {
        for (; sent < total; sent++) await near.send(message(sent, LENGTH))
        await near.end()
      })()
      await standstill(() => sent)
      assert.ok(sent * LENGTH <= held, `${sent} messages of ${LENGTH} bytes were sent while nobody read`)
      const all = await receiveAll(far)
      assert.equal(all.length, total)
      assert.ok(all.every((one, i) => i % 50 !== 0 || sameMessage(one, message(i, LENGTH))))
      await sending
    })

    promise('gives the next messages to those who wait, in the order they came', async ({ near, far }) => {
      const waiting = [far.receive(), far.receive(), far.receive()]
      for (const one of range(0, 2)) await near.send(one)
      await near.end()
      assert.deepEqual(await Promise.all(waiting), [message(0), message(1), undefined])
    })

    promise('refuses what is sent after the end with a ClosedError, handled or not', async ({ near, far }) => {
      const ended = near.end()
      void near.send(message(1))
      await assert.rejects(near.send(message(2)), {
        name: 'ClosedError',
        code: 'ERR_PAGENT_CLOSED',
        message: /Cannot send/,
      })
      assert.equal(await far.receive(), undefined)
      await ended
      await near.end()
    })

    promise('rejects a receive whose signal was aborted before, and keeps the message', async ({ near, far }) => {
      void near.send(message(1))
      await assert.rejects(far.receive({ signal: AbortSignal.abort('before') }), (reason) => reason === 'before')
      assert.deepEqual(await far.receive(), message(1))
    })

    promise('rejects a receive that is aborted while it waits; the message goes to the next', async ({ near, far }) => {
      const abort = new AbortController()
      const first = far.receive({ signal: abort.signal })
      const second = far.receive()
      abort.abort('meanwhile')
      void near.send(message(1))
      await assert.rejects(first, (reason) => reason === 'meanwhile')
      assert.deepEqual(await second, message(1))
    })

    promise('loses nothing and leaks nothing over ten thousand aborted receives', async ({ near, far }) => {
      const long = new AbortController()
      for (let round = 0; round < 100; round++) {
        const abort = new AbortController()
        const aborted = Array.from({ length: 100 }, () => far.receive({ signal: abort.signal }))
        abort.abort('enough')
        assert.ok((await Promise.allSettled(aborted)).every((one) => one.status === 'rejected'))
      }
      const waiting = far.receive({ signal: long.signal })
      assert.equal(getEventListeners(long.signal, 'abort').length, 1)
      void near.send(message(7))
      assert.deepEqual(await waiting, message(7))
      assert.equal(getEventListeners(long.signal, 'abort').length, 0)
    })

    promise('tells those who wait that there is no more', async ({ near, far }) => {
      const waiting = [far.receive(), far.receive()]
      await near.end()
      assert.deepEqual(await Promise.all(waiting), [undefined, undefined])
    })

    promise('is read by a loop until it ends', async ({ near, far }) => {
      const sending = (async () => {
        for (const one of range(0, 20)) await near.send(one)
        await near.end()
      })()
      const seen: M[] = []
      for await (const one of far) seen.push(one)
      assert.deepEqual(seen, range(0, 20))
      await sending
    })

    promise('keeps the rest for later when a loop is left', async ({ near, far }) => {
      void Promise.all(range(0, 20).map((one) => near.send(one)))
      void near.end()
      for await (const one of far) if (sameMessage(one, message(4))) break
      assert.deepEqual(await far.receive(), message(5))
      const rest: M[] = []
      for await (const one of far) rest.push(one)
      assert.deepEqual(rest, range(6, 20))
    })

    promise('says that it is closed once both directions have ended', async ({ near, far }) => {
      let closed = 0
      void near.closed.then(() => closed++)
      void far.closed.then(() => closed++)
      if (!single) {
        await near.end()
        assert.equal(await far.receive(), undefined)
        assert.equal(closed, 0)
      }
      await far.end()
      assert.equal(await near.receive(), undefined)
      await Promise.all([near.closed, far.closed])
      assert.equal(closed, 2)
    })

    promise('neither loses nor doubles nor swaps a message, whoever sends, waits and gives up when', async () => {
      const step = fc.constantFrom('send', 'receive', 'give up', 'tick')
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const pair = await makePair()
          try {
            await race(pair, steps, message)
          } finally {
            pair.dispose?.()
          }
        }),
        { numRuns: 40 },
      )
    })
  })
}

/** Sends, receives and gives up in this order, then reads the rest: all must have come once, in order. */
async function race<M>(
  { near, far }: ChannelPair<M>,
  steps: readonly string[],
  message: (n: number) => M,
): Promise<void> {
  let sent = 0
  const receives: Promise<M | undefined>[] = []
  let last: AbortController | undefined
  for (const step of steps) {
    if (step === 'send') void near.send(message(sent++))
    if (step === 'receive') {
      last = new AbortController()
      const receive = far.receive({ signal: last.signal })
      receive.catch(() => {})
      receives.push(receive)
    }
    if (step === 'give up') last?.abort('gave up')
    if (step === 'tick') await settled()
  }
  void near.end()
  const settledReceives = await Promise.allSettled(receives)
  const got = settledReceives.flatMap((one) =>
    one.status === 'fulfilled' && one.value !== undefined ? [one.value] : [],
  )
  const rest = await receiveAll(far)
  assert.deepEqual(
    [...got, ...rest],
    Array.from({ length: sent }, (_, i) => message(i)),
  )
}

export async function receiveAll<M>(channel: Channel<M>): Promise<M[]> {
  const all: M[] = []
  for (let next = await channel.receive(); next !== undefined; next = await channel.receive()) all.push(next)
  return all
}

/**
 * Waits until a count has not changed for many turns of the event loop. Both ends of every pair live in this process,
 * so that what can move moves within a few turns.
 */
export async function standstill(count: () => number): Promise<void> {
  for (let still = 0, last = count(); still < 100; still++) {
    await settled()
    if (count() !== last) still = 0
    last = count()
  }
}

function sameMessage(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other)
    return true
  } catch {
    return false
  }
}
