import type { Exit } from '../base/exit.ts'
import { checkKeys, said } from '../base/options.ts'
import { type Millis, parseMillis } from '../base/units.ts'
import type { Framing } from '../framing/framing.ts'
import { lines } from '../framing/lines.ts'
import { checkEnvironment } from '../process/command.ts'
import { type Launcher, checkLauncher } from '../process/launcher.ts'
import { type Shutdown, type ShutdownPlan, planShutdown } from '../process/ladder.ts'
import type { Propagate } from '../rpc/messages.ts'
import type { Restart } from '../supervisor/child.ts'
import type { Backoff } from '../supervisor/backoff.ts'
import type { Intensity } from '../supervisor/intensity.ts'
import { RestartPolicy } from '../supervisor/restart-policy.ts'
import { type Limits, type LimitsPlan, planLimits } from '../process/limits.ts'
import type { Worker } from './worker.ts'

/**
 * When a worker counts as usable: at once, at its first message, at a line that matches (of stderr, or a message that is
 * text), or when your probe says so.
 */
export type Ready<In = any, Out = any> =
  | 'spawn'
  | 'first-message'
  | RegExp
  | ((worker: Worker<In, Out>) => Promise<void>)

/** How a worker is asked, again and again, whether it still answers. */
export interface Alive<In = any, Out = any> {
  /** Pause between two checks. */
  readonly every: Millis
  /** How long one check may take. */
  readonly timeout: Millis
  /** Rejecting, or taking too long, ends the worker as `unresponsive`. */
  readonly check: (worker: Worker<In, Out>) => Promise<void>
}

/** Everything there is to say about a worker but its command. */
export interface WorkerSpec<In = string, Out = In> {
  /** @default the master's */
  readonly cwd?: string | URL | undefined
  /** Added to the master's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The only variables of the master's environment it gets; for programs that must not see its secrets. @default all */
  readonly inheritEnv?: readonly string[] | undefined
  /** How its messages are written on stdin and stdout. @default lines() */
  readonly framing?: Framing<In, Out> | undefined
  /**
   * Called for each message, in order. A returned promise holds the next message back, and in the end the pipe.
   * Throwing ends the worker as `crashed` in `onMessage`, and its restart policy decides.
   */
  readonly onMessage?: ((message: In, worker: Worker<In, Out>) => void | Promise<void>) | undefined
  /** Called once per incarnation, after its last message was dealt with. */
  readonly onExit?: ((exit: Exit, worker: Worker<In, Out>) => void) | undefined
  /** Called for each line of stderr. @default kept as a tail of 4 KiB */
  readonly onStderr?: ((line: string, worker: Worker<In, Out>) => void) | undefined
  /** `'inherit'` gives it the master's stdin: nothing can be sent. @default a pipe */
  readonly stdin?: 'inherit' | undefined
  /** @default read as messages */
  readonly stdout?: 'ignore' | 'inherit' | undefined
  /** @default 'tail' */
  readonly stderr?: 'tail' | 'inherit' | 'ignore' | undefined
  /** @default 'spawn' */
  readonly ready?: Ready<In, Out> | undefined
  /** @default '30s' */
  readonly readyTimeout?: Millis | undefined
  readonly alive?: Alive<In, Out> | undefined
  /** @default 'temporary' under a Master */
  readonly restart?: Restart | undefined
  /** @default 100ms, doubling to 10s, full jitter */
  readonly backoff?: Backoff | undefined
  /** @default 3 restarts in 5s */
  readonly intensity?: Intensity | undefined
  /** @default EOF, 2s, SIGTERM, 3s, SIGKILL */
  readonly shutdown?: Shutdown | undefined
  readonly limits?: Limits | undefined
  /** @default the master's */
  readonly launcher?: Launcher | undefined
  /**
   * Asked at each of its starts, and at each call of it, for what is to go with that: the context of the trace that is active then.
   * At a start it is put into its environment (`traceparent` as `TRACEPARENT`), below what `env` says; with a call it is
   * `_meta`, which `currentCall().meta` shows there. `traceContext` of `pagent/otel` is one. @default nothing
   */
  readonly propagate?: Propagate | undefined
}

/** A spec whose every value was read and found good. */
export interface WorkerPlan {
  readonly spec: WorkerSpec<any, any>
  readonly framing: Framing<any, any>
  readonly ready: Ready
  readonly readyTimeout: number
  readonly alive: { readonly every: number; readonly timeout: number; readonly check: Alive['check'] } | undefined
  readonly policy: RestartPolicy
  readonly shutdown: ShutdownPlan
  readonly limits: LimitsPlan
}

/** One for all who name none, so that a broadcast encodes once. */
export const DEFAULT_FRAMING = lines()

