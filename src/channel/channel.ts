import type { Waiter } from './waiters.ts'

export interface ReceiveOptions {
  /** Gives up waiting, as `AbortSignal.timeout(1000)` does after a second; the next message stays for the next reader. Rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Messages both ways, in order, with back-pressure both ways.
 *
 * *Closed* means that both directions have ended, cleanly or not; what was received before can still be read.
 */
export interface Channel<In, Out = In> extends AsyncIterable<In> {
  /**
   * Resolves when the message has left the sender's queue: wait for it and the reader sets the pace.
   *
   * Rejects with `ClosedError`, `FramingError` (cannot be written) or `OverloadError` (the queue is full). A
   * rejection nobody handles is not an unhandled one: a dead reader never ends the process that wrote to it.
   */
  send(message: Out): Promise<void>
  /** The next message; undefined when there will be no more. Rejects with the `FramingError` that broke the stream. */
  receive(options?: ReceiveOptions): Promise<In | undefined>
  /** No more from this side; what comes from the other may still come. */
  end(): Promise<void>
  /** Resolves when both directions have ended; never rejects. */
  readonly closed: Promise<void>
}

/** What `select` needs of a channel. Both methods are about the receiving side. */
export interface Selectable<In> {
  /** Takes a message that is there already. `ended` when there will be no more, with the error that broke the stream. */
  [TAKE](): Taken<In>
  /** Waits for the next message or the end. Returns what forgets the waiter. */
  [WAIT](waiter: Waiter<In>): () => void
}

export type Taken<In> =
  | { readonly state: 'message'; readonly value: In }
  | { readonly state: 'empty' | 'ended'; readonly error?: Error | undefined }

export const TAKE: unique symbol = Symbol('pagent.take')
export const WAIT: unique symbol = Symbol('pagent.wait')

/** What can be received from. */
export type Receiver<In> = Pick<Channel<In>, 'receive'>

/** Of a channel that has several lives, the receiving side of the current one: whoever reads to the end reads one life. */
export const CURRENT: unique symbol = Symbol('pagent.current')

/** The receiving side to read to the end. */
export function receiverOf<In>(channel: Channel<In, any>): Receiver<In> {
  const lively = channel as { [CURRENT]?(): Receiver<In> }
  return lively[CURRENT]?.() ?? channel
}

/** The rest of a channel as an iterator. Leaving the loop leaves the channel as it is. */
export async function* messages<In>(channel: Receiver<In>): AsyncGenerator<In, void, undefined> {
  for (;;) {
    const message = await channel.receive()
    if (message === undefined) return
    yield message
  }
}
