import type { Clock, Timer } from '../../base/clock.ts'
import type { ExitCause, Usage } from '../../base/exit.ts'

/** So often it is looked, in milliseconds, while a call with a budget takes longer than that. */
const INTERVAL = 5

/** Who is measured, and ended. */
interface Metered {
  readonly clock: Clock
  measure(): Promise<Usage>
  fail(cause: ExitCause): void
}

/** A call that may use so much. */
interface Budget {
  readonly max: number
  /** CPU time the worker had used when the call was first seen: what it used before that is a gift. */
  from: number | undefined
}

/**
 * Watches calls with a budget of CPU time. A call that is over within the first interval costs nothing but its place in a
 * set; else the worker is measured, with its whole tree, and ended when it has used more than the call may.
 */
export class CpuMeter {
  readonly #metered: Metered
  readonly #budgets = new Set<Budget>()
  #timer: Timer | undefined
  #closed = false

  constructor(metered: Metered) {
    this.#metered = metered
  }

  /** Returns what is to be called when the call is over. */
  watch(max: number): () => void {
    const budget: Budget = { max, from: undefined }
    this.#budgets.add(budget)
    this.#arm()
    return () => void this.#budgets.delete(budget)
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
    if (this.#budgets.size > 0) {
      const { cpuTime } = await this.#metered.measure().catch(() => ({ cpuTime: 0 }))
      for (const budget of this.#budgets) this.#check(budget, cpuTime)
    }
    this.#timer = undefined
    if (this.#budgets.size > 0) this.#arm()
  }

  #check(budget: Budget, now: number): void {
    budget.from ??= now
    const observed = now - budget.from
    if (observed <= budget.max) return
    this.#budgets.delete(budget)
    this.#metered.fail({
      kind: 'limit',
      limit: 'cpuTime',
      max: budget.max,
      observed,
      enforcedBy: 'sampling',
      exact: false,
    })
  }
}
