/** A value that comes once. Takes no memory for a promise until somebody asks for one. */
export class Later<T> {
  #waiting: PromiseWithResolvers<T> | undefined
  #come: { readonly value: T } | undefined

  get promise(): Promise<T> {
    if (this.#waiting !== undefined) return this.#waiting.promise
    this.#waiting = Promise.withResolvers<T>()
    if (this.#come !== undefined) this.#waiting.resolve(this.#come.value)
    return this.#waiting.promise
  }

  /** Only the first value counts. */
  resolve(value: T): void {
    this.#come ??= { value }
    this.#waiting?.resolve(value)
  }
}
