import type { Clock, Timer } from './clock.ts'

/** Timers that end together. Takes no memory until the first is started. */
export class Timers {
  readonly #clock: Clock
  #running: Set<Timer> | undefined
  #cancelled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `fire` once after `ms`, unless all are cancelled first. After that it starts nothing. */
  after(ms: number, fire: () => void): Timer | undefined {
    if (this.#cancelled) return undefined
    const running = (this.#running ??= new Set())
    const timer = this.#clock.after(ms, () => {
      running.delete(timer)
      fire()
    })
    running.add(timer)
    return timer
  }

  cancel(): void {
    this.#cancelled = true
    for (const timer of this.#running ?? []) timer.cancel()
    this.#running = undefined
  }
}
