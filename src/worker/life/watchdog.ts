import { toError } from '../../base/errors.ts'
import { type Clock, Timers } from '../../base/clock.ts'
import type { ExitCause, LimitName } from '../../base/exit.ts'
import type { AppliedLimits } from '../../process/limits.ts'
import type { WorkerPlan } from '../spec.ts'

const LATE = new Error('no answer')

/** Whom it watches, and who ends it. */
export interface Watched {
  readonly clock: Clock
  readonly self: any
  /** The first cause counts. */
  fail(cause: ExitCause): void
}

/** Watches one life for what ends it: the limits the master enforces by itself, and its sign of life. */
export class Watchdog {
  readonly #watched: Watched
  readonly #limits: AppliedLimits
  readonly #timers: Timers
  #outputBytes = 0
  #outputAt = 0

  constructor(watched: Watched, limits: AppliedLimits) {
    this.#watched = watched
    this.#limits = limits
    this.#timers = new Timers(watched.clock)
  }

  /** The process exists from now on. */
  start(): void {
    const { wallTime, idle } = this.#limits
    const startedAt = this.#watched.clock.now()
    this.#outputAt = startedAt
    if (wallTime !== undefined)
      this.#timers.after(wallTime.max, () => this.#break('wallTime', this.#watched.clock.now() - startedAt))
    if (idle !== undefined) this.#watchIdle(idle.max)
  }

  /** It has written something. */
  output(bytes: number): void {
    const { output, idle } = this.#limits
    this.#outputBytes += bytes
    if (idle !== undefined) this.#outputAt = this.#watched.clock.now()
    if (output !== undefined && this.#outputBytes > output.max) this.#break('output', this.#outputBytes)
  }

  /** Asks again and again, one question at a time. */
  watchAlive(alive: NonNullable<WorkerPlan['alive']>): void {
    this.#timers.after(alive.every, () => void this.#checkAlive(alive))
  }

  /** Ends the worker as `unready` unless the timer is cancelled. */
  watchReady(after: number): { cancel(): void } | undefined {
    return this.#timers.after(after, () => this.#watched.fail({ kind: 'unready', after }))
  }

  cancel(): void {
    this.#timers.cancel()
  }

  #watchIdle(max: number): void {
    const silent = this.#watched.clock.now() - this.#outputAt
    if (silent >= max) this.#break('idle', silent)
    else this.#timers.after(max - silent, () => this.#watchIdle(max))
  }

  #break(limit: LimitName, observed: number): void {
    const applied = this.#limits[limit]
    if (applied !== undefined) this.#watched.fail({ kind: 'limit', limit, observed, ...applied })
  }

  async #checkAlive(alive: NonNullable<WorkerPlan['alive']>): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = this.#timers.after(alive.timeout, () => late.reject(LATE))
    try {
      await Promise.race([alive.check(this.#watched.self), late.promise])
      this.watchAlive(alive)
    } catch (error) {
      const own = error === LATE ? {} : { error: toError(error) }
      this.#watched.fail({ kind: 'unresponsive', after: alive.timeout, ...own })
    } finally {
      timer?.cancel()
    }
  }
}

/** Whether there is anything to watch for. */
export function needsWatching({ ready, alive, limits }: WorkerPlan): boolean {
  return ready !== 'spawn' || alive !== undefined || Object.keys(limits.master).length > 0
}
