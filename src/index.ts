/** `pagent`: run any program as a supervised worker, and talk to it like an object. */
if (!('withResolvers' in Promise)) {
  throw new Error(`pagent needs Node 22.18 or newer; this is Node ${process.versions.node}`)
}

export type { CallEvent, CallOutcome } from './base/call-hub.ts'
export { type Clock, type Timer, systemClock } from './base/clock.ts'
export {
  AlreadyStartedError,
  type CheckedPart,
  ClosedError,
  ExitError,
  FramingError,
  type FramingReason,
  GaveUpError,
  LimitUnsupportedError,
  OverloadError,
  PagentError,
  ProtocolError,
  RpcError,
  SpawnError,
  type SpawnStage,
  TimeoutError,
  UnknownWorkerError,
  ValidationError,
  type ValidationIssue,
} from './base/errors.ts'
export type { MasterEvent, NextStep, SupervisorEvent, WorkerEvent } from './base/events.ts'
export {
  type Enforcer,
  type Exit,
  type ExitCause,
  type ExitFacts,
  type LimitName,
  type StopStep,
  type Traffic,
  type Usage,
  describeExit,
  isAbnormal,
} from './base/exit.ts'
export type { Bytes, Millis } from './base/units.ts'
export { type ByteSink, type ByteSource, readableSource, writableSink } from './channel/bytes.ts'
export type { Channel, ReceiveOptions } from './channel/channel.ts'
export { channel, memoryChannels } from './channel/memory-channel.ts'
export { pipe } from './channel/pipe.ts'
export { type SelectOptions, type Selected, select } from './channel/select.ts'
export { StreamChannel, type ChannelObserver } from './channel/stream-channel.ts'
export * from './framing/index.ts'
export { Master, type MasterOptions } from './master/master.ts'
export { Pool } from './pool/pool.ts'
export type { PoolCallOptions, PoolSpec, Recycle } from './pool/spec.ts'
export type { PoolStats, Quantiles } from './pool/stats.ts'
export type { Shutdown } from './process/ladder.ts'
export type { LaunchCommand, Launcher, ProcessStatus, RunningProcess } from './process/launcher.ts'
export { forkServer } from './process/fork-server/fork-server.ts'
export { portable } from './process/portable/portable.ts'
export type { MethodSchemas } from './rpc/checks/check.ts'
export { checked } from './rpc/checks/checked.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './rpc/checks/standard-schema.ts'
export {
  type CallOptions,
  type MethodOf,
  type ParamsStyle,
  type Remote,
  RpcClient,
  type StreamOf,
} from './rpc/client.ts'
export type { Propagate } from './rpc/messages.ts'
export { type RpcOptions, rpc } from './rpc/over.ts'
export type { Child, ChildContext, ChildOptions, ChildShutdown, ChildSpec, Restart } from './supervisor/child.ts'
export type { Backoff } from './supervisor/backoff.ts'
export type { Intensity } from './supervisor/intensity.ts'
export type { AutoShutdown, Strategy } from './supervisor/plan.ts'
export type { StopOrder, SupervisorSpec } from './supervisor/spec.ts'
export { type ChildCounts, type ChildState, type ChildStatus, Supervisor, supervisor } from './supervisor/supervisor.ts'
export { type TaskOptions, task } from './supervisor/task.ts'
export { worker } from './worker/host.ts'
export type { WorkerRpcOptions } from './worker/rpc-options.ts'
export type { Abilities, AppliedLimit, AppliedLimits, Enforcement, Limits, SystemLimits } from './process/limits.ts'
export type { Alive, Ready, WorkerSpec } from './worker/spec.ts'
export type { WorkerState } from './worker/state.ts'
export { Worker } from './worker/worker.ts'
