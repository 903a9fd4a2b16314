import { type Clock, nextTurn, sleep } from '../base/clock.ts'
import { SpawnError } from '../base/errors.ts'

const FIRST_DELAY = 10
const LONGEST_DELAY = 1000
/** How long a passing failure is put up with, in milliseconds. */
const PATIENCE = 15_000

/**
 * Starts so many processes at a time and no more, gives the event loop a turn between two, and tries again what
 * failed for want of something that comes back.
 */
export class StartQueue {
  readonly #clock: Clock
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(clock: Clock, limit: number) {
    this.#clock = clock
    this.#limit = limit
  }

  /** Runs `start` when its turn comes. `signal` withdraws it while it waits. */
  async run<T>(start: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      return await this.#persist(start, signal)
    } finally {
      this.#leave()
    }
  }

  async #persist<T>(start: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const deadline = this.#clock.now() + PATIENCE
    for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
      signal.throwIfAborted()
      try {
        return await start()
      } catch (error) {
        if (!isPassing(error) || this.#clock.now() + delay > deadline) throw error
      }
      await sleep(this.#clock, delay, signal)
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (this.#running < this.#limit) this.#running++
    else await this.#waitInLine(signal)
    return nextTurn()
  }

  #waitInLine(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', withdraw)
        resolve()
      }
      const withdraw = (): void => {
        this.#waiting.delete(go)
        reject(signal.reason as Error)
      }
      if (signal.aborted) return withdraw()
      this.#waiting.add(go)
      signal.addEventListener('abort', withdraw, { once: true })
    })
  }

  /** The place goes to the next in line, if there is one. */
  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#running--
    else {
      this.#waiting.delete(next)
      next()
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof SpawnError && error.passing
}
