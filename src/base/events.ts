import type { PagentError } from './errors.ts'
import type { Exit } from './exit.ts'

/** Something that happened to a worker. */
export type WorkerEvent =
  /** Its process exists. */
  | { readonly type: 'spawned'; readonly pid: number; readonly file: string }
  /** It can be used; `after` its start, in milliseconds. */
  | { readonly type: 'ready'; readonly after: number }
  | { readonly type: 'exited'; readonly exit: Exit }
  /** It will be started again in `after` milliseconds; `attempt` counts from 1 since it last was stable. */
  | { readonly type: 'restart-scheduled'; readonly attempt: number; readonly after: number }
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

/** One fact, with when (milliseconds since 1970), who, and which life of it. */
export type MasterEvent =
  | ({ readonly at: number; readonly worker: string; readonly incarnation: number } & WorkerEvent)
  /** This subscriber was too slow, and `count` events before this one were dropped. */
  | { readonly at: number; readonly type: 'events-dropped'; readonly count: number }
