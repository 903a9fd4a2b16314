import { SpawnError } from '../base/errors.ts'
import { type Exit, originOf } from '../base/exit.ts'
import { checkKeys, readWhole } from '../base/options.ts'
import { Ring } from '../base/queues/ring.ts'
import { type Millis, parseMillis } from '../base/units.ts'

/** How many restarts within how long are borne: OTP's intensity and period, with Elixir's defaults. */
export interface Intensity {
  /** @default 3 */
  readonly restarts: number
  /** @default '5s' */
  readonly within: Millis
}

/** An `Intensity` with every value read. */
export interface IntensityPlan {
  readonly restarts: number
  readonly within: number
}

const DEFAULT_INTENSITY: IntensityPlan = { restarts: 3, within: 5000 }

/** @throws RangeError, TypeError */
export function planIntensity(intensity?: Partial<Intensity>): IntensityPlan {
  if (intensity === undefined) return DEFAULT_INTENSITY
  checkKeys(intensity, ['restarts', 'within'], 'Cannot use the intensity')
  const restarts = readWhole(intensity.restarts ?? DEFAULT_INTENSITY.restarts, 'intensity.restarts', 0)
  const window = parseMillis(intensity.within ?? DEFAULT_INTENSITY.within, 'intensity.within')
  if (window > 0) return { restarts, within: window }
  throw new RangeError(
    'Cannot use 0 as intensity.within: in no time nothing is too often; to bear any number raise restarts',
  )
}

/** So many exits are kept to explain a give-up: each holds the last output of its life. */
const EXITS_KEPT = 32

/**
 * Counts failures in a sliding window.
 *
 * A failure is counted when it happens, not when its restart is done: a slow start or stop cannot escape the budget,
 * as it can in OTP (erlang/otp PR 1287).
 */
export class RestartBudget {
  readonly #plan: IntensityPlan
  readonly #times = new Ring<number>()
  readonly #exits = new Ring<Exit>()

  constructor(plan: IntensityPlan) {
    this.#plan = plan
  }

  /** Whether one more failure is borne. `now` in milliseconds of a monotonic clock. */
  charge(exit: Exit, now: number): boolean {
    this.#times.push(now)
    for (let at = this.#times.peek(); at !== undefined && now - at >= this.#plan.within; at = this.#times.peek())
      this.#times.shift()
    this.#exits.push(exit)
    if (this.#exits.length > EXITS_KEPT) this.#exits.shift()
    return this.#times.length <= this.#plan.restarts
  }

  /** The last exits that were charged and still count, the oldest first: 32 at most. */
  get exits(): readonly Exit[] {
    return [...this.#exits].slice(-Math.max(1, this.#times.length))
  }

  /** Nothing has happened yet. */
  clear(): void {
    this.#times.clear()
    this.#exits.clear()
  }
}

/**
 * Whether a failure is charged to the budget: what the system was short of is no fault of the child, and passes. Nor is it
 * one of the supervisors above it.
 */
export function isCharged(exit: Exit): boolean {
  const origin = originOf(exit)
  return !(origin.kind === 'crashed' && origin.error instanceof SpawnError && origin.error.passing)
}
