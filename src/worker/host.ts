import { type Clock, systemClock } from '../base/clock.ts'
import { CallHub } from '../base/call-hub.ts'
import { EventHub } from '../base/event-hub.ts'
import type { MasterEvent, WorkerEvent } from '../base/events.ts'
import type { Exit } from '../base/exit.ts'
import type { Shutdown } from '../process/ladder.ts'
import type { Launcher } from '../process/launcher.ts'
import { defaultLauncher } from '../process/default-launcher.ts'
import { StartQueue } from '../process/start-queue.ts'
import type { RpcSettings } from './life/calls.ts'
import { Worker } from './worker.ts'
import type { WorkerPlan, WorkerSpec } from './spec.ts'

/** What workers share: whoever holds them gives it to them. */
export interface WorkerHost {
  readonly clock: Clock
  readonly launcher: Launcher
  readonly starts: StartQueue
  readonly emit: (event: MasterEvent) => void
  /** Is told of calls. */
  readonly calls: CallHub
  /** From 0 to 1, for the jitter of restarts. */
  readonly dice: () => number
  /** The ladder for those who are stopped with none of their own, while all have to go. */
  hurry?: Shutdown | undefined
}

/** What a worker runs. */
export interface Job {
  readonly file: string
  readonly args: readonly string[]
  readonly plan: WorkerPlan
  /** What goes with one start of it, below the environment of its spec. */
  readonly carried?: Readonly<Record<string, string>>
}

/** What an incarnation needs of the worker it is a life of. */
export interface Owner {
  readonly id: string
  readonly clock: Clock
  readonly launcher: Launcher
  readonly starts: StartQueue
  /** How it is called; undefined while nobody does. */
  readonly rpc: RpcSettings | undefined
  emit(event: WorkerEvent, incarnation: number): void
  /** Called once, before anybody else hears of the exit. */
  ended(exit: Exit): void
  /** The worker itself, for callbacks. */
  readonly self: any
}

/** How many starts may be under way at once. */
export const DEFAULT_STARTS = 16

let shared: WorkerHost | undefined

/** For workers that belong to no master; lives as long as the process. */
function sharedHost(): WorkerHost {
  shared ??= {
    clock: systemClock,
    launcher: defaultLauncher(),
    starts: new StartQueue(systemClock, DEFAULT_STARTS),
    emit: new EventHub().emit,
    calls: new CallHub(),
    dice: Math.random,
  }
  return shared
}

/**
 * Describes a worker as a child for a supervisor; nothing is started yet.
 *
 * ```ts
 * import { worker } from 'pagent'
 * const date = worker('date', 'date', ['+%Y'])
 * await date.start()
 * console.log((await date.exited).kind) // → normal
 * ```
 *
 * @throws TypeError, RangeError, LimitUnsupportedError for a command or options that cannot be.
 */
export function worker<I = string, O = I>(
  id: string,
  file: string,
  args: readonly string[] = [],
  spec: WorkerSpec<I, O> = {},
): Worker<I, O> {
  const described = new Worker<I, O>(id, sharedHost(), {}, true)
  described.assign(file, args, spec)
  return described
}
