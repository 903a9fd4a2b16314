import { constants } from 'node:os'
import type { Clock } from '../base/clock.ts'
import type { StopStep } from '../base/exit.ts'
import { checkKeys, said, shown } from '../base/options.ts'
import { type Millis, parseMillis } from '../base/units.ts'

/**
 * How a worker is asked to leave. Each rung is tried for its time, then the next: farewell message → end of its
 * stdin → `killSignal` to its tree → SIGKILL to its tree.
 *
 * The order is MCP's (close stdin, SIGTERM, SIGKILL), with LSP's farewell before it.
 */
export interface Shutdown {
  /** A message that asks it to end, or a function that does, where it takes more than one. @default none */
  readonly farewell?: unknown
  /** How long it may take after the farewell, and again after the end of its stdin. 0 skips both. @default '2s' */
  readonly eof?: Millis | undefined
  /** @default 'SIGTERM' */
  readonly killSignal?: NodeJS.Signals | undefined
  /** How long it may take after `killSignal`, before SIGKILL. 0 skips the signal. @default '3s' */
  readonly grace?: Millis | undefined
}

/** A `Shutdown` with every value read. */
export interface ShutdownPlan {
  readonly farewell: unknown
  readonly eof: number
  readonly killSignal: NodeJS.Signals
  readonly grace: number
}

/**
 * Reads a shutdown; what `own` does not say, `base` does.
 *
 * @throws RangeError, TypeError
 */
export function planShutdown(own?: Shutdown, base?: Shutdown): ShutdownPlan {
  if (own === undefined && base === undefined) return DEFAULT_SHUTDOWN
  return readShutdown(own ?? {}, base ?? {})
}

const DEFAULT_SHUTDOWN: ShutdownPlan = { farewell: undefined, eof: 2000, killSignal: 'SIGTERM', grace: 3000 }

function readShutdown(own: Shutdown, base: Shutdown): ShutdownPlan {
  checkKeys(own, ['farewell', 'eof', 'killSignal', 'grace'], 'Cannot use the shutdown')
  const { farewell, eof, killSignal, grace } = { ...DEFAULT_SHUTDOWN, ...said(base), ...said(own) }
  checkSignal(killSignal, 'shutdown.killSignal')
  return { farewell, eof: parseMillis(eof, 'shutdown.eof'), killSignal, grace: parseMillis(grace, 'shutdown.grace') }
}

/** @throws TypeError for a signal this system does not know. `what` says in the error what it was given as. */
export function checkSignal(signal: unknown, what: string): void {
  if (typeof signal === 'string' && Object.hasOwn(constants.signals, signal)) return
  throw new TypeError(`Cannot use ${shown(signal)} as ${what}: expected a signal such as 'SIGINT'`)
}

/** What the ladder does to a process. */
export interface Rungs {
  farewell(message: unknown): void
  endInput(): void
  kill(killSignal: NodeJS.Signals): void
  /** Resolves when the process has ended. */
  readonly exited: Promise<unknown>
}

/** What SIGKILL has not ended by then, nothing will: a process that hangs in the kernel, or belongs to another user now. */
const AFTER_KILL = 5000

/** Which of two rungs is tried later. */
export function heightOf(step: StopStep | undefined): number {
  if (step === undefined) return -1
  const height = ['farewell', 'eof'].indexOf(step)
  return height >= 0 ? height : step === 'SIGKILL' ? 3 : 2
}

/** Climbs until the process has ended; false when nothing can end it. `onStep` hears of each rung before it is tried. */
export async function climb(
  rungs: Rungs,
  plan: ShutdownPlan,
  clock: Clock,
  onStep: (step: StopStep) => void,
): Promise<boolean> {
  const tryFor = (step: StopStep, ms: number, act: () => void): Promise<boolean> => {
    onStep(step)
    act()
    return settledWithin(rungs.exited, ms, clock)
  }
  if (plan.farewell !== undefined && plan.eof > 0) {
    if (await tryFor('farewell', plan.eof, () => rungs.farewell(plan.farewell))) return true
  }
  if (plan.eof > 0 && (await tryFor('eof', plan.eof, () => rungs.endInput()))) return true
  if (plan.grace > 0 && (await tryFor(plan.killSignal, plan.grace, () => rungs.kill(plan.killSignal)))) return true
  return tryFor('SIGKILL', AFTER_KILL, () => rungs.kill('SIGKILL'))
}

/** Whether the promise settles in time. Leaves no timer behind. */
function settledWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(false))
    const settled = (): void => {
      timer.cancel()
      resolve(true)
    }
    promise.then(settled, settled)
  })
}
