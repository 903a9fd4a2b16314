import type { Id } from '../messages.ts'

/** So many places at first; twice as many whenever half of them are taken. */
const FIRST = 64

/**
 * What waits for an answer, by its id. An id is a number that has not been used, and says by its low bits where its call
 * stands: nothing is hashed, nothing moves, and what has left is held by nobody. (A `Map` with thousands of members a second
 * leaves old tables behind, of which each keeps the next, and what it held, from the young collector.)
 */
export class Pending<T extends { readonly id: number }> {
  #places: (T | undefined)[] = emptyPlaces(FIRST)
  #lastId = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The next id; its place is free. */
  newId(): number {
    const mask = this.#places.length - 1
    do this.#lastId++
    while (this.#places[this.#lastId & mask] !== undefined)
    return this.#lastId
  }

  /** Right after its `newId()`. */
  add(item: T): void {
    this.#places[item.id & (this.#places.length - 1)] = item
    if (++this.#size * 2 > this.#places.length) this.#grow()
  }

  /** Whatever somebody says is an id. */
  get(id: Id): T | undefined {
    if (typeof id !== 'number') return undefined
    const item = this.#places[id & (this.#places.length - 1)]
    return item?.id === id ? item : undefined
  }

  delete({ id }: T): void {
    this.#places[id & (this.#places.length - 1)] = undefined
    this.#size--
  }

  /** All of them, the oldest first. */
  all(): T[] {
    return this.#places.filter((item) => item !== undefined).toSorted((a, b) => a.id - b.id)
  }

  #grow(): void {
    const items = this.all()
    const size = this.#places.length * 2
    this.#places = emptyPlaces(size)
    for (const item of items) this.#places[item.id & (size - 1)] = item
  }
}

function emptyPlaces<T>(size: number): (T | undefined)[] {
  return Array.from({ length: size }, () => undefined)
}
