import type { Clock, Timer } from '../../base/clock.ts'
import type { Kept } from './kept.ts'
import type { Life } from './life.ts'
import type { Pace } from './pace.ts'

/** What the rounds of a supervisor share. */
export interface RoundHost {
  readonly clock: Clock
  readonly pace: Pace
  begin(kept: Kept): Life
  /** Whether somebody before it is being started by hand: it has to wait. Without one: whether anybody is. */
  isHeld(next: Kept | undefined): boolean
  /** Nobody who is stopped waits for another. */
  readonly stopsTogether?: boolean
}

/**
 * Carries a plan out: stops children one after the other, then starts others one after the other, each when it is due
 * and when the one before it is ready. What is planned meanwhile joins in. It waits for nobody by itself: whoever sees a
 * child get ready or end calls `advance`.
 */
export class Round {
  readonly #host: RoundHost
  readonly #done: () => void
  /** Both with the next at the end. */
  #leaving: Kept[] = []
  #coming: Kept[] = []
  /** Those that were asked to leave, and are waited for together. */
  readonly #asked: Kept[] = []
  /** The next waits for this one. */
  #starting: Life | undefined
  #alarm: Timer | undefined
  #advancing = false
  #cancelled = false

  /** `done` is called each time there is nothing left to do. */
  constructor(host: RoundHost, done: () => void) {
    this.#host = host
    this.#done = done
  }

  add(stop: readonly Kept[], start: readonly Kept[]): void {
    // When many fail at once, most of a group are in the list already.
    const leaving = stop.filter((kept) => !(kept.leaving && kept.round === this))
    const coming = start.filter((kept) => !(kept.coming && kept.round === this))
    for (const kept of leaving) kept.leaving = true
    for (const kept of coming) kept.coming = true
    for (const kept of stop) kept.round = this
    for (const kept of start) kept.round = this
    this.#leaving = merge(this.#leaving, leaving, (a, b) => a.order - b.order)
    this.#coming = merge(this.#coming, coming, (a, b) => b.order - a.order)
  }

  /** This one will not be started. */
  drop(kept: Kept): void {
    kept.coming = false
    kept.dueAt = 0
    this.#coming = this.#coming.filter((other) => other !== kept)
    this.advance()
  }

  /** Nobody in it waits for a time any longer. */
  hurry(): void {
    for (const kept of this.#coming) kept.dueAt = 0
    this.advance()
  }

  /** It does nothing any more. */
  cancel(): void {
    this.#cancelled = true
    this.#alarm?.cancel()
    for (const kept of this.#coming) kept.coming = false
  }

  /** Does what can be done now. */
  readonly advance = (): void => {
    if (this.#advancing || this.#cancelled) return
    this.#advancing = true
    this.#alarm?.cancel()
    while (this.#host.pace.goOn(this.advance) && this.#step());
    this.#advancing = false
  }

  /** False when something has to happen first. */
  #step(): boolean {
    if (this.#cancelled) return false
    const leaving = this.#leaving.at(-1)
    if (leaving !== undefined) return this.#stop(leaving)
    if (this.#isAskedAlive() || this.#isStarting()) return false
    const next = this.#coming.at(-1)
    if (this.#host.isHeld(next)) return false
    if (next !== undefined) return this.#start(next)
    this.#done()
    return false
  }

  #stop(kept: Kept): boolean {
    // It may be gone by now, or have begun anew by somebody's hand.
    if (kept.life === undefined || !kept.leaving) {
      kept.leaving = false
      this.#leaving.pop()
      return true
    }
    this.#host.pace.step()
    void kept.end()
    if (this.#host.stopsTogether === true) {
      this.#leaving.pop()
      this.#asked.push(kept)
      return true
    }
    // Who is killed and does not listen is gone at once.
    return kept.life === undefined
  }

  #isAskedAlive(): boolean {
    while (this.#asked.length > 0 && this.#asked.at(-1)?.life === undefined) this.#asked.pop()
    return this.#asked.length > 0
  }

  #isStarting(): boolean {
    return this.#starting !== undefined && !this.#starting.isReady && this.#starting.exit === undefined
  }

  #start(kept: Kept): boolean {
    const wait = kept.dueAt - this.#host.clock.now()
    if (wait > 0) {
      this.#alarm = this.#host.clock.after(wait, this.advance)
      return false
    }
    this.#host.pace.step()
    this.#coming.pop()
    this.#starting = this.#host.begin(kept)
    return true
  }
}

/** Both lists in one, in that order; `some` is in order already, and the few others usually belong to one end of it. */
function merge(some: Kept[], others: Kept[], compare: (a: Kept, b: Kept) => number): Kept[] {
  const [first, last] = [some[0], some.at(-1)]
  if (others.length === 0) return some
  others.sort(compare)
  if (first === undefined || last === undefined) return others
  if (compare(others.at(-1) as Kept, first) < 0) return [...others, ...some]
  if (compare(last, others[0] as Kept) < 0) return [...some, ...others]
  return [...some, ...others].toSorted(compare)
}
