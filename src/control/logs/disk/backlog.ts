import { Ring } from '../../../base/queues/ring.ts'

/** Makes the line that stands for so many that were dropped; the last of them had this number and time. */
export type GapMarker = (count: number, seq: number, time: number) => string

/** Lines that wait for the disk. When there are too many the newest are dropped, and one in their place says how many. */
export class Backlog {
  readonly #limit: number
  readonly #markGap: GapMarker
  readonly #lines = new Ring<string>()
  #length = 0
  /** Since the last line that was taken. */
  #missing = 0
  #lastMissing = { seq: 0, time: 0 }
  #dropped = 0

  /** `limit` in characters. */
  constructor(limit: number, markGap: GapMarker) {
    this.#limit = limit
    this.#markGap = markGap
  }

  /** In characters. */
  get length(): number {
    return this.#length
  }

  /** Lines dropped since it was made. */
  get dropped(): number {
    return this.#dropped
  }

  push(line: string, seq: number, time: number): void {
    if (this.#length + line.length <= this.#limit) {
      this.#closeGap()
      return this.#add(line)
    }
    this.#missing++
    this.#dropped++
    this.#lastMissing = { seq, time }
  }

  /** The oldest lines, so many characters of them at most, but one at least. They stay until `remove`. */
  first(length: number): readonly string[] {
    const batch: string[] = []
    let sum = 0
    for (const line of this.#lines) {
      if (batch.length > 0 && sum + line.length > length) break
      batch.push(line)
      sum += line.length
    }
    return batch
  }

  /** So many of the oldest are on the disk. */
  remove(count: number): void {
    for (let left = count; left > 0; left--) this.#length -= this.#lines.shift()?.length ?? 0
    if (this.#lines.length === 0) this.#closeGap()
  }

  /** Those that are not on the disk yet, oldest first. */
  lines(): Iterable<string> {
    return this.#lines
  }

  #closeGap(): void {
    if (this.#missing === 0) return
    const { seq, time } = this.#lastMissing
    const mark = this.#markGap(this.#missing, seq, time)
    this.#missing = 0
    this.#add(mark)
  }

  #add(line: string): void {
    this.#lines.push(line)
    this.#length += line.length
  }
}
