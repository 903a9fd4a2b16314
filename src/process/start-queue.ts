import { type Clock, nextTurn, systemClock } from '../base/clock.ts'
import { SpawnError } from '../base/errors.ts'

const FIRST_DELAY = 10
const LONGEST_DELAY = 1000
/** How long a passing failure is put up with, in milliseconds. */
const PATIENCE = 15_000
/** What the starts of one turn of the event loop may take together, in milliseconds: the one that exceeds it is the last. */
const TURN = 1

/**
 * Starts so many processes at a time and no more, gives the event loop a turn whenever they have taken a while, and tries
 * again what failed for want of something that comes back.
 */
export class StartQueue {
  readonly #clock: Clock
  readonly #limit: number
  readonly #line = new Set<StartTicket>()
  #running = 0
  /** When the first start of this turn began, by the machine's own time. */
  #turnBegan: number | undefined

  constructor(clock: Clock, limit: number) {
    this.#clock = clock
    this.#limit = limit
  }

  /** Runs `start` when its turn comes, unless the ticket is withdrawn first: then it rejects with `WITHDRAWN`. */
  async run<T>(start: () => Promise<T>, ticket: StartTicket): Promise<T> {
    if (this.#running < this.#limit) this.#running++
    else await ticket.stand(this.#line)
    try {
      while (!this.#hasTime()) await nextTurn()
      return await this.#persist(start, ticket)
    } finally {
      this.#leave()
    }
  }

  /** The first start of a turn waits for nobody: what crashed is back the sooner. */
  #hasTime(): boolean {
    const now = systemClock.now()
    if (this.#turnBegan !== undefined) return now - this.#turnBegan < TURN
    this.#turnBegan = now
    void nextTurn().then(() => (this.#turnBegan = undefined))
    return true
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
      const timer = this.#clock.after(delay, () => ticket.go())
      await ticket.stand(undefined).finally(() => timer.cancel())
    }
  }

  /** The place goes to the next in line, if there is one. */
  #leave(): void {
    const [next] = this.#line
    if (next === undefined) this.#running--
    else next.go()
  }
}

/** Why a start was not made: nobody wants it any more. */
export const WITHDRAWN = new Error('the start was withdrawn')

/** The right to one start. Thousands may wait at once, so it is lighter than an AbortController. */
export class StartTicket {
  #isWithdrawn = false
  #line: Set<StartTicket> | undefined
  #waiting: PromiseWithResolvers<void> | undefined

  get isWithdrawn(): boolean {
    return this.#isWithdrawn
  }

  withdraw(): void {
    this.#isWithdrawn = true
    this.#line?.delete(this)
    this.#waiting?.reject(WITHDRAWN)
  }

  /** Waits, in a line or for its own sake, until somebody says `go`. Rejects when it is withdrawn. */
  stand(line: Set<StartTicket> | undefined): Promise<void> {
    if (this.#isWithdrawn) return Promise.reject(WITHDRAWN)
    this.#waiting = Promise.withResolvers<void>()
    this.#line = line?.add(this)
    return this.#waiting.promise
  }

  go(): void {
    this.#line?.delete(this)
    this.#waiting?.resolve()
    this.#waiting = this.#line = undefined
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof SpawnError && error.passing
}
