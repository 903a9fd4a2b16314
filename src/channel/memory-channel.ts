import { readWhole } from '../base/options.ts'
import { ClosedError } from '../base/errors.ts'
import { Ring } from '../base/queues/ring.ts'
import { type Channel, type ReceiveOptions, type Selectable, TAKE, type Taken, WAIT, messages } from './channel.ts'
import { handled } from './outbox.ts'
import { type Waiter, Waiters, receiveFrom } from './waiters.ts'

/** A sender whose message nobody has taken yet. */
interface Offer<T> {
  readonly message: T
  readonly accept: () => void
}

const NO_UNDEFINED = 'Cannot send undefined: for receive() it means that there is no more; send null'

/** One direction inside this process: what is sent here is received here. */
class MemoryQueue<T> {
  readonly #capacity: number
  readonly #buffer = new Ring<T>()
  readonly #offers = new Ring<Offer<T>>()
  readonly #waiters = new Waiters<T>()
  readonly ended = Promise.withResolvers<void>()
  #closed = false

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  send(message: T): Promise<void> {
    if (this.#closed) return handled(Promise.reject(new ClosedError('Cannot send: the channel was ended')))
    if (message === undefined) return handled(Promise.reject(new TypeError(NO_UNDEFINED)))
    if (this.#waiters.give(message)) return Promise.resolve()
    if (this.#buffer.length < this.#capacity) {
      this.#buffer.push(message)
      return Promise.resolve()
    }
    return new Promise((accept) => this.#offers.push({ message, accept }))
  }

  take(): Taken<T> {
    const buffered = this.#buffer.length > 0
    const offer = this.#offers.shift()
    if (!buffered && offer === undefined) return { state: this.#closed ? 'ended' : 'empty' }
    offer?.accept()
    if (!buffered) return { state: 'message', value: offer?.message as T }
    const value = this.#buffer.shift() as T
    if (offer !== undefined) this.#buffer.push(offer.message)
    return { state: 'message', value }
  }

  wait(waiter: Waiter<T>): () => void {
    return this.#waiters.add(waiter)
  }

  receive(options?: ReceiveOptions): Promise<T | undefined> {
    return receiveFrom(this, options)
  }

  /** Accepted and offered messages can still be received. */
  end(): void {
    this.#closed = true
    this.#waiters.end()
    this.ended.resolve()
  }
}

/** A receiving and a sending queue as one channel. */
class MemoryChannel<In, Out> implements Channel<In, Out>, Selectable<In> {
  readonly closed: Promise<void>
  readonly #incoming: MemoryQueue<In>
  readonly #outgoing: MemoryQueue<Out>

  constructor(incoming: MemoryQueue<In>, outgoing: MemoryQueue<Out>) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.closed = Promise.all([incoming.ended.promise, outgoing.ended.promise]).then(() => {})
  }

  send(message: Out): Promise<void> {
    return this.#outgoing.send(message)
  }

  receive(options?: ReceiveOptions): Promise<In | undefined> {
    return this.#incoming.receive(options)
  }

  end(): Promise<void> {
    this.#outgoing.end()
    return Promise.resolve()
  }

  [TAKE](): Taken<In> {
    return this.#incoming.take()
  }

  [WAIT](waiter: Waiter<In>): () => void {
    return this.#incoming.wait(waiter)
  }

  [Symbol.asyncIterator](): AsyncIterator<In> {
    return messages(this)
  }
}

/**
 * A channel inside this process, as in CSP and Go: what one part sends, another receives.
 *
 * A send waits while `capacity` messages wait already. With 0, the default, sender and receiver meet: `send`
 * resolves when the message has been received.
 *
 * ```ts
 * import { channel } from 'pagent'
 * const jobs = channel<string>(2)
 * await jobs.send('a')
 * await jobs.end()
 * for await (const job of jobs) console.log(job) // → a
 * ```
 *
 * @throws RangeError for a capacity that is not a whole number from 0.
 */
export function channel<T>(capacity = 0): Channel<T> {
  const queue = new MemoryQueue<T>(readWhole(capacity, 'capacity', 0))
  return new MemoryChannel(queue, queue)
}

/**
 * Two joined ends: what is sent into one is received from the other. For tests, and for workers inside this process.
 *
 * ```ts
 * import { memoryChannels } from 'pagent'
 * const [here, there] = memoryChannels<string>(1)
 * await here.send('ping')
 * console.log(await there.receive()) // → ping
 * ```
 */
export function memoryChannels<A, B = A>(capacity = 0): [Channel<A, B>, Channel<B, A>] {
  const toFirst = new MemoryQueue<A>(readWhole(capacity, 'capacity', 0))
  const toSecond = new MemoryQueue<B>(capacity)
  return [new MemoryChannel(toFirst, toSecond), new MemoryChannel(toSecond, toFirst)]
}
