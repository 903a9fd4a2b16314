import type { Clock, Timer } from '../../src/base/clock.ts'

interface Pending {
  readonly at: number
  readonly fire: () => void
}

/**
 * Time that a test turns by hand. Timers fire in the order of their times, those of one time in the order they were
 * set; a timer that is set while others fire, and is due, fires in the same `advance`.
 */
export class FakeClock implements Clock {
  #now: number
  /** A set keeps the order in which timers were set. */
  readonly #pending = new Set<Pending>()

  constructor(start = 0) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  /** 2024-01-01, and counting with `now`. */
  date(): number {
    return 1_704_067_200_000 + this.#now
  }

  after(ms: number, fire: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), fire }
    if (ms !== Infinity) this.#pending.add(timer)
    return { cancel: () => void this.#pending.delete(timer) }
  }

  /** Timers that are set and have neither fired nor been cancelled: 0 when nothing leaks. */
  get pending(): number {
    return this.#pending.size
  }

  /** Milliseconds until the next timer fires; undefined when none is set. */
  get untilNext(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.at - this.#now
  }

  /** Turns time on by `ms`, firing what is due on the way, each at its own time. */
  advance(ms: number): void {
    const target = this.#now + ms
    for (let due = this.#next(); due !== undefined && due.at <= target; due = this.#next()) {
      this.#pending.delete(due)
      this.#now = due.at
      due.fire()
    }
    this.#now = target
  }

  /** The same, letting promises settle before the first timer, after each, and at the end. */
  async advanceAsync(ms: number): Promise<void> {
    const target = this.#now + ms
    await settled()
    for (let due = this.#next(); due !== undefined && due.at <= target; due = this.#next()) {
      this.advance(due.at - this.#now)
      await settled()
    }
    this.advance(target - this.#now)
    await settled()
  }

  #next(): Pending | undefined {
    let first: Pending | undefined
    for (const timer of this.#pending) if (first === undefined || timer.at < first.at) first = timer
    return first
  }
}

/** Lets every promise that is ready run, and what they make ready in turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
