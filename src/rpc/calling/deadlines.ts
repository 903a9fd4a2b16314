import type { Clock, Timer } from '../../base/clock.ts'

/** Something that is over at a time. */
export interface Timed {
  /** Milliseconds it was given. */
  readonly timeout: number
  /** By the clock. */
  readonly due: number
}

/** A timer is not set anew for each call, so one may be set for no call at all: for so many lengths. */
const LENGTHS_KEPT = 8

/**
 * Deadlines of thousands of calls a second with one timer for each length there is: those of one length end in the order
 * in which they began.
 */
export class Deadlines<T extends Timed> {
  readonly #clock: Clock
  readonly #late: (item: T) => void
  readonly #lengths = new Map<number, Set<T>>()
  readonly #timers = new Map<number, Timer>()

  constructor(clock: Clock, late: (item: T) => void) {
    this.#clock = clock
    this.#late = late
  }

  add(item: T): void {
    const known = this.#lengths.get(item.timeout)
    if (known !== undefined) known.add(item)
    else this.#lengths.set(item.timeout, new Set([item]))
    if (!this.#timers.has(item.timeout)) this.#arm(item.timeout, item.timeout)
  }

  delete(item: T): void {
    const items = this.#lengths.get(item.timeout)
    items?.delete(item)
    // Those of the usual lengths will be wanted again.
    if (items?.size === 0 && this.#lengths.size > LENGTHS_KEPT) this.#drop(item.timeout)
  }

  /** Nothing is waited for any more. */
  clear(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#lengths.clear()
  }

  #drop(timeout: number): void {
    this.#lengths.delete(timeout)
    this.#timers.get(timeout)?.cancel()
    this.#timers.delete(timeout)
  }

  #arm(timeout: number, wait: number): void {
    this.#timers.set(
      timeout,
      this.#clock.after(wait, () => this.#check(timeout)),
    )
  }

  /** A timer is not set anew for each that was in time, so it may come for nothing. */
  #check(timeout: number): void {
    this.#timers.delete(timeout)
    const items = this.#lengths.get(timeout) ?? new Set<T>()
    const now = this.#clock.now()
    for (const item of items) {
      if (item.due > now) return this.#arm(timeout, item.due - now)
      items.delete(item)
      this.#late(item)
    }
    if (items.size === 0) this.#lengths.delete(timeout)
  }
}
