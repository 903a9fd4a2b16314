import type { Clock, Timer } from '../../base/clock.ts'
import type { ExitCause, Usage } from '../../base/exit.ts'

/** So often it is looked, in milliseconds, while a call with a budget takes longer than that. */
const INTERVAL = 5

/** What a worker may use while a call is in flight: milliseconds and bytes, or `Infinity`. */
export interface CallBudget {
  readonly cpuTime: number
  readonly memory: number
}

/** Who is measured, and ended. */
interface Metered {
  readonly clock: Clock
  measure(): Promise<Usage>
  fail(cause: ExitCause): void
}

/** A call with a budget. */
interface Watched {
  readonly budget: CallBudget
  /** CPU time the worker had used when the call was first seen: what it used before that is a gift. */
  from: number | undefined
}

/**
 * Watches calls with a budget. A call that is over within the first interval costs nothing but its place in a set; else the
 * worker is measured, with its whole tree, and ended when it has used more than the call may.
 */
export class CallMeter {
  readonly #metered: Metered
  readonly #calls = new Set<Watched>()
  #timer: Timer | undefined
  #closed = false

  constructor(metered: Metered) {
    this.#metered = metered
  }

  /** Returns what is to be called when the call is over. */
  watch(budget: CallBudget): () => void {
    const call: Watched = { budget, from: undefined }
    this.#calls.add(call)
    this.#arm()
    return () => void this.#calls.delete(call)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#timer = this.#metered.clock.after(INTERVAL, () => void this.#look())
  }

  async #look(): Promise<void> {
    if (this.#calls.size > 0) {
      const usage = await this.#metered.measure().catch(() => undefined)
      if (usage !== undefined) for (const call of this.#calls) this.#check(call, usage)
    }
    this.#timer = undefined
    if (this.#calls.size > 0) this.#arm()
  }

  #check(call: Watched, { cpuTime, memory }: Usage): void {
    call.from ??= cpuTime
    this.#compare(call, 'cpuTime', cpuTime - call.from)
    this.#compare(call, 'memory', memory)
  }

  #compare(call: Watched, limit: 'cpuTime' | 'memory', observed: number): void {
    const max = call.budget[limit]
    if (observed <= max) return
    this.#calls.delete(call)
    this.#metered.fail({ kind: 'limit', limit, max, observed, enforcedBy: 'sampling', exact: false })
  }
}
