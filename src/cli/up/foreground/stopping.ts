import { type Clock, systemClock } from '../../../base/clock.ts'
import { formatMillis } from '../../../base/units.ts'
import type { FleetStatus } from '../../../control/api/wire.ts'
import type { Fleet } from '../../../control/fleet/contract.ts'
import type { EndingSignal } from '../../signals.ts'

export interface StoppingOptions {
  readonly clock?: Clock
  /** The longest a stop can take, in milliseconds. */
  readonly longest: () => number
  readonly note: (text: string) => void
  readonly onBegin: () => void
}

/** States in which a worker holds up a stop. */
const ALIVE: readonly (keyof FleetStatus['states'])[] = ['starting', 'running', 'degraded', 'stopping']

/** The first signal stops the fleet in good order, the second kills what is left; a third changes nothing. */
export class Stopping {
  readonly #fleet: () => Fleet | undefined
  readonly #options: StoppingOptions
  readonly #clock: Clock
  #deadline = 0
  #signals = 0
  signal: EndingSignal | undefined

  /** `fleet` is undefined while there is none yet. */
  constructor(fleet: () => Fleet | undefined, options: StoppingOptions) {
    this.#fleet = fleet
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  get begun(): boolean {
    return this.#signals > 0
  }

  readonly end = (signal: EndingSignal): void => {
    this.signal ??= signal
    this.#signals++
    if (this.#signals === 1) this.#ask()
    if (this.#signals === 2) this.#kill()
  }

  /** For what it was asked before there was a fleet. */
  catchUp(): void {
    if (this.#signals > 0) void this.#fleet()?.stop({ hurry: this.#signals > 1 })
  }

  /** What is left, and how long that can take: `stopping, 3 workers left, killed in 4s`. */
  text(): string {
    const left = this.#left()
    if (this.#signals > 1) return `killing ${left}`
    const time = Math.ceil(Math.max(0, this.#deadline - this.#clock.now()) / 1000)
    return `stopping: ${left} left · killed in ${time}s · ${this.#again()} kills now`
  }

  #ask(): void {
    const longest = this.#options.longest()
    this.#deadline = this.#clock.now() + longest
    this.#options.note(`stopping ${this.#left()}, in ${formatMillis(longest)} at most; ${this.#again()} kills them now`)
    this.#options.onBegin()
    void this.#fleet()?.stop()
  }

  #kill(): void {
    this.#options.note(`killing ${this.#left()} and everything they started`)
    this.#options.onBegin()
    void this.#fleet()?.stop({ hurry: true })
  }

  #again(): string {
    return this.signal === 'SIGINT' ? 'Ctrl-C again' : 'a second signal'
  }

  #left(): string {
    const states = this.#fleet()?.status().states ?? {}
    const count = ALIVE.reduce((sum, state) => sum + (states[state] ?? 0), 0)
    return `${count} ${count === 1 ? 'worker' : 'workers'}`
  }
}
