import type { Restart } from '../../supervisor/child.ts'
import type { Strategy } from '../../supervisor/plan.ts'
import type { StopOrder } from '../../supervisor/spec.ts'

/**
 * A fleet as it was read, checked and resolved: every name, path and number is final. Plain data, so that a second `up` can
 * send it to the first, and two of them can be compared.
 */
export interface FleetPlan {
  readonly schemaVersion: 1
  readonly name: string
  /** Absolute path of the file it was read from, and its folder. */
  readonly file: string
  readonly folder: string
  /** In the order of start: nothing depends on anything behind it. */
  readonly entries: readonly EntryPlan[]
  readonly log: LogPlan
}

/** What stands at the top of a fleet, or in a group. */
export type EntryPlan = WorkerEntry | GroupEntry | PoolEntry

interface EntryFacts {
  /** Unique in the fleet. */
  readonly id: string
  /** Ids of entries of the same level that must be ready before it starts; a replicated one is named by each replica. */
  readonly dependsOn: readonly string[]
  /** Ids of entries of the same level that must have been started before it, ready or not; where there are any. */
  readonly startsAfter?: readonly string[]
}

/** One worker; one of several replicas is an entry of its own. */
export interface WorkerEntry extends EntryFacts, ProgramPlan {
  readonly kind: 'worker'
  /** What it is a replica of, or its id. */
  readonly service: string
  readonly restart: Restart
  readonly backoff: { readonly min: number; readonly max: number; readonly factor: number; readonly jitter: number }
  readonly intensity: { readonly restarts: number; readonly within: number }
  /** Started by `up`; else only by hand. */
  readonly autostart: boolean
  /** Runs at these times, and is idle between them. */
  readonly schedule: SchedulePlan | undefined
}

/** A program, and what is said about each life of it. Durations in milliseconds, sizes in bytes. */
export interface ProgramPlan {
  readonly file: string
  readonly args: readonly string[]
  /** Absolute. */
  readonly cwd: string
  /** Added to the environment of the fleet; null removes a variable. Env files are merged in already. */
  readonly env: Readonly<Record<string, string | null>>
  /** The only variables it gets of the environment of the fleet; undefined is all. */
  readonly inheritEnv: readonly string[] | undefined
  readonly framing: 'lines' | 'json' | 'json-rpc'
  readonly ready: ReadyPlan
  readonly readyTimeout: number
  readonly alive: AlivePlan | undefined
  readonly shutdown: {
    readonly farewell: unknown
    readonly eof: number
    readonly killSignal: NodeJS.Signals
    readonly grace: number
  }
  readonly limits: LimitsPlan
}

export type ReadyPlan =
  | { readonly when: 'spawn' | 'first-message' }
  /** Source of a regular expression, for a line of stdout or stderr. */
  | { readonly when: 'line'; readonly pattern: string }
  | ({ readonly when: 'probe'; readonly every: number } & ProbePlan)

/** How a worker is asked whether it works. */
export type ProbePlan =
  /** 0 is well. Runs in the worker's folder, with its environment. */
  | { readonly probe: 'command'; readonly file: string; readonly args: readonly string[] }
  /** 200 to 399 is well. */
  | { readonly probe: 'http'; readonly url: string }
  /** Somebody listens there. */
  | { readonly probe: 'tcp'; readonly host: string; readonly port: number }
  /** A call that returns, of a worker that serves calls. */
  | { readonly probe: 'call'; readonly method: string }

export type AlivePlan = ProbePlan & {
  readonly every: number
  readonly timeout: number
  /** So many failures in a row end it as `unresponsive`. */
  readonly retries: number
}

export interface LimitsPlan {
  readonly memory?: number
  readonly cpuTime?: number
  readonly cpus?: number
  readonly wallTime?: number
  readonly idle?: number
  readonly output?: number
  readonly processes?: number
  readonly openFiles?: number
  readonly fileSize?: number
  readonly enforce?: 'best' | 'exact'
}

export interface SchedulePlan {
  /** Five or six fields, as croner reads them. */
  readonly cron: string
  /** IANA name. @default the machine's */
  readonly timezone: string | undefined
  /** What happens when it still runs at its next time. */
  readonly overlap: 'skip' | 'restart'
}

/** Workers under a supervisor of their own. */
export interface GroupEntry extends EntryFacts {
  readonly kind: 'group'
  readonly strategy: Strategy
  readonly stop: StopOrder
  readonly intensity: { readonly restarts: number; readonly within: number }
  readonly children: readonly EntryPlan[]
}

/** Workers that are alike, for calls. */
export interface PoolEntry extends EntryFacts {
  readonly kind: 'pool'
  /** Absolute path of a module, or a program that serves calls. */
  readonly module: string | undefined
  readonly program: ProgramPlan
  readonly size: { readonly min: number; readonly max: number }
  readonly spares: number
  readonly concurrency: number
  readonly maxQueue: number
  readonly idle: number | undefined
  /** Of workers that cannot be started. */
  readonly backoff: WorkerEntry['backoff']
  readonly intensity: WorkerEntry['intensity']
  readonly recycle: {
    readonly calls?: number
    readonly age?: number
    readonly memory?: number
    readonly jitter?: number
  }
  /** What each call may take. */
  readonly call: { readonly timeout?: number; readonly cpuTime?: number; readonly memory?: number }
}

/** What is kept of what the workers write. */
export interface LogPlan {
  /** Bytes of one file, and how many files of each worker are kept. */
  readonly maxSize: number
  readonly maxFiles: number
  /** Files older than this are removed, in milliseconds. */
  readonly maxAge: number | undefined
}

/** Every worker of a plan, through all groups, in the order of start. */
export function workersOf(entries: readonly EntryPlan[]): readonly WorkerEntry[] {
  return entries.flatMap((entry) =>
    entry.kind === 'worker' ? [entry] : entry.kind === 'group' ? workersOf(entry.children) : [],
  )
}
