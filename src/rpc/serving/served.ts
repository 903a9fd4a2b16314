import { RpcError } from '../../base/errors.ts'
import { type WatchedCall, tell, watched } from '../calling/watched.ts'
import { CODES, type Id, type WireError } from '../messages.ts'

/** Asked for each call and each notification of the other side; undefined while nobody wants to hear of them. */
export type WatchServed = (kind: 'call' | 'notification', method: string) => WatchedCall | undefined

/** What becomes of the other side's calls, for whoever listens: each is told once. */
export class Served {
  readonly #watch: WatchServed
  readonly #calls = new Map<Id, WatchedCall>()

  constructor(watch: WatchServed) {
    this.#watch = watch
  }

  begun(id: Id, method: string): void {
    const call = this.#watch('call', method)
    if (call !== undefined) this.#calls.set(id, call)
  }

  /** With a result, or with an error. */
  answered(id: Id, error: WireError | undefined): void {
    if (this.#calls.size === 0) return
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    if (error === undefined) tell(call, 'ok')
    else tell(call, error.code === CODES.cancelled ? 'cancelled' : 'error', errorOf(call, error))
  }

  /** Of a notification: takes what it came to, where somebody listens. */
  notified(method: string): ((result: unknown) => void) | undefined {
    const call = this.#watch('notification', method)
    return call && ((result) => void watched(Promise.resolve(result), call).catch(ignore))
  }

  /** A notification that nobody serves. Those of the protocol need not be. */
  notServed(method: string): void {
    const call = method.startsWith('$/') ? undefined : this.#watch('notification', method)
    if (call === undefined) return
    const message = `there is no method ${JSON.stringify(method)}`
    tell(call, 'error', errorOf(call, { code: CODES.methodNotFound, message }))
  }

  /** Whoever asked is gone. */
  close(error: Error): void {
    for (const call of this.#calls.values()) tell(call, 'lost', error)
    this.#calls.clear()
  }
}

function errorOf({ method }: WatchedCall, { code, message, data }: WireError): RpcError {
  return new RpcError('the master', method, message, code, data)
}

function ignore(): void {}
