import { type Clock, type Timer, systemClock } from '../../base/clock.ts'
import { formatMillis } from '../../base/units.ts'
import type { Exit } from '../../base/exit.ts'
import type { Worker } from '../../worker/worker.ts'
import { tell } from '../terminal.ts'
import type { EndingSignal } from '../signals.ts'

/** How long an end may take before people are told what they wait for, in milliseconds. */
const A_MOMENT = 500

/** The first signal asks the program to end, the second one ends it; a third changes nothing. */
export class Stopping {
  readonly #worker: Worker<any, any>
  readonly #grace: number
  readonly #who: string
  readonly #onStopped: (exit: Exit) => void
  readonly #clock: Clock = systemClock
  #signals = 0
  #notice: Timer | undefined

  /** `who` is the program for people. `onStopped` hears the exit, also when it had ended by itself meanwhile. */
  constructor(worker: Worker<any, any>, grace: number, who: string, onStopped: (exit: Exit) => void) {
    this.#worker = worker
    this.#grace = grace
    this.#who = who
    this.#onStopped = onStopped
  }

  /** True once it was asked to end. */
  get begun(): boolean {
    return this.#signals > 0
  }

  /** True once it was killed for a second signal. */
  get forced(): boolean {
    return this.#signals > 1
  }

  readonly end = (signal: EndingSignal): void => {
    this.#signals++
    if (this.#signals === 1) this.#ask(signal)
    if (this.#signals === 2) this.#kill()
  }

  readonly forward = (signal: NodeJS.Signals): void => this.#worker.kill(signal)

  close(): void {
    this.#notice?.cancel()
  }

  #ask(killSignal: EndingSignal): void {
    this.#notice = this.#clock.after(A_MOMENT, () => this.#explainWait(killSignal))
    void this.#worker.stop({ eof: 0, killSignal, grace: this.#grace }).then(this.#onStopped)
  }

  #kill(): void {
    this.#notice?.cancel()
    tell('notice', `killing ${this.#who} and everything it started`)
    void this.#worker.stop({ eof: 0, grace: 0 })
  }

  #explainWait(sent: EndingSignal): void {
    if (this.#grace <= A_MOMENT) return
    const left = formatMillis(this.#grace - A_MOMENT)
    const again = sent === 'SIGINT' ? 'Ctrl-C again' : 'a second signal'
    tell(
      'notice',
      `${this.#who} (pid ${this.#worker.pid ?? '?'}) got ${sent} and is still running; it is killed in ${left}, or at once by ${again}`,
    )
  }
}
