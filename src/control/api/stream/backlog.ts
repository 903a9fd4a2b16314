import { Ring } from '../../../base/queues/ring.ts'

/** What waits for a reader: an item; a place where `count` of them were dropped; a place for events up to `seq`. */
export type Waiting<T> =
  | { readonly kind: 'item'; readonly item: T; readonly size: number }
  | { readonly kind: 'gap'; count: number }
  | { readonly kind: 'events'; seq: number }

/**
 * What waits for a reader, in the order in which it came: so many bytes of items at most. Once it is full, what comes is dropped and
 * counted until half of it was read: a slow reader finds few wide gaps, not many small ones, each where it belongs.
 */
export class Backlog<T> {
  readonly #max: number
  readonly #waiting = new Ring<Waiting<T>>()
  #newest: Waiting<T> | undefined
  #size = 0
  #isDropping = false

  constructor(max: number) {
    this.#max = max
  }

  /** Bytes of items that wait. */
  get size(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** `size` in bytes. */
  push(item: T, size: number): void {
    if (this.#size + size > this.#max) this.#isDropping = true
    if (this.#isDropping) return this.#drop()
    this.#size += size
    this.#add({ kind: 'item', item, size })
  }

  /** Events are not kept here, only that some are to be told now. */
  expectEvents(seq: number): void {
    if (this.#newest?.kind === 'events') this.#newest.seq = seq
    else this.#add({ kind: 'events', seq })
  }

  /** The oldest; stays where it is. */
  peek(): Waiting<T> | undefined {
    return this.#waiting.peek()
  }

  shift(): Waiting<T> | undefined {
    const oldest = this.#waiting.shift()
    if (oldest === this.#newest) this.#newest = undefined
    if (oldest?.kind === 'item') this.#size -= oldest.size
    if (this.#size <= this.#max / 2) this.#isDropping = false
    return oldest
  }

  clear(): void {
    this.#waiting.clear()
    this.#newest = undefined
    this.#size = 0
  }

  #drop(): void {
    if (this.#newest?.kind === 'gap') this.#newest.count++
    else this.#add({ kind: 'gap', count: 1 })
  }

  #add(item: Waiting<T>): void {
    this.#newest = item
    this.#waiting.push(item)
  }
}
