/** A first-in first-out queue; `push` and `shift` take constant time at any length. */
export class Ring<T> {
  #slots: (T | undefined)[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length++
  }

  /** The oldest item, or undefined when empty. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#slots[this.#head]
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    // A burst must not keep its memory for ever.
    if (--this.#length === 0 && this.#slots.length > 1024) this.clear()
    return item
  }

  clear(): void {
    this.#slots = []
    this.#head = 0
    this.#length = 0
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.#slots[(this.#head + i) & (this.#slots.length - 1)] as T
  }

  /** Lengths are powers of two, so that a position wraps by a mask. */
  #grow(): void {
    const items = [...this]
    this.#slots = items
    this.#slots.length = Math.max(8, items.length * 2)
    this.#head = 0
  }
}
