import type { Exit, Traffic } from '../../base/exit.ts'

/** What the control API says, as JSON. Additive changes only within one version. */
export const SCHEMA_VERSION = 1

/** `● running`: the words people see. `degraded` runs, but its `alive` check has failed lately. */
export type WorkerStatusState =
  | 'idle'
  | 'scheduled'
  | 'starting'
  | 'running'
  | 'degraded'
  | 'stopping'
  | 'backoff'
  | 'exited'
  | 'failed'

/** `GET /v1/fleet` */
export interface FleetStatus {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly name: string
  readonly file: string
  /** Of the process that runs the fleet. */
  readonly pid: number
  readonly version: string
  readonly node: string
  readonly launcher: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly isReadOnly: boolean
  /** All started once, and those that should run are ready. */
  readonly isReady: boolean
  readonly isStopping: boolean
  readonly states: Readonly<Partial<Record<WorkerStatusState, number>>>
  readonly stateFolder: string
}

/** One worker: an element of `GET /v1/workers`. Workers of pools are among them. Times in milliseconds, sizes in bytes. */
export interface WorkerStatus {
  readonly id: string
  readonly service: string
  /** Path of the group it is in, or id of its pool. */
  readonly group?: string
  readonly pool?: string
  readonly state: WorkerStatusState
  readonly pid?: number
  readonly incarnation: number
  readonly startedAt?: number
  /** Of the current life. */
  readonly uptime?: number
  /** Since the fleet was started. */
  readonly restarts: number
  /** Share of one core over the last look; undefined while nobody has looked. */
  readonly cpu?: number
  /** Of the current life, in milliseconds. */
  readonly cpuTime?: number
  readonly memory?: number
  readonly memoryPeak?: number
  readonly memoryLimit?: number
  readonly processes?: number
  /** Bytes of the current life: `bytesIn` from it, `bytesOut` to it; and the milliseconds that nobody read it. */
  readonly traffic?: Traffic
  /** Lines or messages in a second, from and to it. */
  readonly messages?: { readonly in: number; readonly out: number }
  /** Of a worker with a schedule: when it runs next. */
  readonly nextRun?: number
  readonly lastExit?: ExitSummary
}

export interface ExitSummary {
  readonly at: number
  readonly kind: Exit['kind']
  /** As `describeExit` says it. */
  readonly text: string
  readonly isAbnormal: boolean
  readonly incarnation: number
  readonly uptime: number
}

/** `GET /v1/workers/:id` */
export interface WorkerDetail extends WorkerStatus {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly command: readonly string[]
  readonly cwd: string
  /** Values are `'***'`, unless the reader has asked for them and may. */
  readonly env: Readonly<Record<string, string | null>>
  readonly limits: Readonly<
    Record<string, { readonly max: number; readonly enforcedBy: string; readonly exact: boolean }>
  >
  readonly dependsOn: readonly string[]
  /** The last ones, newest first. */
  readonly exits: readonly ExitSummary[]
  /** The last lines it wrote. */
  readonly log: readonly LogRecord[]
  /** Paths of its crash reports, newest first. */
  readonly crashes: readonly string[]
}

/** Where a worker belongs: what it can be named by beside its id. */
export interface WorkerPlace {
  readonly service: string
  /** Path of the group it is in, as in `app/db`. */
  readonly group?: string
  /** Id of its pool. */
  readonly pool?: string
}

/** `GET /v1/workers` */
export interface WorkerList {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly workers: readonly WorkerStatus[]
}

/** `GET /v1/pools` */
export interface PoolList {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly pools: readonly PoolStatus[]
}

export interface PoolStatus {
  readonly id: string
  readonly workers: number
  readonly ready: number
  readonly busy: number
  readonly queued: number
  readonly calls: number
  readonly deaths: number
  /** How long calls waited for a worker, and how long they took then. */
  readonly wait: Durations
  readonly run: Durations
}

/** How many of a kind, and how long they took, in milliseconds. */
export interface Durations {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly sum: number
  /** How many took 0.01 ms at most, 0.02 ms at most, and so on, each twice the one before. */
  readonly buckets: readonly number[]
}

/** `GET /v1/tree` */
export interface TreeNode {
  readonly kind: 'fleet' | 'group' | 'pool' | 'worker'
  readonly id: string
  readonly state: string
  readonly pid?: number
  readonly strategy?: string
  readonly intensity?: { readonly restarts: number; readonly within: number }
  readonly dependsOn?: readonly string[]
  readonly children?: readonly TreeNode[]
}

