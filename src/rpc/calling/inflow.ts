import { Ring } from '../../base/queues/ring.ts'

/** Items that may be on their way unasked for. */
export const WINDOW = 64

/** Who fills and ends a stream. */
export interface InflowSource {
  /** So many more may come. */
  more(count: number): void
  /** Its reader has left. */
  cancel(): void
}

/** The reading end of a stream: asks for more as it is read, so that a slow reader slows the writer. */
export class Inflow implements AsyncIterableIterator<unknown> {
  readonly #source: InflowSource
  readonly #items = new Ring<unknown>()
  readonly #readers = new Ring<PromiseWithResolvers<IteratorResult<unknown>>>()
  #owed = 0
  #ended: { readonly error?: Error } | undefined

  constructor(source: InflowSource) {
    this.#source = source
  }

  /** False for an item that nobody had asked for. */
  push(item: unknown): boolean {
    if (this.#ended !== undefined) return true
    const reader = this.#readers.shift()
    if (reader !== undefined) {
      this.#wasRead()
      reader.resolve({ done: false, value: item })
      return true
    }
    if (this.#items.length >= WINDOW) return false
    this.#items.push(item)
    return true
  }

  /** There will be no more; with an error, once the rest was read. */
  end(error?: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = error === undefined ? {} : { error }
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift())
      this.#answerEnd(reader)
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#items.length > 0) {
      this.#wasRead()
      return Promise.resolve({ done: false, value: this.#items.shift() })
    }
    const reader = Promise.withResolvers<IteratorResult<unknown>>()
    if (this.#ended === undefined) this.#readers.push(reader)
    else this.#answerEnd(reader)
    return reader.promise
  }

  return(): Promise<IteratorResult<unknown>> {
    if (this.#ended === undefined) this.#source.cancel()
    this.#items.clear()
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** An error is told once, as a generator does. */
  #answerEnd(reader: PromiseWithResolvers<IteratorResult<unknown>>): void {
    const error = this.#ended?.error
    this.#ended = {}
    if (error === undefined) reader.resolve({ done: true, value: undefined })
    else reader.reject(error)
  }

  #wasRead(): void {
    if (++this.#owed < WINDOW / 2 || this.#ended !== undefined) return
    this.#source.more(this.#owed)
    this.#owed = 0
  }
}
