import { nextTurn } from '../../base/clock.ts'

/** After so many starts and stops the event loop serves everybody else. */
const STEPS_A_TURN = 64

/** Shared by all rounds of a supervisor, so that thousands of children, or one that fails at once, starve nobody. */
export class Pace {
  #steps = 0
  #waiting: (() => void)[] | undefined

  /** False when it is somebody else's turn; `resume` is called after it. */
  goOn(resume: () => void): boolean {
    if (this.#steps < STEPS_A_TURN) return true
    if (this.#waiting === undefined) void this.#giveWay()
    this.#waiting?.push(resume)
    return false
  }

  /** One more was started or stopped. */
  step(): void {
    this.#steps++
  }

  async #giveWay(): Promise<void> {
    const waiting: (() => void)[] = []
    this.#waiting = waiting
    await nextTurn()
    this.#steps = 0
    this.#waiting = undefined
    for (const resume of waiting) resume()
  }
}
