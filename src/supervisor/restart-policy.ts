import { type Exit, isAbnormal } from '../base/exit.ts'
import { type Backoff, type BackoffStep, BackoffSteps, planBackoff } from './backoff.ts'
import type { Restart } from './child.ts'
import { type Intensity, RestartBudget, isCharged, planIntensity } from './intensity.ts'

export interface RestartOptions {
  readonly restart?: Restart | undefined
  readonly backoff?: Partial<Backoff> | undefined
  readonly intensity?: Partial<Intensity> | undefined
}

/** What to do after an exit. */
export type RestartDecision =
  | ({ readonly action: 'restart' } & BackoffStep)
  | { readonly action: 'give-up'; readonly exits: readonly Exit[] }
  | { readonly action: 'finish' }

/** Whether a child of that kind is started again after this exit: OTP's table, with `stopped` for its `shutdown`. */
export function comesBack(restart: Restart, exit: Pick<Exit, 'kind'>): boolean {
  return restart === 'permanent' || (restart === 'transient' && isAbnormal(exit))
}

/** @throws TypeError */
export function readRestart(value: unknown): Restart {
  if (value === 'permanent' || value === 'transient' || value === 'temporary') return value
  throw new TypeError(
    `Cannot use ${JSON.stringify(value)} as restart: expected 'permanent', 'transient' or 'temporary'`,
  )
}

/**
 * Decides after each exit of one child that has a budget of its own: a supervisor of one. Pure but for what it
 * remembers; knows neither clock nor dice.
 */
export class RestartPolicy {
  readonly #restart: Restart
  readonly #within: number
  readonly #budget: RestartBudget
  readonly #backoff: BackoffSteps

  /** @throws RangeError, TypeError */
  constructor(options: RestartOptions, fallback: Restart) {
    const intensity = planIntensity(options.intensity)
    this.#restart = readRestart(options.restart ?? fallback)
    this.#within = intensity.within
    this.#budget = new RestartBudget(intensity)
    this.#backoff = new BackoffSteps(planBackoff(options.backoff))
  }

  /** `now` in milliseconds of a monotonic clock, `dice` from 0 to 1. */
  decide(exit: Exit, now: number, dice: number): RestartDecision {
    if (!comesBack(this.#restart, exit)) return { action: 'finish' }
    if (isCharged(exit) && !this.#budget.charge(exit, now)) return this.#giveUp()
    if (exit.uptime >= this.#within) this.proved()
    return { action: 'restart', ...this.#backoff.next(dice) }
  }

  /** The child has proved that it works: the next wait starts small again. */
  proved(): void {
    this.#backoff.reset()
  }

  #giveUp(): RestartDecision {
    const { exits } = this.#budget
    this.#budget.clear()
    this.#backoff.reset()
    return { action: 'give-up', exits }
  }
}
