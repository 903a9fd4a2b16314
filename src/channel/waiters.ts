import { checkKeys } from '../base/options.ts'
import { type ReceiveOptions, type Selectable, TAKE, type Taken, WAIT } from './channel.ts'

/** Somebody who waits for one message. */
export interface Waiter<T> {
  /** Takes the message (undefined: the end). False when it is no longer wanted, and so still to be given. */
  give(value: T | undefined): boolean
  fail(error: Error): void
}

/** Those who wait for a message, in order. */
export class Waiters<T> {
  /** A set keeps order, and forgets one of many at once. */
  #queue: Set<Waiter<T>> | undefined

  /** Hands the message to the first who still wants it. */
  give(value: T): boolean {
    for (const waiter of this.#queue ?? []) {
      this.#queue?.delete(waiter)
      if (waiter.give(value)) return true
    }
    return false
  }

  /** Tells everybody that there is no more, or why. */
  end(error?: Error): void {
    for (const waiter of this.#queue ?? []) {
      this.#queue?.delete(waiter)
      if (error === undefined) waiter.give(undefined)
      else waiter.fail(error)
    }
  }

  /** Returns what forgets the waiter again. */
  add(waiter: Waiter<T>): () => void {
    const queue = (this.#queue ??= new Set())
    queue.add(waiter)
    return () => void queue.delete(waiter)
  }

  get waiting(): boolean {
    return this.#queue !== undefined && this.#queue.size > 0
  }
}

/** Where messages wait. */
interface Source<T> {
  take(): Taken<T>
  /** Returns what forgets the waiter again. */
  wait(waiter: Waiter<T>): () => void
}

/** The next message: one that is there, or that comes. */
export function receiveFrom<T>(source: Source<T>, options?: ReceiveOptions): Promise<T | undefined> {
  const refusal = refusalOf(options)
  if (refusal !== undefined) return refusal
  const taken = source.take()
  if (taken.state === 'message') return Promise.resolve(taken.value)
  if (taken.state === 'empty') return waitForOne(source, options?.signal)
  return taken.error === undefined ? Promise.resolve(undefined) : Promise.reject(taken.error)
}

/** Rejected, where these options cannot be, or have been withdrawn already. */
export function refusalOf(options: ReceiveOptions | undefined): Promise<never> | undefined {
  if (options === undefined) return undefined
  try {
    checkKeys(options, ['signal'], 'Cannot receive')
    checkAbortSignal(options.signal)
  } catch (error) {
    return Promise.reject(error)
  }
  return options.signal?.aborted === true ? Promise.reject(options.signal.reason as Error) : undefined
}

/** By what it can: that of another realm is one, too. */
function checkAbortSignal(signal: unknown): void {
  if (signal === undefined || typeof (signal as AbortSignal | null)?.addEventListener === 'function') return
  const given = signal === null ? 'null' : typeof signal
  throw new TypeError(`Cannot receive: signal must be an AbortSignal, such as AbortSignal.timeout(1000), not ${given}`)
}

/** A promise for the next message, that `signal` can withdraw. */
function waitForOne<T>(source: Source<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      forget()
      reject(signal?.reason as Error)
    }
    const finish = (settle: () => void): boolean => {
      signal?.removeEventListener('abort', onAbort)
      settle()
      return true
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const forget = source.wait({
      give: (value) => finish(() => resolve(value)),
      fail: (error) => void finish(() => reject(error)),
    })
  })
}

/** Waits for a channel that is still to come, and gives the waiter what it has by then. */
export function waitForChannel<T>(opened: Promise<Selectable<T> | undefined>, waiter: Waiter<T>): () => void {
  let forget: (() => void) | undefined
  let wanted = true
  void opened.then((channel) => {
    if (!wanted) return
    const taken = channel?.[TAKE]() ?? { state: 'ended' }
    if (taken.state === 'empty') forget = channel?.[WAIT](waiter)
    else if (taken.state === 'ended' && taken.error !== undefined) waiter.fail(taken.error)
    else waiter.give(taken.state === 'message' ? taken.value : undefined)
  })
  return () => {
    wanted = false
    forget?.()
  }
}
