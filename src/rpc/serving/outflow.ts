import { type Id, NOTES } from '../messages.ts'
import type { Port } from '../port.ts'

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** It would have to wait for credit that cannot come. */
export class Starved extends Error {}

/** Asks for one item; what runs then may ask for the call it serves. */
export type Stepper = (step: () => Promise<IteratorResult<unknown>>) => Promise<IteratorResult<unknown>>

/** The writing end of a stream: sends as many items as were asked for, when there is room for them, and waits. */
export class Outflow {
  readonly #iterator: AsyncIterator<unknown>
  readonly #port: Port
  readonly #id: Id
  readonly #stepper: Stepper
  #credit: number
  #granted: PromiseWithResolvers<void> | undefined
  #interrupt: (() => void) | undefined
  #isCancelled = false
  #failure: Error | undefined
  #isStarved = false

  /** Of the call with that id. */
  constructor(items: AsyncIterable<unknown>, credit: number, port: Port, id: Id, stepper: Stepper) {
    this.#iterator = items[Symbol.asyncIterator]()
    this.#credit = credit
    this.#port = port
    this.#id = id
    this.#stepper = stepper
  }

  /** Resolves at the end of the items, or at once when it is cancelled; rejects with what they throw. */
  async run(): Promise<void> {
    let isDone = false
    try {
      while (!this.#isCancelled) {
        const next = await this.#next()
        isDone = next?.done === true
        if (next === undefined || isDone) break
        await this.#untilAllowed()
        if (!this.#isCancelled) this.#post(next.value)
      }
    } finally {
      // Its own cleaning up may take its time: nobody waits for it.
      if (!isDone) this.#leave()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  grant(more: number): void {
    this.#credit += more
    this.#wake()
  }

  /** Nobody reads it any more. */
  cancel(): void {
    this.#isCancelled = true
    this.#interrupt?.()
    this.#wake()
  }

  /** An item could not be sent after all. */
  fail(error: Error): void {
    this.#failure ??= error
    this.cancel()
  }

  /** Nobody will ask for more. */
  starve(): void {
    this.#isStarved = true
    this.#wake()
  }

  /** The next item; undefined when it is cancelled first. No race: one promise for a whole stream would keep every item. */
  #next(): Promise<IteratorResult<unknown> | undefined> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined)
      this.#stepper(() => this.#iterator.next()).then(resolve, reject)
    })
  }

  #post(value: unknown): void {
    this.#credit--
    this.#port.post({ jsonrpc: '2.0', method: NOTES.item, params: { id: this.#id, value } }, true)
  }

  #wake(): void {
    this.#granted?.resolve()
    this.#granted = undefined
  }

  #leave(): void {
    void Promise.resolve()
      .then(() => this.#iterator.return?.())
      .catch(() => {})
  }

  /** Credit counts items, which may be large: where much waits already, the next one waits for room. */
  async #untilAllowed(): Promise<void> {
    while (!this.#isCancelled) {
      const { pressure } = this.#port
      if (this.#credit > 0 && pressure === undefined) return
      if (this.#credit <= 0 && this.#isStarved) throw new Starved()
      void pressure?.then(() => this.#wake())
      await (this.#granted ??= Promise.withResolvers<void>()).promise
    }
  }
}
