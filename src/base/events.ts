import type { PagentError } from './errors.ts'
import type { Exit } from './exit.ts'

/** Something that happened to a worker. */
export type WorkerEvent =
  /** Its process exists. */
  | { readonly type: 'spawned'; readonly pid: number; readonly file: string }
  /** It can be used; `after` its start, in milliseconds. */
  | { readonly type: 'ready'; readonly after: number }
  | { readonly type: 'exited'; readonly exit: Exit }
  /**
   * It will be started again in `after` milliseconds; `attempt` counts from 1 since it last was stable. `repeated` once
   * the wait does not grow any more: a log that leaves these out has one line for each step of the backoff.
   */
  | {
      readonly type: 'restart-scheduled'
      readonly attempt: number
      readonly after: number
      readonly repeated: boolean
    }
  /** It failed too often and stays down until `start()`. */
  | { readonly type: 'gave-up'; readonly exits: readonly Exit[] }
  /** Nobody has read its messages for `after` milliseconds, so its pipe stands still. Once per standstill. */
  | { readonly type: 'stalled'; readonly after: number }
  /** Its next life begins, and nobody has read so many messages of the last: only a loop over that one still can. */
  | { readonly type: 'left-unread'; readonly messages: number }
  /** Part of its output was skipped, or its last message was unterminated. */
  | { readonly type: 'noticed'; readonly notice: PagentError }
  /** Your `onExit` threw, or its promise was rejected. */
  | { readonly type: 'callback-failed'; readonly callback: string; readonly error: Error }
  /** Not even SIGKILL ended its process: it hangs in the kernel, or belongs to another user by now. */
  | { readonly type: 'abandoned'; readonly pid: number }
  | { readonly type: 'deleted' }

/** What follows from the end of a child. `stopped` when its supervisor had wanted it. */
export type NextStep = 'restart' | 'stay-down' | 'stopped' | 'give-up' | 'shut-down' | 'fail-start'

/** Something that happened in a supervisor. Children are named by their ids. */
export type SupervisorEvent =
  /** All its children were started, for the first time in this life of it; `after` its own start, in milliseconds. */
  | { readonly type: 'supervisor-started'; readonly after: number }
  /** A child can be used; `after` its start, in milliseconds. */
  | { readonly type: 'child-started'; readonly child: string; readonly after: number }
  | { readonly type: 'child-exited'; readonly child: string; readonly exit: Exit; readonly next: NextStep }
  /**
   * After the end of `child`, some are stopped in this order and some started in that order, in `after` milliseconds at
   * the earliest. `attempt` and `repeated` as with `restart-scheduled`.
   */
  | {
      readonly type: 'restart-planned'
      readonly child: string
      readonly attempt: number
      readonly after: number
      readonly repeated: boolean
      readonly stop: readonly string[]
      readonly start: readonly string[]
    }
  /** It does not end, and nobody waits for it any longer. */
  | { readonly type: 'child-abandoned'; readonly child: string }
  | { readonly type: 'supervisor-exited'; readonly exit: Exit }

/** One fact, with when (milliseconds since 1970), who, and which life of it. */
export type MasterEvent =
  | ({
      readonly at: number
      readonly worker: string
      readonly supervisor?: undefined
      readonly incarnation: number
    } & WorkerEvent)
  /** The same of a supervisor; nested ones are named by their path, as in `'app/db'`. */
  | ({
      readonly at: number
      readonly worker?: undefined
      readonly supervisor: string
      readonly incarnation: number
    } & SupervisorEvent)
  /** This subscriber was too slow, and `count` events before this one were dropped. */
  | {
      readonly at: number
      readonly worker?: undefined
      readonly supervisor?: undefined
      readonly type: 'events-dropped'
      readonly count: number
    }
