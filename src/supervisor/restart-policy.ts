import { type Exit, isAbnormal } from '../base/exit.ts'
import { type Millis, parseMillis } from '../base/units.ts'
import type { Restart } from './child.ts'

/** How many restarts within how long are borne: OTP's intensity and period, with Elixir's defaults. */
export interface Intensity {
  /** @default 3 */
  readonly restarts: number
  /** @default '5s' */
  readonly within: Millis
}

/** The wait before a restart: `min`, times `factor` for each further one, at most `max`. */
export interface Backoff {
  /** @default '100ms' */
  readonly min: Millis
  /** @default '10s' */
  readonly max: Millis
  /** @default 2 */
  readonly factor?: number
  /** The random share: 1 is anything from 0 to the wait ("full jitter"), 0 is exactly the wait. @default 1 */
  readonly jitter?: number
}

export interface RestartOptions {
  readonly restart?: Restart | undefined
  readonly backoff?: Backoff | undefined
  readonly intensity?: Intensity | undefined
}

/** What to do after an exit. */
export type RestartDecision =
  | { readonly action: 'restart'; readonly after: number; readonly attempt: number }
  | { readonly action: 'give-up'; readonly exits: readonly Exit[] }
  | { readonly action: 'finish' }

/**
 * Decides after each exit of one child. Pure but for what it remembers; knows neither clock nor dice.
 *
 * Failures are counted when they happen, not when the restart is done, so that a slow restart cannot escape its budget.
 */
export class RestartPolicy {
  readonly #restart: Restart
  readonly #allowed: number
  readonly #within: number
  readonly #min: number
  readonly #max: number
  readonly #factor: number
  readonly #jitter: number
  #failures: { readonly at: number; readonly exit: Exit }[] = []
  #attempt = 0

  /** @throws RangeError, TypeError */
  constructor(options: RestartOptions, fallback: Restart) {
    this.#restart = readRestart(options.restart ?? fallback)
    this.#allowed = readCount(options.intensity?.restarts ?? 3, 'intensity.restarts')
    this.#within = parseMillis(options.intensity?.within ?? 5000, 'intensity.within')
    this.#min = parseMillis(options.backoff?.min ?? 100, 'backoff.min')
    this.#max = parseMillis(options.backoff?.max ?? 10_000, 'backoff.max')
    this.#factor = readAtLeast(options.backoff?.factor ?? 2, 1, 'backoff.factor')
    this.#jitter = readShare(options.backoff?.jitter ?? 1)
    if (this.#min > this.#max)
      throw new RangeError(`Cannot use backoff.min ${this.#min}ms: it is above backoff.max ${this.#max}ms`)
  }

  /** `now` in milliseconds of a monotonic clock, `dice` from 0 to 1. */
  decide(exit: Exit, now: number, dice: number): RestartDecision {
    if (!this.#wants(exit)) return { action: 'finish' }
    this.#failures = this.#failures.filter((failure) => now - failure.at < this.#within)
    this.#failures.push({ at: now, exit })
    if (this.#failures.length > this.#allowed) return this.#giveUp()
    if (exit.uptime >= this.#within) this.#attempt = 0
    const wait = this.#wait(this.#attempt++)
    return { action: 'restart', attempt: this.#attempt, after: wait * (1 - this.#jitter * dice) }
  }

  /** The child has proved that it works: the next wait starts small again. */
  proved(): void {
    this.#attempt = 0
  }

  /** The factor of a long series is infinite, and nothing times that is not a number. */
  #wait(attempt: number): number {
    return this.#min === 0 ? 0 : Math.min(this.#max, this.#min * this.#factor ** attempt)
  }

  #wants(exit: Exit): boolean {
    return this.#restart === 'permanent' ? exit.kind !== 'stopped' : this.#restart === 'transient' && isAbnormal(exit)
  }

  #giveUp(): RestartDecision {
    const exits = this.#failures.map((failure) => failure.exit)
    this.#failures = []
    this.#attempt = 0
    return { action: 'give-up', exits }
  }
}

function readRestart(value: unknown): Restart {
  if (value === 'permanent' || value === 'transient' || value === 'temporary') return value
  throw new TypeError(
    `Cannot use ${JSON.stringify(value)} as restart: expected 'permanent', 'transient' or 'temporary'`,
  )
}

function readCount(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 0) return value
  throw new RangeError(`Cannot use ${String(value)} as ${what}: expected a whole number from 0`)
}

function readAtLeast(value: number, least: number, what: string): number {
  if (Number.isFinite(value) && value >= least) return value
  throw new RangeError(`Cannot use ${String(value)} as ${what}: expected a number from ${least}`)
}

function readShare(value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new RangeError(`Cannot use ${String(value)} as backoff.jitter: expected a number from 0 to 1`)
}