const OPTIONS: readonly (keyof WorkerSpec)[] = [
  'cwd',
  'env',
  'inheritEnv',
  'framing',
  'onMessage',
  'onExit',
  'onStderr',
  'stdin',
  'stdout',
  'stderr',
  'ready',
  'readyTimeout',
  'alive',
  'restart',
  'backoff',
  'intensity',
  'shutdown',
  'limits',
  'launcher',
  'propagate',
]

/** The words an option knows, beside undefined. */
const STREAMS = { stdin: ['inherit'], stdout: ['ignore', 'inherit'], stderr: ['tail', 'inherit', 'ignore'] } as const

/** @throws TypeError for what cannot be the beginning of a spec. */
export function checkDefaults(defaults: WorkerSpec<any, any>): void {
  checkKeys(defaults, OPTIONS, 'Cannot use the defaults of a master')
}

/**
 * A worker's own part of its spec over that of its master. What is left undefined is that of the master.
 *
 * @throws TypeError
 */
export function mergeSpecs(
  worker: string,
  defaults: WorkerSpec<any, any>,
  own: WorkerSpec<any, any>,
): WorkerSpec<any, any> {
  checkKeys(own, OPTIONS, `Cannot start worker "${worker}"`)
  // Before they are put together: a list would become variables named 0 and 1.
  for (const { env } of [defaults, own]) checkEnvironment(worker, env)
  const merged: WorkerSpec<any, any> = { ...defaults, ...said(own) }
  return defaults.env === undefined ? merged : { ...merged, env: { ...defaults.env, ...own.env } }
}

/**
 * Checks a spec at the door.
 *
 * @throws TypeError, RangeError
 */
export function planWorker(worker: string, spec: WorkerSpec<any, any>): WorkerPlan {
  const bad = (why: string): TypeError => new TypeError(`Cannot start worker "${worker}": ${why}`)
  checkKeys(spec, OPTIONS, `Cannot start worker "${worker}"`)
  checkStreams(spec, bad)
  if (spec.launcher !== undefined) checkLauncher(spec.launcher, `Cannot start worker "${worker}"`)
  for (const key of ['onMessage', 'onExit', 'onStderr', 'propagate'] as const) {
    if (spec[key] !== undefined && typeof spec[key] !== 'function') throw bad(`${key} must be a function`)
  }
  return {
    spec,
    framing: readFraming(spec.framing, bad),
    ready: readReady(spec, bad),
    readyTimeout: parseMillis(spec.readyTimeout ?? 30_000, 'readyTimeout'),
    alive: readAlive(spec.alive),
    policy: new RestartPolicy(spec, 'temporary'),
    shutdown: planShutdown(spec.shutdown),
    limits: planLimits(worker, spec.limits),
  }
}

function checkStreams(spec: WorkerSpec<any, any>, bad: (why: string) => TypeError): void {
  for (const [key, words] of Object.entries(STREAMS) as ['stdin', readonly string[]][]) {
    const value: string | undefined = spec[key]
    if (value === undefined || words.includes(value)) continue
    throw bad(`${key} cannot be ${JSON.stringify(value)}; expected ${words.map((word) => `'${word}'`).join(' or ')}`)
  }
  const unread = spec.stderr !== undefined && spec.stderr !== 'tail'
  if (unread && spec.onStderr !== undefined)
    throw bad(`onStderr gets nothing with stderr '${spec.stderr}'; leave one out`)
  if (spec.stdout !== undefined && spec.onMessage !== undefined) {
    throw bad(`onMessage gets nothing with stdout '${spec.stdout}'; leave one out`)
  }
}

function readFraming(framing: unknown, bad: (why: string) => TypeError): Framing<any, any> {
  if (framing === undefined) return DEFAULT_FRAMING
  const { decoder, encode } = (framing ?? {}) as Partial<Framing<any, any>>
  if (typeof decoder === 'function' && typeof encode === 'function') return framing as Framing<any, any>
  throw bad('framing must be a framing, such as lines() or json() with the parentheses')
}

function readReady(spec: WorkerSpec<any, any>, bad: (why: string) => TypeError): Ready {
  const { ready = 'spawn' } = spec
  const known = ready === 'spawn' || ready === 'first-message' || typeof ready === 'function' || ready instanceof RegExp
  if (!known)
    throw bad(`ready cannot be ${JSON.stringify(ready)}; expected 'spawn', 'first-message', a RegExp or a function`)
  const silent = spec.stdout !== undefined
  if (
    silent &&
    (ready === 'first-message' || (ready instanceof RegExp && spec.stderr !== undefined && spec.stderr !== 'tail'))
  ) {
    throw bad(`ready ${String(ready)} can never come true: its output is not read`)
  }
  return ready
}

function readAlive(alive: Alive | undefined): WorkerPlan['alive'] {
  if (alive === undefined) return undefined
  if (typeof alive.check !== 'function')
    throw new TypeError('Cannot use alive without a check: give a function that asks the worker')
  return {
    every: parseMillis(alive.every, 'alive.every'),
    timeout: parseMillis(alive.timeout, 'alive.timeout'),
    check: alive.check,
  }
}
