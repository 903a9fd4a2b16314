import { type Clock, sleep, systemClock } from '../../base/clock.ts'

/** After the end of a pipe: so long nothing must come, as with socat, and so long it is waited at most; in milliseconds. */
const MOMENT = 500
const WHILE = 5000

/** What comes back: whoever has said all he has to say from a pipe wants to see what is answered. */
export class Answers {
  readonly #clock: Clock
  readonly #open = Promise.withResolvers<void>()
  /** Resolves when nothing is missed any more. */
  readonly open = this.#open.promise
  #last = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  readonly heard = (): void => {
    this.#open.resolve()
    this.#last = this.#clock.now()
  }

  /** Resolves when nothing has come for a moment, or all the same after a while. */
  async quiet(signal: AbortSignal): Promise<void> {
    const began = this.#clock.now()
    for (;;) {
      const rest = Math.min(Math.max(began, this.#last) + MOMENT, began + WHILE) - this.#clock.now()
      if (rest <= 0 || signal.aborted) return
      await sleep(this.#clock, rest, signal).catch(() => {})
    }
  }
}
