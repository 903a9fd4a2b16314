import { type Clock, nextTurn } from '../base/clock.ts'
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

  /** Runs `start` when its turn comes, unless the ticket is withdrawn first: then it rejects with `WITHDRAWN`. */
  async run<T>(start: () => Promise<T>, ticket: StartTicket): Promise<T> {
    await this.#enter(ticket)
    try {
      return await this.#persist(start, ticket)
    } finally {
      this.#leave()
    }
  }

  async #persist<T>(start: () => Promise<T>, ticket: StartTicket): Promise<T> {
    const deadline = this.#clock.now() + PATIENCE
    for (let delay = FIRST_DELAY; ; delay = Math.min(delay * 2, LONGEST_DELAY)) {
      if (ticket.isWithdrawn) throw WITHDRAWN
      try {
        return await start()
      } catch (error) {
        if (!isPassing(error) || this.#clock.now() + delay > deadline) throw error
      }
      await ticket.wait((go) => {
        const timer = this.#clock.after(delay, go)
        return () => timer.cancel()
      })
    }
  }

  async #enter(ticket: StartTicket): Promise<void> {
    if (this.#running < this.#limit) this.#running++
    else
      await ticket.wait((go) => {
        this.#waiting.add(go)
        return () => this.#waiting.delete(go)
      })
    return nextTurn()
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

/** Why a start was not made: nobody wants it any more. */
export const WITHDRAWN = new Error('the start was withdrawn')

/** The right to one start. Thousands may wait at once, so it is lighter than an AbortController. */
export class StartTicket {
  #isWithdrawn = false
  #leaveLine: (() => void) | undefined

  get isWithdrawn(): boolean {
    return this.#isWithdrawn
  }

  withdraw(): void {
    this.#isWithdrawn = true
    this.#leaveLine?.()
  }

  /** Waits until `go` is called; `enter` returns what forgets it. Rejects when it is withdrawn. */
  wait(enter: (go: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isWithdrawn) return reject(WITHDRAWN)
      const forget = enter(() => {
        this.#leaveLine = undefined
        resolve()
      })
      this.#leaveLine = () => {
        forget()
        reject(WITHDRAWN)
      }
    })
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof SpawnError && error.passing
}
