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
  StreamFrame,
  StreamTopic,
  TreeNode,
  WorkerDetail,
  WorkerStatus,
} from '../api/wire.ts'

/**
 * A fleet that runs in another process. Every method rejects with a `ControlError` whose `code` and `message` are those of the
 * other side, or `ERR_PAGENT_NO_MASTER` where nobody answers.
 */
export interface ControlClient extends Disposable {
  fleet(): Promise<FleetStatus>
  workers(): Promise<readonly WorkerStatus[]>
  worker(id: string, options?: { readonly revealEnv?: boolean }): Promise<WorkerDetail>
  pools(): Promise<readonly PoolStatus[]>
  tree(): Promise<TreeNode>
  events(since?: number): Promise<readonly EventRecord[]>
  act(action: Action, signal?: AbortSignal): Promise<ActionResult>
  send(id: string, message: unknown): Promise<void>
  call(id: string, request: CallRequest, signal?: AbortSignal): Promise<unknown>
  apply(plan: FleetPlan): Promise<ApplyResult>
  /** Ends when there is no more, or `signal` is aborted; with `follow` also when the fleet ends. */
  logs(query: LogQuery, signal?: AbortSignal): AsyncIterable<LogRecord>
  /** One connection for all topics. `since` replays events after that number. Ends with the fleet or `signal`. */
  stream(
    topics: readonly StreamTopic[],
    options?: { readonly workers?: readonly string[]; readonly since?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<StreamFrame>
  /** Resolves when the fleet has ended. */
  stop(options?: { readonly hurry?: boolean }): Promise<void>
  /** Lets go of connections that are kept for the next request. A process can end without it. */
  close(): void
}
