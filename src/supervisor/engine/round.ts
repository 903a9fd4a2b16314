import { type Clock, type Timer, nextTurn } from '../../base/clock.ts'
import type { Kept } from './kept.ts'

/** After so many starts and stops the event loop serves everybody else. */
const STEPS_A_TURN = 64

/**
 * Carries a plan out: stops children one after the other, then starts others one after the other, each when it is due
 * and when the one before it is ready. What is planned meanwhile joins in. It waits for nobody by itself: whoever sees a
 * child get ready or end calls `advance`.
 */
export class Round {
  readonly #clock: Clock
  readonly #begin: (kept: Kept) => void
  readonly #done: () => void
  /** Both with the next at the end. */
  #leaving: Kept[] = []
  #coming: Kept[] = []
  #starting: Kept | undefined
  #alarm: Timer | undefined
  #advancing = false
  #steps = 0
  #cancelled = false

  /** `done` is called each time there is nothing left to do. */
  constructor(clock: Clock, begin: (kept: Kept) => void, done: () => void) {
    this.#clock = clock
    this.#begin = begin
    this.#done = done
  }

  add(stop: readonly Kept[], start: readonly Kept[]): void {
    for (const kept of stop) kept.leaving = true
    for (const kept of start) kept.coming = true
    for (const kept of [...stop, ...start]) kept.round = this
    this.#leaving = merge(this.#leaving, stop)
    this.#coming = merge(this.#coming, start).toReversed()
  }

  /** This one will not be started. */
  drop(kept: Kept): void {
    kept.coming = false
    this.#coming = this.#coming.filter((other) => other !== kept)
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
    while (this.#steps < STEPS_A_TURN && this.#step());
    if (this.#steps < STEPS_A_TURN) this.#advancing = false
    else void this.#giveWay()
  }

  async #giveWay(): Promise<void> {
    await nextTurn()
    this.#steps = 0
    this.#advancing = false
    this.advance()
  }

  /** False when something has to happen first. */
  #step(): boolean {
    if (this.#cancelled) return false
    const leaving = this.#leaving.at(-1)
    if (leaving !== undefined) return this.#stop(leaving)
    if (this.#isStarting()) return false
    const next = this.#coming.at(-1)
    if (next !== undefined) return this.#start(next)
    this.#done()
    return false
  }

  #stop(kept: Kept): boolean {
    if (kept.life === undefined) {
      kept.leaving = false
      this.#leaving.pop()
      return true
    }
    this.#steps++
    void kept.end()
    return false
  }

  #isStarting(): boolean {
    const life = this.#starting?.life
    return life !== undefined && !life.isReady
  }

  #start(kept: Kept): boolean {
    const wait = kept.dueAt - this.#clock.now()
    if (wait > 0) {
      this.#alarm = this.#clock.after(wait, this.advance)
      return false
    }
    this.#steps++
    this.#coming.pop()
    this.#starting = kept
    this.#begin(kept)
    return true
  }
}

/** In the order of their start, each once. */
function merge(some: readonly Kept[], others: readonly Kept[]): Kept[] {
  return [...new Set([...some, ...others])].toSorted((a, b) => a.order - b.order)
}
