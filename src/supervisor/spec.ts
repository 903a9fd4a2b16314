import { checkId, checkKeys } from '../base/options.ts'
import { parseMillis } from '../base/units.ts'
import { type BackoffPlan, planBackoff } from './backoff.ts'
import type { Child, ChildOptions, ChildShutdown, ChildSpec, Restart } from './child.ts'
import { type Intensity, type IntensityPlan, planIntensity } from './intensity.ts'
import type { AutoShutdown, Rules, Strategy } from './plan.ts'
import { readRestart } from './restart-policy.ts'

/**
 * Each child after the one started behind it has ended, or all at the same time: OTP's `simple_one_for_one`. Together they take as
 * long as the slowest, one by one as long as all of them.
 */
export type StopOrder = 'one-by-one' | 'together'

/** A supervisor and its children, in the order of their start. */
export interface SupervisorSpec {
  readonly id: string
  /** @default 'one-for-one' */
  readonly strategy?: Strategy
  /** More failures than that and it gives up: OTP's intensity and period, with Elixir's defaults. @default 3 in 5s */
  readonly intensity?: Partial<Intensity>
  /** @default 'never' */
  readonly autoShutdown?: AutoShutdown
  /** How its children leave when it ends; `'together'` for a one-for-one only. @default 'one-by-one' */
  readonly stop?: StopOrder
  readonly children: readonly (Child | ChildSpec)[]
}

/** A `ChildSpec` with every value read. */
export interface ChildPlan {
  readonly child: Child
  readonly restart: Restart
  readonly significant: boolean
  readonly backoff: BackoffPlan
  /** Milliseconds. */
  readonly shutdown: number
}

/** A `SupervisorSpec` with every value read. */
export interface SupervisorPlan {
  readonly id: string
  readonly rules: Rules
  readonly intensity: IntensityPlan
  readonly stop: StopOrder
  readonly children: readonly ChildPlan[]
}

const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']
const AUTO_SHUTDOWNS: readonly AutoShutdown[] = ['never', 'any-significant', 'all-significant']
const STOP_ORDERS: readonly StopOrder[] = ['one-by-one', 'together']
const KEYS: readonly (keyof SupervisorSpec)[] = ['id', 'strategy', 'intensity', 'autoShutdown', 'stop', 'children']
const OPTIONS: readonly (keyof ChildOptions)[] = ['restart', 'significant', 'backoff', 'shutdown']

/**
 * Checks a spec at the door.
 *
 * @throws TypeError, RangeError
 */
export function planSupervisor(spec: SupervisorSpec): SupervisorPlan {
  checkKeys(spec, KEYS, 'Cannot make a supervisor')
  const id = checkId(spec.id, 'supervisor')
  if (id.includes('/')) throw new TypeError(`Cannot name a supervisor "${id}": a slash parts the names of a path`)
  const action = `Cannot make supervisor "${id}"`
  const { strategy = 'one-for-one', autoShutdown = 'never', stop = 'one-by-one', children } = spec
  checkWord(strategy, STRATEGIES, `${action}: strategy`)
  checkWord(autoShutdown, AUTO_SHUTDOWNS, `${action}: autoShutdown`)
  checkWord(stop, STOP_ORDERS, `${action}: stop`)
  if (stop === 'together' && strategy !== 'one-for-one')
    throw new TypeError(`${action}: its children cannot stop together: those of a ${strategy} depend on each other`)
  if (!Array.isArray(children)) throw new TypeError(`${action}: children must be a list`)
  const rules = { strategy, autoShutdown }
  const intensity = planIntensity(spec.intensity)
  return withChildren({ id, rules, intensity, stop, children: [] }, children)
}

/** @throws TypeError, RangeError */
export function withChildren(plan: SupervisorPlan, children: SupervisorSpec['children']): SupervisorPlan {
  const { id, rules } = plan
  const plans = children.map((child) => planChild(id, rules, child))
  checkDistinct(plans, `Cannot make supervisor "${id}"`)
  return { ...plan, children: plans }
}

/**
 * Checks one child at the door.
 *
 * @throws TypeError, RangeError
 */
export function planChild(supervisor: string, rules: Rules, given: Child | ChildSpec): ChildPlan {
  const { child, ...own }: ChildSpec = isSpec(given) ? given : { child: given }
  if (typeof child?.run !== 'function')
    throw new TypeError(
      `Cannot add a child to supervisor "${supervisor}": expected worker(…), supervisor(…), task(…) or { child, restart, … }`,
    )
  const action = `Cannot add child "${checkId(child.id, 'child')}" to supervisor "${supervisor}"`
  checkMisplaced(child, action)
  const options = merge(child.childOptions ?? {}, own)
  checkKeys(options, OPTIONS, action)
  const plan = {
    child,
    restart: readRestart(options.restart ?? 'permanent'),
    significant: readFlag(options.significant ?? false, action),
    backoff: planBackoff(options.backoff),
    shutdown: readShutdown(options.shutdown ?? 5000, action),
  }
  checkSignificant(plan, rules, action)
  return plan
}

/** A child may have a member named `child`; what describes one has no `run`. */
function isSpec(value: Child | ChildSpec): value is ChildSpec {
  return typeof value === 'object' && value !== null && !('run' in value) && 'child' in value
}

/** What the spec leaves undefined, the child's own options say. */
function merge(base: ChildOptions, own: ChildOptions): ChildOptions {
  const said = Object.entries(own).filter(([, value]) => value !== undefined)
  return { ...base, ...Object.fromEntries(said) }
}

/** `{ ...task(…), restart }` would be ignored, and its writer would believe in it. */
function checkMisplaced(child: object, action: string): void {
  for (const [key, value] of Object.entries(child))
    if ((OPTIONS as readonly string[]).includes(key) && typeof value !== 'function')
      throw new TypeError(`${action}: ${key} does not belong to the child; write { child, ${key}: … }`)
}

function readFlag(value: boolean, action: string): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${action}: significant cannot be ${JSON.stringify(value)}; expected true or false`)
}

/** OTP refuses both, too: the first would never come about, the second never matter. */
function checkSignificant({ significant, restart }: ChildPlan, { autoShutdown }: Rules, action: string): void {
  if (!significant) return
  if (restart === 'permanent')
    throw new TypeError(`${action}: a permanent child cannot be significant, it never stays down; make it transient`)
  if (autoShutdown === 'never')
    throw new TypeError(`${action}: it is significant, but autoShutdown is 'never'; choose 'any-significant'`)
}

function readShutdown(value: ChildShutdown, action: string): number {
  if (value === 'brutal-kill') return 0
  if (value === 'infinity') return Infinity
  return parseMillis(value, `shutdown (${action}; 'brutal-kill' and 'infinity' are possible, too)`)
}

function checkDistinct(plans: readonly ChildPlan[], action: string): void {
  const seen = new Set<string>()
  for (const { child } of plans) {
    if (seen.has(child.id)) throw new TypeError(`${action}: two children are named "${child.id}"`)
    seen.add(child.id)
  }
}

function checkWord(value: string, words: readonly string[], what: string): void {
  if (words.includes(value)) return
  throw new TypeError(
    `${what} cannot be ${JSON.stringify(value)}; expected ${words.map((word) => `'${word}'`).join(', ')}`,
  )
}
