import { Ring } from '../../../base/queues/ring.ts'
import type { LogRecord } from '../../api/wire.ts'

/** A record, and its line. */
export interface Written {
  readonly record: LogRecord
  readonly text: string
}

/** Makes the record that stands for so many lines that were dropped. */
export type GapMarker = (count: number, last: LogRecord) => Written

/** Lines that wait for the disk. When there are too many the newest are dropped, and a record in their place says how many. */
export class Backlog {
  readonly #limit: number
  readonly #markGap: GapMarker
  readonly #lines = new Ring<Written>()
  #bytes = 0
  #dropped = 0
  #lastDropped: LogRecord | undefined
  #droppedInAll = 0

  /** `limit` in bytes. */
  constructor(limit: number, markGap: GapMarker) {
    this.#limit = limit
    this.#markGap = markGap
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Lines dropped since it was made. */
  get dropped(): number {
    return this.#droppedInAll
  }

  push(line: Written): void {
    if (this.#bytes + line.text.length > this.#limit) {
      this.#dropped++
      this.#droppedInAll++
      this.#lastDropped = line.record
      return
    }
    this.#closeGap()
    this.#add(line)
  }

  /** The oldest lines, so many bytes of them at most, but one at least. They stay until `remove`. */
  first(bytes: number): readonly Written[] {
    const batch: Written[] = []
    let size = 0
    for (const line of this.#lines) {
      if (batch.length > 0 && size + line.text.length > bytes) break
      batch.push(line)
      size += line.text.length
    }
    return batch
  }

  /** So many of the oldest are on the disk. */
  remove(count: number): void {
    for (let left = count; left > 0; left--) this.#bytes -= this.#lines.shift()?.text.length ?? 0
    if (this.#lines.length === 0) this.#closeGap()
  }

  /** Those that are not on the disk yet, oldest first. */
  records(): readonly LogRecord[] {
    return [...this.#lines].map(({ record }) => record)
  }

  #closeGap(): void {
    if (this.#lastDropped === undefined) return
    const mark = this.#markGap(this.#dropped, this.#lastDropped)
    this.#lastDropped = undefined
    this.#dropped = 0
    this.#add(mark)
  }

  #add(line: Written): void {
    this.#lines.push(line)
    this.#bytes += line.text.length
  }
}
