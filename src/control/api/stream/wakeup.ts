/** One who waits to be called; a call before he waits counts too. */
export class Wakeup {
  #waiting: PromiseWithResolvers<void> | undefined
  #isCalled = false

  call(): void {
    if (this.#waiting === undefined) this.#isCalled = true
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  get called(): Promise<void> {
    if (this.#isCalled) {
      this.#isCalled = false
      return Promise.resolve()
    }
    return (this.#waiting ??= Promise.withResolvers<void>()).promise
  }
}
