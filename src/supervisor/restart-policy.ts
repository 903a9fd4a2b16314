import { type Exit, isAbnormal } from '../base/exit.ts'
import { type Backoff, type BackoffPlan, type BackoffStep, BackoffSteps, planBackoff } from './backoff.ts'
import type { Restart } from './child.ts'
import { type Intensity, type IntensityPlan, RestartBudget, isCharged, planIntensity } from './intensity.ts'

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
  readonly #intensity: IntensityPlan
  readonly #waits: BackoffPlan
  /** What it remembers; nothing, until somebody fails who comes back. */
  #memory: { readonly budget: RestartBudget; readonly backoff: BackoffSteps } | undefined

  /** @throws RangeError, TypeError */
  constructor(options: RestartOptions, fallback: Restart) {
    this.#intensity = planIntensity(options.intensity)
    this.#restart = readRestart(options.restart ?? fallback)
    this.#waits = planBackoff(options.backoff)
  }

  /** `now` in milliseconds of a monotonic clock, `dice` from 0 to 1. */
  decide(exit: Exit, now: number, dice: number): RestartDecision {
    if (!comesBack(this.#restart, exit)) return { action: 'finish' }
    const { budget, backoff } = (this.#memory ??= {
      budget: new RestartBudget(this.#intensity),
      backoff: new BackoffSteps(this.#waits),
    })
    if (isCharged(exit) && !budget.charge(exit, now)) return this.#giveUp(budget)
    if (exit.uptime >= this.#intensity.within) backoff.reset()
    return { action: 'restart', ...backoff.next(dice) }
  }

  /** The child has proved that it works: the next wait starts small again. */
  proved(): void {
    this.#memory?.backoff.reset()
  }

  #giveUp({ exits }: RestartBudget): RestartDecision {
    this.#memory = undefined
    return { action: 'give-up', exits }
  }
}
