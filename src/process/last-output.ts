import { Later } from '../base/later.ts'
import { type Clock, type Timer, nextTurn } from '../base/clock.ts'

/** How long the pipes of an ended worker may be silent before nothing more is expected, in milliseconds. */
const SILENCE = 100
/** The most that somebody else who holds the pipes can still say: time in milliseconds, bytes. */
const LONGEST = 2000
const MOST = 2 ** 20

/**
 * Waits for the last words of a worker whose process has ended: until both pipes have ended, or are silent.
 *
 * A grandchild that holds a pipe open cannot hold the exit back, and what a worker wrote just before its end is not lost.
 */
export class LastOutput {
  readonly #clock: Clock
  readonly #done = new Later<void>()
  #open: number
  #timer: Timer | undefined
  #lastAt = 0
  #deadline = Infinity
  #bytes = 0

  constructor(clock: Clock, streams: number) {
    this.#clock = clock
    this.#open = streams
  }

  chunk(bytes: number): void {
    if (this.#timer === undefined) return
    this.#lastAt = this.#clock.now()
    this.#bytes += bytes
    if (this.#bytes > MOST) this.#finish()
  }

  ended(): void {
    if (--this.#open === 0) this.#finish()
  }

  /** The process has ended. Resolves when nothing more is to be expected. */
  wait(): Promise<void> {
    if (this.#open === 0) this.#done.resolve()
    else {
      this.#lastAt = this.#clock.now()
      this.#deadline = this.#lastAt + LONGEST
      this.#watch(SILENCE)
    }
    return this.#done.promise
  }

  #watch(ms: number): void {
    this.#timer = this.#clock.after(ms, () => void this.#check())
  }

  /** After a pause of our own there may be output that nobody has looked at yet: looks once, then decides. */
  async #check(): Promise<void> {
    await nextTurn()
    const now = this.#clock.now()
    const left = Math.min(this.#lastAt + SILENCE, this.#deadline) - now
    if (this.#open === 0) return
    if (left > 0) this.#watch(left)
    else this.#finish()
  }

  #finish(): void {
    this.#timer?.cancel()
    this.#open = 0
    this.#done.resolve()
  }
}
