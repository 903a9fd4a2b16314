import type { Clock, Timer } from '../../base/clock.ts'

/** Something that is over at a time. */
export interface Timed {
  /** Milliseconds it was given. */
  readonly timeout: number
  /** By the clock. */
  readonly due: number
  /** Its neighbours among those with this timeout, for `Deadlines` alone. */
  before: Timed | undefined
  after: Timed | undefined
}

/** A timer is not set anew for each call, so one may be set for no call at all: for so many lengths. */
const LENGTHS_KEPT = 8

/** All of one length, in the order in which they began and end. */
interface Line {
  first: Timed | undefined
  last: Timed | undefined
  timer: Timer | undefined
}

/**
 * Deadlines of thousands of calls a second with one timer for each length there is: those of one length end in the order
 * in which they began.
 */
export class Deadlines<T extends Timed> {
  readonly #clock: Clock
  readonly #late: (item: T) => void
  readonly #lines = new Map<number, Line>()

  constructor(clock: Clock, late: (item: T) => void) {
    this.#clock = clock
    this.#late = late
  }

  add(item: T): void {
    const line = this.#lines.get(item.timeout) ?? this.#newLine(item.timeout)
    const { last } = line
    item.before = last
    if (last === undefined) line.first = item
    else last.after = item
    line.last = item
    line.timer ??= this.#timer(item.timeout, item.timeout)
  }

  delete(item: T): void {
    const line = this.#lines.get(item.timeout)
    if (line === undefined) return
    unlink(line, item)
    // Those of the usual lengths will be wanted again.
    if (line.first === undefined && this.#lines.size > LENGTHS_KEPT) this.#drop(item.timeout, line)
  }

  /** Nothing is waited for any more. */
  clear(): void {
    for (const { timer } of this.#lines.values()) timer?.cancel()
    this.#lines.clear()
  }

  #newLine(timeout: number): Line {
    const line = { first: undefined, last: undefined, timer: undefined }
    this.#lines.set(timeout, line)
    return line
  }

  #drop(timeout: number, line: Line): void {
    this.#lines.delete(timeout)
    line.timer?.cancel()
  }

  #timer(timeout: number, wait: number): Timer {
    return this.#clock.after(wait, () => this.#check(timeout))
  }

  /** A timer is not set anew for each that was in time, so it may come for nothing. */
  #check(timeout: number): void {
    const line = this.#lines.get(timeout)
    if (line === undefined) return
    line.timer = undefined
    const now = this.#clock.now()
    for (let { first } = line; first !== undefined; first = line.first) {
      if (first.due > now) {
        line.timer ??= this.#timer(timeout, first.due - now)
        return
      }
      unlink(line, first)
      this.#late(first as T)
    }
    if (this.#lines.get(timeout) === line && line.timer === undefined) this.#lines.delete(timeout)
  }
}

/** What has left holds nobody: an old one would keep all that came later from the young collector. */
function unlink(line: Line, item: Timed): void {
  const { before, after } = item
  if (before !== undefined) before.after = after
  else if (line.first === item) line.first = after
  else return
  if (after !== undefined) after.before = before
  else line.last = before
  item.before = item.after = undefined
}
