/** How many figures are kept of each: the last minute, at one a second. */
export const KEPT = 60

/** The last figures of one kind, `NaN` where there was none; takes no more memory than that, however long it goes on. */
export class History {
  readonly #values = new Float64Array(KEPT)
  #next = 0
  #count = 0

  push(value: number): void {
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % KEPT
    this.#count = Math.min(KEPT, this.#count + 1)
  }

  /** The last so many, the oldest first; fewer where there are not as many. */
  last(count: number): number[] {
    const length = Math.min(count, this.#count)
    return Array.from({ length }, (_, i) => this.#values[(this.#next - length + i + KEPT) % KEPT] ?? 0)
  }
}
