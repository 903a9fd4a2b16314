/** The writing end of a stream: sends as many items as were asked for, and waits. */
export class Outflow {
  readonly #iterator: AsyncIterator<unknown>
  readonly #send: (value: unknown) => void
  #credit: number
  #granted: PromiseWithResolvers<void> | undefined
  #cancelled = false

  constructor(items: AsyncIterable<unknown>, credit: number, send: (value: unknown) => void) {
    this.#iterator = items[Symbol.asyncIterator]()
    this.#credit = credit
    this.#send = send
  }

  /** Resolves at the end of the items, or once it was cancelled; rejects with what they throw. */
  async run(): Promise<void> {
    while (!this.#cancelled) {
      const next = await this.#iterator.next()
      if (next.done === true) return
      await this.#untilAllowed()
      if (this.#cancelled) break
      this.#credit--
      this.#send(next.value)
    }
    await this.#iterator.return?.()
  }

  grant(more: number): void {
    this.#credit += more
    this.#granted?.resolve()
    this.#granted = undefined
  }

  /** The items are told at once, those that listen. */
  cancel(): void {
    this.#cancelled = true
    this.#granted?.resolve()
  }

  async #untilAllowed(): Promise<void> {
    while (this.#credit <= 0 && !this.#cancelled) await (this.#granted ??= Promise.withResolvers<void>()).promise
  }
}
