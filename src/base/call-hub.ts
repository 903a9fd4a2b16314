import { channel as diagnosticsChannel } from 'node:diagnostics_channel'

/**
 * How a call has ended: with a result, with an error (the function threw, there is none, or the call could not be sent), late, by
 * its signal or since its reader left, or with its worker.
 */
export type CallOutcome = 'ok' | 'error' | 'timeout' | 'cancelled' | 'lost'

/** A call that is over. */
export interface CallEvent {
  /** Milliseconds since 1970. */
  readonly at: number
  /** A notification is a call that nobody answers: over when it was sent, or when what it calls has returned. */
  readonly kind: 'call' | 'notification'
  /** Who has made it: what a worker calls is what the master serves. */
  readonly from: 'master' | 'worker'
  /** The worker that was called, or has called; undefined where a pool was called. */
  readonly worker?: string
  /** The pool that was called: what its workers do for it is told of once. */
  readonly pool?: string
  /** The path of the supervisor that keeps it. */
  readonly supervisor?: string
  readonly method: string
  readonly outcome: CallOutcome
  /** Milliseconds from when it was asked for, with whatever it had to wait for; of a stream until its last item. */
  readonly duration: number
  /** What it was rejected with. */
  readonly error?: unknown
}

const diagnostics = diagnosticsChannel('pagent:rpc:call')

/** Tells whoever listens of each call that is over, and `node:diagnostics_channel`. Nothing is timed while nobody listens. */
export class CallHub {
  readonly #listeners = new Set<(call: CallEvent) => void>()

  get isWatched(): boolean {
    return this.#listeners.size > 0 || diagnostics.hasSubscribers
  }

  /** Returns what ends it. */
  listen(listener: (call: CallEvent) => void): () => void {
    // The same function may listen twice.
    const own = (call: CallEvent): void => listener(call)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** A listener that throws fails no call. */
  tell(call: CallEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(call)
      } catch (error) {
        process.emitWarning(`A listener of calls threw: ${String((error as Error)?.stack ?? error)}`, 'PagentWarning')
      }
    }
    if (diagnostics.hasSubscribers) diagnostics.publish(call)
  }
}
