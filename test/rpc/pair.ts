import type { ProtocolError } from '../../src/base/errors.ts'
import type { CallPlan } from '../../src/rpc/calling/outgoing.ts'
import { Peer, type PeerOptions } from '../../src/rpc/peer.ts'
import { FakeClock } from '../support/fake-clock.ts'

export const PLAIN_CALL: CallPlan = { timeout: Infinity, signal: undefined, onProgress: undefined }

/** One end of a connection in memory, and what can be seen of it. */
export interface Side {
  readonly peer: Peer
  /** Everything it has posted, as it travels. */
  readonly sent: any[]
  readonly faults: ProtocolError[]
  /** The methods that were not answered after they had been cancelled. */
  readonly stuck: string[]
}

export type Own = Partial<PeerOptions>

/** Two peers on one connection: what one posts the other accepts later in the same turn, in order. */
export function pair(left: Own = {}, right: Own = {}): { clock: FakeClock; left: Side; right: Side } {
  const clock = new FakeClock()
  const one: Side = side('the right one', clock, left, (message) => void two.peer.accept(message))
  const two: Side = side('the left one', clock, right, (message) => void one.peer.accept(message))
  return { clock, left: one, right: two }
}

/** A peer whose other side is played by the test: `say` is what that one sends. */
export function alone(
  own: Own = {},
): Side & { readonly clock: FakeClock; readonly say: (...messages: unknown[]) => void } {
  const clock = new FakeClock()
  const only = side('the other one', clock, own, () => {})
  const say = (...messages: unknown[]): void => messages.forEach((message) => void only.peer.accept(message))
  return { ...only, clock, say }
}

/** Posts as a framing of JSON does: what JSON cannot say is refused at once. */
function side(who: string, clock: FakeClock, own: Own, deliver: (message: unknown) => void): Side {
  const [sent, faults, stuck]: [any[], ProtocolError[], string[]] = [[], [], []]
  const post = (message: unknown): void => {
    const text = JSON.stringify(message)
    sent.push(JSON.parse(text))
    queueMicrotask(() => deliver(JSON.parse(text)))
  }
  const peer = new Peer(
    { post, pressure: undefined },
    {
      who,
      clock,
      fault: (error) => void faults.push(error),
      stuck: (method) => void stuck.push(method),
      ...own,
    },
  )
  return { peer, sent, faults, stuck }
}

/** How a call is made, where that is not the plain way. */
export function plan(own: Partial<CallPlan> = {}): CallPlan {
  return { ...PLAIN_CALL, ...own }
}

/** A promise that is settled by hand, for calls that take as long as a test wants. */
export function gate<T = unknown>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>()
}

/** Counts how a promise ends, without waiting for it. */
export function outcomeOf(promise: Promise<unknown>): { value?: unknown; error?: any; times: number } {
  const outcome: { value?: unknown; error?: any; times: number } = { times: 0 }
  promise.then(
    (value) => Object.assign(outcome, { value, times: outcome.times + 1 }),
    (error: unknown) => Object.assign(outcome, { error, times: outcome.times + 1 }),
  )
  return outcome
}
