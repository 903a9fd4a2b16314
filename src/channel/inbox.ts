import { Ring } from '../base/queues/ring.ts'
import { type ReceiveOptions, type Taken } from './channel.ts'
import { type Waiter, Waiters, receiveFrom } from './waiters.ts'

/** Receives messages one after the other; a returned promise holds the next one back. */
export type Listener<In> = (message: In) => void | Promise<void>

/** How much of the stream may wait here before the pipe is paused, in bytes of the stream. */
export const INBOX_LIMIT = 65_536

const IGNORE = (): void => {}

/**
 * Where decoded messages wait for their reader: a listener, or whoever calls `receive`.
 *
 * The only place that decides to pause the pipe. It counts bytes by chunk, not by message, so a message costs no
 * bookkeeping: a chunk is given back when its last message was read.
 */
export class Inbox<In> {
  readonly #queue = new Ring<In>()
  /** Made when a message first has to wait. */
  #chunks: Ring<{ readonly lastMessage: number; readonly bytes: number }> | undefined
  readonly #waiters = new Waiters<In>()
  readonly #onFree: () => void
  #onError: ((error: Error) => void) | undefined
  #listener: Listener<In> | undefined
  #busy = false
  #held = 0
  #queued = 0
  #read = 0
  #paused = false
  #ended = false
  #error: Error | undefined
  #onDrained: (() => void) | undefined

  /** `onFree` is called when a paused pipe may flow again. */
  constructor(onFree: () => void) {
    this.#onFree = onFree
  }

  /** Takes a message from the decoder. Bound, because it is the hottest call of the library. */
  readonly accept = (message: In): void => {
    if (this.#listener !== undefined && !this.#busy && this.#queue.length === 0)
      return this.#deliver(this.#listener, message)
    if (this.#listener === undefined && this.#waiters.waiting && this.#waiters.give(message)) return
    this.#queue.push(message)
    this.#queued++
  }

  /** The messages of one chunk are in. False when the pipe should pause. */
  chunkDone(bytes: number): boolean {
    if (this.#queue.length === 0) return true
    this.#chunks ??= new Ring()
    this.#chunks.push({ lastMessage: this.#queued, bytes })
    this.#held += bytes
    this.#paused = this.#held >= INBOX_LIMIT
    return !this.#paused
  }

  /** True while messages wait and the pipe stands still. */
  get paused(): boolean {
    return this.#paused
  }

  /** No more will come. With an error, readers get it once they have read the rest. */
  end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#waiters.end(error)
    this.#checkDrained()
  }

  /** Calls `drained` once, when the end has come and a listener, if there is one, has dealt with every message. */
  onceDrained(drained: () => void): void {
    this.#onDrained = drained
    this.#checkDrained()
  }

  listen(listener: Listener<In>, onError: (error: Error) => void): void {
    this.#listener = listener
    this.#onError = onError
    this.#pump()
  }

  /** Messages that nobody has read yet. */
  get unread(): number {
    return this.#queue.length
  }

  receive(options?: ReceiveOptions): Promise<In | undefined> {
    return receiveFrom(this, options)
  }

  take(): Taken<In> {
    if (this.#queue.length === 0) return this.#ended ? { state: 'ended', error: this.#error } : { state: 'empty' }
    const value = this.#queue.shift() as In
    this.#giveBack()
    return { state: 'message', value }
  }

  wait(waiter: Waiter<In>): () => void {
    return this.#waiters.add(waiter)
  }

  /** One more message was read, and with it perhaps the last of a chunk. */
  #giveBack(): void {
    this.#read++
    const chunks = this.#chunks
    for (let chunk = chunks?.peek(); chunk !== undefined && chunk.lastMessage <= this.#read; chunk = chunks?.peek()) {
      this.#held -= chunk.bytes
      chunks?.shift()
    }
    if (this.#paused && this.#held < INBOX_LIMIT / 2) this.#resume()
  }

  #resume(): void {
    this.#paused = false
    this.#onFree()
  }

  #deliver(listener: Listener<In>, message: In): void {
    try {
      const result = listener(message)
      if (result !== undefined) this.#waitFor(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  #waitFor(result: Promise<void>): void {
    if (typeof result?.then !== 'function') return
    this.#busy = true
    const goOn = (): void => {
      this.#busy = false
      this.#pump()
    }
    result.then(goOn, (error: unknown) => {
      this.#fail(error)
      goOn()
    })
  }

  #pump(): void {
    while (this.#listener !== undefined && !this.#busy && this.#queue.length > 0) {
      this.#deliver(this.#listener, this.#queue.shift() as In)
      // Only now: a pipe that flows again must not overtake the message.
      this.#giveBack()
    }
    this.#checkDrained()
  }

  /** A listener that throws gets no more messages: what it would do with them is unknown. */
  #fail(error: unknown): void {
    this.#listener = IGNORE
    this.#onError?.(error instanceof Error ? error : new Error(String(error)))
  }

  #checkDrained(): void {
    if (!this.#ended || (this.#listener !== undefined && (this.#busy || this.#queue.length > 0))) return
    const drained = this.#onDrained
    this.#onDrained = undefined
    drained?.()
  }
}
