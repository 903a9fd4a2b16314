import type { CallEvent } from '../../base/call-hub.ts'
import type { FleetPlan } from '../config/fleet-plan.ts'
import type {
  Action,
  ActionResult,
  ApplyResult,
  CallRequest,
  EventRecord,
  FleetStatus,
  LogQuery,
  LogRecord,
  PoolStatus,
  TreeNode,
  WorkerDetail,
  WorkerPlace,
  WorkerStatus,
} from '../api/wire.ts'

/** A call that is over, and where whoever answered belongs. */
export interface FleetCall extends CallEvent {
  readonly place: WorkerPlace
}

/** A fleet that runs in this process, as the control API sees it. The API adds the transport and nothing else. */
export interface Fleet {
  status(): FleetStatus
  /** Measures all of them once, unless that was done within the last half second. */
  workers(): Promise<readonly WorkerStatus[]>
  /** @throws UnknownWorkerError */
  worker(id: string, options: { readonly revealEnv: boolean }): Promise<WorkerDetail>
  /** Where that worker belongs; undefined for an id that is no worker's. Cheap: it is asked for each event. */
  place(id: string): WorkerPlace | undefined
  pools(): readonly PoolStatus[]
  tree(): TreeNode
  /** Each target on its own: one that fails stops none of the others. @throws UnknownWorkerError before anything is done */
  act(action: Action): Promise<ActionResult>
  /** Writes one line, or one JSON message, to its stdin. */
  send(id: string, message: unknown): Promise<void>
  call(id: string, request: CallRequest, signal: AbortSignal): Promise<unknown>
  apply(plan: FleetPlan): Promise<ApplyResult>
  /** Past events that are still known, after `since`; at most the last ten thousand are. */
  eventsSince(since: number): readonly EventRecord[]
  /** Called synchronously for each; must not throw. Returns what ends it. */
  onEvent(listener: (event: EventRecord) => void): () => void
  /** Of each call to a worker or a pool that is over, in the same way. */
  onCall(listener: (call: FleetCall) => void): () => void
  onLog(listener: (record: LogRecord) => void): () => void
  /**
   * What is on disk and in memory, oldest first; `follow` is the API's business. Everything that `onLog` has told before the
   * first record is asked for is in it, also what is not on disk yet. @throws UnknownWorkerError at once
   */
  logs(query: LogQuery): AsyncIterable<LogRecord>
  /** Everything, in reverse order of start. `hurry` makes a stop that is under way shorter: SIGKILL at once. */
  stop(options?: { readonly hurry?: boolean }): Promise<void>
  /** Resolves when it was stopped, by whomever. */
  readonly stopped: Promise<void>
}
