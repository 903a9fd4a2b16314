import { checkKeys } from '../base/options.ts'
import { type Millis, parseMillis } from '../base/units.ts'

/** The wait before a restart: `min`, times `factor` for each further one, at most `max`. */
export interface Backoff {
  /** @default '100ms' */
  readonly min: Millis
  /** @default '10s' */
  readonly max: Millis
  /** @default 2 */
  readonly factor?: number | undefined
  /** The random share: 1 is anything from 0 to the wait ("full jitter"), 0 is exactly the wait. @default 1 */
  readonly jitter?: number | undefined
}

/** A `Backoff` with every value read. */
export interface BackoffPlan {
  readonly min: number
  readonly max: number
  readonly factor: number
  readonly jitter: number
}

const DEFAULT_BACKOFF: BackoffPlan = { min: 100, max: 10_000, factor: 2, jitter: 1 }

/** @throws RangeError, TypeError */
export function planBackoff(backoff?: Partial<Backoff>): BackoffPlan {
  if (backoff === undefined) return DEFAULT_BACKOFF
  checkKeys(backoff, ['min', 'max', 'factor', 'jitter'], 'Cannot use the backoff')
  const { factor = DEFAULT_BACKOFF.factor, jitter = DEFAULT_BACKOFF.jitter } = backoff
  const min = parseMillis(backoff.min ?? DEFAULT_BACKOFF.min, 'backoff.min')
  const max = parseMillis(backoff.max ?? DEFAULT_BACKOFF.max, 'backoff.max')
  if (min > max) throw new RangeError(`Cannot use backoff.min ${min}ms: it is above backoff.max ${max}ms`)
  return { min, max, factor: readFactor(factor), jitter: readShare(jitter) }
}

/** One wait of a series. */
export interface BackoffStep {
  /** Milliseconds. */
  readonly after: number
  /** Counts from 1 since the child last was stable. */
  readonly attempt: number
  /** The wait could not grow any more: this restart is announced like the one before. */
  readonly repeated: boolean
}

/** The waits of one child, one after the other. */
export class BackoffSteps {
  readonly #plan: BackoffPlan
  #attempt = 0

  constructor(plan: BackoffPlan) {
    this.#plan = plan
  }

  /** `dice` from 0 to 1. */
  next(dice: number): BackoffStep {
    const wait = this.#wait(this.#attempt)
    const repeated = this.#attempt > 0 && wait === this.#wait(this.#attempt - 1)
    return { after: wait * (1 - this.#plan.jitter * dice), attempt: ++this.#attempt, repeated }
  }

  /** The child has proved that it works: the next wait is short again. */
  reset(): void {
    this.#attempt = 0
  }

  /** The factor of a long series is infinite, and nothing times that is not a number. */
  #wait(attempt: number): number {
    const { min, max, factor } = this.#plan
    return min === 0 ? 0 : Math.min(max, min * factor ** attempt)
  }
}

function readFactor(value: number): number {
  if (Number.isFinite(value) && value >= 1) return value
  throw new RangeError(`Cannot use ${String(value)} as backoff.factor: expected a number from 1`)
}

function readShare(value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new RangeError(`Cannot use ${String(value)} as backoff.jitter: expected a number from 0 to 1`)
}
