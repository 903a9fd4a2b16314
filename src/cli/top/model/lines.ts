import type { LogRecord } from '../../../control/api/wire.ts'

/** How many lines can be scrolled back to. */
const KEPT = 2000
/** Characters of one line; who wants to see more has a file of it. */
const LONGEST = 4000

/** The last lines that were written. Each has a number that stays, whatever is forgotten before it. */
export class Lines {
  #records: LogRecord[] = []
  #first = 0

  /** The number of the oldest that is kept. */
  get first(): number {
    return this.#first
  }

  /** The number the next one will have. */
  get end(): number {
    return this.#first + this.#records.length
  }

  at(number: number): LogRecord | undefined {
    return this.#records[number - this.#first]
  }

  push(record: LogRecord): void {
    const { msg } = record
    this.#records.push(msg.length <= LONGEST ? record : { ...record, msg: `${msg.slice(0, LONGEST)}…` })
    // Seldom, and many at once: it costs the same for one.
    if (this.#records.length >= 2 * KEPT) this.#forget(KEPT)
  }

  clear(): void {
    this.#forget(this.#records.length)
  }

  #forget(count: number): void {
    this.#records = this.#records.slice(count)
    this.#first += count
  }
}
