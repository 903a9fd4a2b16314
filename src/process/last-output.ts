import { Later } from '../base/later.ts'
import { type Clock, type Timer, nextTurn } from '../base/clock.ts'

/** How long the pipes of an ended worker may be silent before nothing more is expected, in milliseconds. */
const SILENCE = 100
/**
 * The most that somebody else who holds the pipes can still say: time in milliseconds, bytes. A full pipe is less, and is read to its
 * end however long that takes us.
 */
const LONGEST = 2000
const MOST = 2 ** 21
/** Who says so much between two looks does not trickle. */
const FULL = 65_536

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
  #bytesAtLook = 0

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

  /**
   * After a pause of our own there may be output that nobody has looked at yet: looks, then decides. One turn later, because a
   * reader that was busy for long rests for one.
   */
  async #check(): Promise<void> {
    await nextTurn()
    await nextTurn()
    if (this.#open === 0) return
    const now = this.#clock.now()
    const left = this.#lastAt + SILENCE - now
    const came = this.#bytes - this.#bytesAtLook
    this.#bytesAtLook = this.#bytes
    const isOver = came === 0 ? left <= 0 : came < FULL && now >= this.#deadline
    if (isOver) this.#finish()
    // What came last may have kept its reader busy since.
    else this.#watch(left > 0 ? left : SILENCE)
  }

  #finish(): void {
    this.#timer?.cancel()
    this.#open = 0
    this.#done.resolve()
  }
}