/** One line a worker wrote, or a word of ours about it. The keys on disk are pino's: `level time pid msg worker incarnation stream seq`. */
export interface LogRecord {
  /** Counts up over all workers while the fleet lives, from 1; 0 for what an earlier one has left. Tells history from what is live. */
  readonly seq: number
  readonly time: number
  readonly worker: string
  readonly incarnation: number
  readonly pid?: number
  readonly stream: 'out' | 'err' | 'pagent'
  /** As pino numbers them: 30 for stdout, 40 for stderr, 30 to 60 for ours. */
  readonly level: number
  readonly msg: string
  /** In a record of ours: so many lines are missing here, since this reader was too slow to follow. */
  readonly dropped?: number
}

/** A fact of the master, as `master.events` has it; errors are `{ name, code, message }`, exits as they are. */
export interface EventRecord {
  /** Counts up without a gap while the fleet lives; what `since` and `Last-Event-ID` refer to. */
  readonly seq: number
  readonly at: number
  readonly worker?: string
  readonly supervisor?: string
  readonly type: string
  readonly incarnation?: number
  readonly [more: string]: unknown
}

/** `GET /v1/events?since=`: past events that are still known. */
export interface EventList {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly events: readonly EventRecord[]
}

/** What `GET /v1/stream` carries, one server-sent event each; its name is `topic`. */
export type StreamFrame =
  | { readonly topic: 'hello'; readonly data: FleetStatus }
  | { readonly topic: 'event'; readonly data: EventRecord }
  | { readonly topic: 'log'; readonly data: LogRecord }
  /** Once a second, only while somebody listens. */
  | { readonly topic: 'metrics'; readonly data: { readonly at: number; readonly workers: readonly WorkerStatus[] } }
  /** The reader was too slow. */
  | {
      readonly topic: 'dropped'
      readonly data: { readonly topic: 'event' | 'log' | 'metrics'; readonly count: number }
    }

export type StreamTopic = 'event' | 'log' | 'metrics'

/**
 * `GET /v1/logs?workers=a,b&lines=&since=&stream=&previous&follow`: one JSON record a line, and more as they come with
 * `follow`. What fails on the way is the last line, as `{ "problem": ApiProblem }`.
 */
export interface LogQuery {
  /** Ids, services, `group:*`. @default all */
  readonly workers?: readonly string[]
  /** How many of the last lines of all of them together. @default 100 */
  readonly lines?: number
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly stream?: 'out' | 'err' | 'pagent'
  /** Of the life before the current one. */
  readonly previous?: boolean
  readonly follow?: boolean
}

/** `POST /v1/actions`: `{ action, targets }`. Targets are ids, services, `group:*` or `all`. */
export type Action =
  | { readonly action: 'start' | 'stop' | 'restart'; readonly targets: readonly string[] }
  | { readonly action: 'signal'; readonly targets: readonly string[]; readonly signal: NodeJS.Signals }

/** What came of it, for each worker it was about. */
export interface ActionResult {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly results: readonly {
    readonly worker: string
    readonly ok: boolean
    readonly state: WorkerStatusState
    readonly exit?: ExitSummary
    readonly error?: ApiProblem
  }[]
}

/** `POST /v1/workers/:id/call`; `:id` may be a pool. */
export interface CallRequest {
  readonly method: string
  readonly args: readonly unknown[]
  /** Milliseconds. */
  readonly timeout?: number
}

/** What came of it. */
export interface CallResult {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly result: unknown
}

/** `POST /v1/workers/:id/send`; answered with 204 when it was written. */
export interface SendRequest {
  readonly message: unknown
}

/** `POST /v1/stop`; answered with 204 when the fleet has ended. */
export interface StopRequest {
  readonly hurry?: boolean
}

/** `POST /v1/apply` with a `FleetPlan`: what differs is done, what does not is left alone. */
export interface ApplyResult {
  readonly schemaVersion: typeof SCHEMA_VERSION
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  readonly unchanged: readonly string[]
}

/** The body of every answer from 400 on. */
export interface ApiProblem {
  /** `ERR_PAGENT_…` */
  readonly code: string
  /** What was done, to whom, what was expected, what to do next. */
  readonly message: string
}
