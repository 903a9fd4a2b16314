import { Later } from '../base/later.ts'
import { FramingError } from '../base/errors.ts'
import type { Decoder, Emit, Framing } from '../framing/framing.ts'
import type { ByteSink, ByteSource } from './bytes.ts'
import { type Channel, type ReceiveOptions, type Selectable, TAKE, type Taken, WAIT, messages } from './channel.ts'
import { Inbox, type Listener } from './inbox.ts'
import { Outbox, handled } from './outbox.ts'
import type { Waiter } from './waiters.ts'

/** What the owner of a channel hears about it. */
export interface ChannelObserver {
  /** Bytes have come, before they are decoded. */
  chunk?(bytes: Uint8Array): void
  /** Something was skipped, or the last message was `unterminated`. */
  notice?(notice: FramingError): void
  /** The incoming stream has ended, with the fault that broke it. */
  inputEnded?(fault: FramingError | undefined): void
  /** The reader fell behind and the pipe stands still, or flows again. */
  paused?(paused: boolean): void
}

/** A framing over two byte streams. The loop that turns chunks into messages, for everybody. */
export class StreamChannel<In, Out = In> implements Channel<In, Out>, Selectable<In> {
  readonly #framing: Framing<In, Out>
  readonly #decoder: Decoder<In>
  readonly #source: ByteSource
  readonly #inbox: Inbox<In>
  readonly #outbox: Outbox
  readonly #observer: ChannelObserver
  readonly #who: string
  readonly #closed = new Later<void>()
  #emit: Emit<In>
  #inputEnded = false
  #outputEnded = false
  #draining = false

  /** Reads at once. `who` is named in errors. */
  constructor(
    framing: Framing<In, Out>,
    source: ByteSource,
    sink: ByteSink,
    who: string,
    observer: ChannelObserver = {},
  ) {
    this.#framing = framing
    this.#source = source
    this.#who = who
    this.#observer = observer
    this.#inbox = new Inbox(this.#onFree)
    this.#emit = this.#inbox.accept
    this.#outbox = new Outbox(sink, who)
    let fault: FramingError | undefined
    try {
      this.#decoder = framing.decoder((notice) => observer.notice?.(notice))
    } catch (error) {
      this.#decoder = { push: () => {}, end: () => {} }
      fault = this.#fault(error)
    }
    sink.onClose((cause) => this.closeOutput('it does not read any more', cause))
    if (framing.large === true) source.widen?.()
    source.start(this.#onChunk, this.#onEnd)
    if (fault !== undefined) this.#finishInput(fault)
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  send(message: Out): Promise<void> {
    try {
      return this.#outbox.send(this.#encode(message), this.#framing.lend !== undefined)
    } catch (error) {
      return handled(Promise.reject(this.#named(error)))
    }
  }

  /**
   * Sends with nobody waiting: what cannot be sent is thrown. What is `owed` the other side has asked for.
   *
   * @throws ClosedError, FramingError, OverloadError
   */
  post(message: Out, owed = false): void {
    const { encodeInto } = this.#framing
    if (encodeInto !== undefined && this.#outbox.postInto(encodeInto, message)) return
    let frame: string | Uint8Array
    try {
      frame = this.#encode(message)
    } catch (error) {
      throw this.#named(error)
    }
    this.#outbox.post(frame, this.#framing.lend !== undefined, owed)
  }

  /** Resolves when what was sent has left; undefined while little waits. */
  get pressure(): Promise<void> | undefined {
    return this.#outbox.pressure
  }

  /** Sends what this channel's framing has encoded already: for a message that goes to many. */
  sendEncoded(frame: string | Uint8Array): Promise<void> {
    return this.#outbox.send(frame)
  }

  /** Messages that have come and that nobody has read yet. */
  get unread(): number {
    return this.#inbox.unread
  }

  receive(options?: ReceiveOptions): Promise<In | undefined> {
    return this.#inbox.receive(options)
  }

  listen(listener: Listener<In>, onError: (error: Error) => void): void {
    this.#inbox.listen(listener, onError)
  }

  end(): Promise<void> {
    const ended = this.#outbox.end()
    void ended.then(() => this.#finishOutput())
    return ended
  }

  /** Shows each message to `watcher` too, until it is told to stop. Costs nothing when nobody watches. */
  watch(watcher: { message(message: In): void; readonly reached: Promise<void> }): void {
    this.#emit = (message) => {
      watcher.message(message)
      this.#inbox.accept(message)
    }
    void watcher.reached.then(
      () => (this.#emit = this.#inbox.accept),
      () => {},
    )
  }

  /** From here on nothing pauses the source: what is left of it is bounded, and its end is wanted. */
  drain(): void {
    this.#draining = true
    this.#source.resume()
  }

  /** Nothing more can be sent. */
  closeOutput(why: string, cause?: Error): void {
    this.#outbox.close(why, cause)
    this.#finishOutput()
  }

  /** Ends both directions at once; what has come can still be read, an unterminated last message too. */
  destroy(why: string): void {
    this.#source.destroy()
    this.#onEnd()
    this.closeOutput(why)
  }

  onceDrained(drained: () => void): void {
    this.#inbox.onceDrained(drained)
  }

  [TAKE](): Taken<In> {
    return this.#inbox.take()
  }

  [WAIT](waiter: Waiter<In>): () => void {
    return this.#inbox.wait(waiter)
  }

  [Symbol.asyncIterator](): AsyncIterator<In> {
    return messages(this)
  }

  readonly #onChunk = (chunk: Uint8Array): boolean => {
    if (this.#inputEnded) return true
    this.#observer.chunk?.(chunk)
    try {
      this.#decoder.push(chunk, this.#emit)
    } catch (error) {
      this.#finishInput(this.#fault(error))
      return true
    }
    if (this.#inbox.chunkDone(chunk.length) || this.#draining) return true
    this.#observer.paused?.(true)
    return false
  }

  readonly #onEnd = (broken?: Error): void => {
    if (this.#inputEnded) return
    let fault = broken === undefined ? undefined : this.#brokenOff(broken)
    try {
      this.#decoder.end(this.#emit)
    } catch (error) {
      fault ??= this.#fault(error)
    }
    this.#finishInput(fault)
  }

  readonly #onFree = (): void => {
    this.#observer.paused?.(false)
    this.#source.resume()
  }

  #encode(message: Out): string | Uint8Array {
    const { lend } = this.#framing
    return lend === undefined ? this.#framing.encode(message) : lend(message)
  }

  #finishInput(fault: FramingError | undefined): void {
    if (this.#inputEnded) return
    this.#inputEnded = true
    this.#inbox.end(fault)
    if (this.#outputEnded) this.#closed.resolve()
    this.#observer.inputEnded?.(fault)
  }

  #finishOutput(): void {
    this.#outputEnded = true
    if (this.#inputEnded) this.#closed.resolve()
  }

  /** A stream that broke is not one that ended, even between two messages. */
  #brokenOff(cause: Error): FramingError {
    return new FramingError(this.#framing.name, 'truncated', `the stream broke off: ${cause.message}`, { cause })
  }

  #fault(error: unknown): FramingError {
    if (error instanceof FramingError) return error
    return new FramingError(this.#framing.name, 'malformed', `the decoder failed: ${String(error)}`, { cause: error })
  }

  #named(error: unknown): unknown {
    if (!(error instanceof FramingError)) return error
    const { framing, reason, length } = error
    const options = { cause: error.cause, ...(length === undefined ? {} : { length }) }
    return new FramingError(framing, reason, `Cannot send to ${this.#who}: ${error.message}`, options)
  }
}
