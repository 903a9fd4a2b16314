import type { LogRecord } from '../../api/wire.ts'
import { toLine } from '../log-line.ts'
import { Backlog, type Written } from './backlog.ts'

/** What lines are appended to. */
export interface Appendable {
  /** After an error nothing of the text is there. */
  append(text: string): Promise<void>
  close(): Promise<void>
}

/** Bytes of one write. */
const BATCH = 256 * 1024

/** One file of the log, and the lines that wait for it. */
export class Shelf {
  readonly #file: Appendable
  readonly #backlog: Backlog
  isOpen = false

  /** `name` stands for it in records about lines that are missing; `limit` of what waits, in bytes. */
  constructor(file: Appendable, name: string, limit: number) {
    this.#file = file
    this.#backlog = new Backlog(limit, (count, last) => gapOf(name, count, last))
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#backlog.bytes
  }

  /** Lines that were dropped since it was made. */
  get dropped(): number {
    return this.#backlog.dropped
  }

  push(line: Written): void {
    this.#backlog.push(line)
  }

  /** What is not on the disk yet, oldest first. */
  records(): readonly LogRecord[] {
    return this.#backlog.records()
  }

  /** Writes what waits. @throws what the disk says; what was not written waits on */
  async flush(): Promise<void> {
    for (let batch = this.#backlog.first(BATCH); batch.length > 0; batch = this.#backlog.first(BATCH)) {
      this.isOpen = true
      await this.#file.append(batch.map(({ text }) => text).join(''))
      this.#backlog.remove(batch.length)
    }
  }

  async close(): Promise<void> {
    this.isOpen = false
    await this.#file.close()
  }
}

/** Stands where they would stand, and has the number of the last of them. */
function gapOf(name: string, count: number, { seq, time }: LogRecord): Written {
  const lines = count === 1 ? '1 line is' : `${count} lines are`
  const msg = `${lines} missing here: the disk did not take them in time`
  const record = { seq, time, worker: name, incarnation: 0, stream: 'pagent', level: 40, msg, dropped: count } as const
  return { record, text: toLine(record) }
}
