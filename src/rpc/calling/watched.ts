import type { CallEvent, CallHub, CallOutcome } from '../../base/call-hub.ts'
import type { Clock } from '../../base/clock.ts'
import { ClosedError, ExitError, TimeoutError } from '../../base/errors.ts'

/** A call that somebody wants to hear of. */
export interface WatchedCall {
  readonly calls: CallHub
  readonly clock: Clock
  /** What it is, and who was asked by whom. */
  readonly what: Pick<CallEvent, 'kind' | 'from' | 'worker' | 'pool' | 'supervisor'>
  readonly method: string
  readonly signal: AbortSignal | undefined
  /** By the clock, when it was asked for. */
  readonly since: number
}

/** What becomes of the call, told before whoever asked hears of it. A failure that nobody handles stays one. */
export function watched(result: Promise<unknown>, call: WatchedCall): Promise<unknown> {
  return result.then(
    (value) => {
      tell(call, 'ok')
      return value
    },
    (error: unknown) => {
      tell(call, outcomeOf(error, call.signal), error)
      throw error
    },
  )
}

/** The same stream; when it has ended, or was left, that is told. */
export function watchedStream(items: AsyncIterable<unknown>, call: WatchedCall): AsyncIterable<unknown> {
  return new WatchedStream(items[Symbol.asyncIterator](), call)
}

class WatchedStream implements AsyncIterableIterator<unknown> {
  readonly #items: AsyncIterator<unknown>
  readonly #call: WatchedCall
  #isOver = false

  constructor(items: AsyncIterator<unknown>, call: WatchedCall) {
    this.#items = items
    this.#call = call
  }

  async next(): Promise<IteratorResult<unknown>> {
    try {
      const next = await this.#items.next()
      if (next.done === true) this.#over('ok')
      return next
    } catch (error) {
      this.#over(outcomeOf(error, this.#call.signal), error)
      throw error
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#over('cancelled')
    return (await this.#items.return?.()) ?? { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #over(outcome: CallOutcome, error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    tell(this.#call, outcome, error)
  }
}

/** Tells what has become of it. */
export function tell({ calls, clock, what, method, since }: WatchedCall, outcome: CallOutcome, error?: unknown): void {
  const failure = error === undefined ? {} : { error }
  calls.tell({ at: clock.date(), ...what, method, outcome, duration: clock.now() - since, ...failure })
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): CallOutcome {
  if (signal?.aborted === true && error === signal.reason) return 'cancelled'
  if (error instanceof TimeoutError) return 'timeout'
  return error instanceof ExitError || error instanceof ClosedError ? 'lost' : 'error'
}
