import { type Channel, type Receiver, receiverOf } from '../channel/channel.ts'

/** `Disposable` of vscode-jsonrpc. */
export interface Disposable {
  dispose(): void
}

/** `Event` of vscode-jsonrpc: calls a listener until that is disposed. */
export type Event<T> = (listener: (value: T) => any, thisArgs?: any, disposables?: Disposable[]) => Disposable

/** A `MessageReader` of vscode-jsonrpc over a channel. */
export interface ChannelMessageReader extends Disposable {
  readonly onError: Event<Error>
  readonly onClose: Event<void>
  /** Never: a message arrives whole. */
  readonly onPartialMessage: Event<{ readonly messageToken: number; readonly waitingTime: number }>
  listen(callback: (message: any) => void): Disposable
}

/** A `MessageWriter` of vscode-jsonrpc over a channel. */
export interface ChannelMessageWriter extends Disposable {
  readonly onError: Event<[Error, any, number | undefined]>
  readonly onClose: Event<void>
  write(message: any): Promise<void>
  end(): void
}

/**
 * A channel as vscode-jsonrpc wants one, for hosts that have vscode-languageserver-protocol already:
 * `createMessageConnection(reader, writer)`. Over a worker it belongs to the life there is now: the connection closes with
 * that, and the next life takes another.
 *
 * ```ts
 * import { memoryChannels } from 'pagent'
 * import { messageStreams } from 'pagent/lsp'
 * const [here, there] = memoryChannels()
 * messageStreams(there).reader.listen((message) => console.log(message.method)) // → initialized
 * await messageStreams(here).writer.write({ jsonrpc: '2.0', method: 'initialized' })
 * ```
 */
export function messageStreams(channel: Channel<any, any>): {
  readonly reader: ChannelMessageReader
  readonly writer: ChannelMessageWriter
} {
  return { reader: new Reader(channel), writer: new Writer(channel) }
}

/** Listeners, until they are disposed. */
class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>()

  readonly event: Event<T> = (listener, thisArgs, disposables) => {
    const bound = (value: T): void => void listener.call(thisArgs, value)
    this.#listeners.add(bound)
    const subscription = { dispose: () => void this.#listeners.delete(bound) }
    disposables?.push(subscription)
    return subscription
  }

  fire(value: T): void {
    for (const listener of this.#listeners) listener(value)
  }

  clear(): void {
    this.#listeners.clear()
  }
}

class Reader implements ChannelMessageReader {
  readonly #channel: Channel<any, any>
  readonly #errors = new Emitter<Error>()
  readonly #closed = new Emitter<void>()
  readonly onError = this.#errors.event
  readonly onClose = this.#closed.event
  readonly onPartialMessage = new Emitter<{ messageToken: number; waitingTime: number }>().event

  constructor(channel: Channel<any, any>) {
    this.#channel = channel
  }

  listen(callback: (message: any) => void): Disposable {
    const stop = new AbortController()
    void this.#read(receiverOf(this.#channel), callback, stop.signal)
    return { dispose: () => stop.abort() }
  }

  dispose(): void {
    this.#errors.clear()
    this.#closed.clear()
  }

  async #read(source: Receiver<any>, callback: (message: any) => void, signal: AbortSignal): Promise<void> {
    try {
      // Who is let go of at once has taken nothing.
      await Promise.resolve()
      const next = (): Promise<any> => source.receive({ signal })
      for (let message = await next(); message !== undefined; message = await next()) callback(message)
    } catch (error) {
      if (error === signal.reason) return
      this.#errors.fire(error as Error)
    }
    this.#closed.fire()
  }
}

class Writer implements ChannelMessageWriter {
  readonly #channel: Channel<any, any>
  readonly #errors = new Emitter<[Error, any, number | undefined]>()
  readonly #closed = new Emitter<void>()
  readonly onError = this.#errors.event
  readonly onClose = this.#closed.event
  #failures = 0

  constructor(channel: Channel<any, any>) {
    this.#channel = channel
    void channel.closed.then(() => this.#closed.fire())
  }

  async write(message: any): Promise<void> {
    try {
      await this.#channel.send(message)
      this.#failures = 0
    } catch (error) {
      this.#errors.fire([error as Error, message, ++this.#failures])
      throw error
    }
  }

  /** What cannot be ended has ended. */
  end(): void {
    this.#channel.end().catch(() => {})
  }

  dispose(): void {
    this.#errors.clear()
    this.#closed.clear()
  }
}
