import type { Clock, Timer } from '../../base/clock.ts'
import { type Linked, List } from '../../base/queues/list.ts'

/** Something that is over at a time. */
export interface Timed extends Linked {
  /** Milliseconds it was given. */
  readonly timeout: number
  /** By the clock. */
  readonly due: number
}

/** A timer is not set anew for each call, so one may be set for no call at all: for so many lengths. */
const LENGTHS_KEPT = 8

/** All that were given as long, the first to be over first. */
class Line<T extends Timed> extends List<T> {
  timer: Timer | undefined
  /** By the clock, when the timer comes. */
  comes = Infinity
}

/**
 * Deadlines of thousands of calls a second with one timer for each length there is: those of one length end in the order
 * in which they began, or nearly so.
 */
export class Deadlines<T extends Timed> {
  readonly #clock: Clock
  readonly #late: (item: T) => void
  readonly #lines = new Map<number, Line<T>>()

  constructor(clock: Clock, late: (item: T) => void) {
    this.#clock = clock
    this.#late = late
  }

  add(item: T): void {
    const line = this.#lines.get(item.timeout) ?? this.#newLine(item.timeout)
    let before = line.last
    // Who has waited elsewhere before comes late, and is over no later for that.
    while (before !== undefined && before.due > item.due) before = before.before
    line.addBehind(before, item)
    if (item.due < line.comes) this.#arm(line, item)
  }

  delete(item: T): void {
    const line = this.#lines.get(item.timeout)
    line?.remove(item)
    // Those of the usual lengths will be wanted again.
    if (line?.first === undefined && this.#lines.size > LENGTHS_KEPT) this.#drop(item.timeout)
  }

  /** Nothing is waited for any more. */
  clear(): void {
    for (const timeout of this.#lines.keys()) this.#drop(timeout)
  }

  #newLine(timeout: number): Line<T> {
    const line = new Line<T>()
    this.#lines.set(timeout, line)
    return line
  }

  #drop(timeout: number): void {
    this.#lines.get(timeout)?.timer?.cancel()
    this.#lines.delete(timeout)
  }

  #arm(line: Line<T>, { timeout, due }: T): void {
    line.timer?.cancel()
    line.comes = due
    line.timer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => this.#check(timeout, line))
  }

  /** A timer is not set anew for each that was in time, so it may come for nothing. */
  #check(timeout: number, line: Line<T>): void {
    line.comes = Infinity
    const now = this.#clock.now()
    for (let { first } = line; first !== undefined; first = line.first) {
      if (first.due > now) return this.#arm(line, first)
      line.remove(first)
      this.#late(first)
    }
    if (this.#lines.get(timeout) === line) this.#drop(timeout)
  }
}
