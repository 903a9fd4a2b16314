/** What stands in a list knows its neighbours there. Only the list changes them. */
export interface Linked {
  before: this | undefined
  after: this | undefined
}

/**
 * A line that can be left from anywhere, in constant time and without a table. What has left holds nobody: an old one
 * would keep all that came after it from the young collector.
 */
export class List<T extends Linked> {
  #first: T | undefined
  #last: T | undefined

  get first(): T | undefined {
    return this.#first
  }

  get last(): T | undefined {
    return this.#last
  }

  /** Behind `before`, or at the head where there is none. */
  addBehind(before: T | undefined, item: T): void {
    const after = before === undefined ? this.#first : before.after
    item.before = before
    item.after = after
    if (before === undefined) this.#first = item
    else before.after = item
    if (after === undefined) this.#last = item
    else after.before = item
  }

  /** False for what does not stand in it. */
  remove(item: T): boolean {
    const { before, after } = item
    if (before === undefined && this.#first !== item) return false
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    item.before = item.after = undefined
    return true
  }

  /** All of them, in order. The one that was given may leave before the next is asked for. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let item = this.#first; item !== undefined;) {
      const { after } = item
      yield item
      item = after
    }
  }
}
