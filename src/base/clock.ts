/** A running timer. Cancelling one that has fired, or twice, does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * The only source of time above floor 0, so that a test can turn it by hand.
 *
 * `now` is monotonic: setting the wall clock moves no window, backoff or deadline.
 */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number
  /** Milliseconds since 1970, for people. */
  date(): number
  /** Calls `fire` once, after `ms`. An `Infinity` never fires. */
  after(ms: number, fire: () => void): Timer
}

const NEVER: Timer = { cancel: () => {} }
/** Node fires a longer timer at once. */
const LONGEST = 2 ** 31 - 1

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  after(ms, fire) {
    if (ms > LONGEST) return ms === Infinity ? NEVER : inStages(ms, fire)
    const handle = setTimeout(fire, ms)
    return { cancel: () => clearTimeout(handle) }
  },
}

/** One timer after the other, for what is weeks away. */
function inStages(ms: number, fire: () => void): Timer {
  let stage = systemClock.after(LONGEST, () => (stage = systemClock.after(ms - LONGEST, fire)))
  return { cancel: () => stage.cancel() }
}

/** Resolves after `ms`, or rejects with `signal.reason`. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error)
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason as Error)
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** When something began: a date for people, and its age by a clock that nobody can set. */
export class Since {
  /** Milliseconds since 1970. */
  readonly date: number
  readonly #clock: Clock
  readonly #at: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.date = clock.date()
    this.#at = clock.now()
  }

  /** Milliseconds. */
  get age(): number {
    return this.#clock.now() - this.#at
  }
}

/** Calls `fire` after `ms`, unless this process has ended before because there was nothing more to do. */
export function atLatest(ms: number, fire: () => void): void {
  setTimeout(fire, ms).unref()
}

/** Lets the event loop serve everybody else once. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

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
