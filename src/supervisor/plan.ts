import type { Exit } from '../base/exit.ts'
import type { Restart } from './child.ts'
import { comesBack } from './restart-policy.ts'

/**
 * Who is restarted with a child that has failed: nobody else, all, or those started after it.
 *
 * OTP's `one_for_one`, `one_for_all` and `rest_for_one`; a `simple_one_for_one` is a one-for-one whose children are added.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** Whether a supervisor ends when a significant child has ended by itself: never, with the first, with the last (OTP). */
export type AutoShutdown = 'never' | 'any-significant' | 'all-significant'

/** What the plan has to know of a supervisor. */
export interface Rules {
  readonly strategy: Strategy
  readonly autoShutdown: AutoShutdown
}

/** What the plan has to know of a child. */
export interface PlannedChild {
  readonly restart: Restart
  readonly significant: boolean
  /** It lives, or waits for its restart. */
  readonly up: boolean
}

/** The end of a life that nobody had asked for. */
export interface Ending {
  readonly exit: Pick<Exit, 'kind'>
  /** Whether it had been ready. */
  readonly ready: boolean
}

/** Who is stopped and then who is started, both in that order. */
export interface Regrouping<C> {
  readonly stop: readonly C[]
  readonly start: readonly C[]
}

/** What follows from an end. */
export type Plan<C> =
  | ({ readonly action: 'restart' } & Regrouping<C>)
  /** A temporary child is forgotten. */
  | { readonly action: 'stay-down' }
  /** The supervisor ends in order. */
  | { readonly action: 'shut-down' }

/**
 * OTP's rules, and all of them: what follows when `ended`, one of `children` (in the order of their start), has ended by
 * itself. How often is the business of the budget.
 */
export function planAfter<C extends PlannedChild>(
  rules: Rules,
  children: Iterable<C>,
  ended: C,
  ending: Ending,
): Plan<C> {
  if (ending.ready ? comesBack(ended.restart, ending.exit) : !isIgnored(ended, ending)) {
    return regroup(rules.strategy, children, ended)
  }
  return ending.ready && endsAll(rules.autoShutdown, children, ended)
    ? { action: 'shut-down' }
    : { action: 'stay-down' }
}

/**
 * A child that ends in order before it was ready has nothing to do, and says so: OTP's `ignore`. A permanent one has
 * promised to be there.
 */
export function isIgnored({ restart }: Pick<PlannedChild, 'restart'>, { exit, ready }: Ending): boolean {
  return !ready && restart !== 'permanent' && (exit.kind === 'normal' || exit.kind === 'stopped')
}

function regroup<C extends PlannedChild>(strategy: Strategy, children: Iterable<C>, ended: C): Plan<C> {
  if (strategy === 'one-for-one') return { action: 'restart', stop: [], start: [ended] }
  const all = [...children]
  const group = strategy === 'one-for-all' ? all : all.slice(all.indexOf(ended))
  return {
    action: 'restart',
    stop: group.filter((child) => child !== ended && child.up).toReversed(),
    // A temporary child is never started again, not even when it had to go for somebody else's sake.
    start: group.filter((child) => child.restart !== 'temporary'),
  }
}

function endsAll<C extends PlannedChild>(autoShutdown: AutoShutdown, children: Iterable<C>, ended: C): boolean {
  if (autoShutdown === 'never' || !ended.significant) return false
  if (autoShutdown === 'any-significant') return true
  for (const child of children) if (child !== ended && child.significant && child.up) return false
  return true
}
