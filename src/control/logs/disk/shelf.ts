import type { LogRecord } from '../../api/wire.ts'
import { recordsOf, toLine } from '../log-line.ts'
import { Backlog } from './backlog.ts'

/** What lines are appended to. */
export interface Appendable {
  /** After an error nothing of the text is there. */
  append(text: string): Promise<void>
  close(): Promise<void>
}

/** Characters of one write; fewer where the disk has no room for so many. */
const BATCH = 256 * 1024
const SMALLEST_BATCH = 4096

/** One file of the log, and the lines that wait for it. */
export class Shelf {
  readonly #file: Appendable
  readonly #backlog: Backlog
  isOpen = false

  /** `name` stands for it in records about lines that are missing; `limit` of what waits, in characters. */
  constructor(file: Appendable, name: string, limit: number) {
    this.#file = file
    this.#backlog = new Backlog(limit, (count, seq, time) => gapOf(name, count, seq, time))
  }

  /** Characters that wait. */
  get waiting(): number {
    return this.#backlog.length
  }

  /** Lines that were dropped since it was made. */
  get dropped(): number {
    return this.#backlog.dropped
  }

  push(line: string, { seq, time }: LogRecord): void {
    this.#backlog.push(line, seq, time)
  }

  /** What is not on the disk yet, oldest first. */
  records(): readonly LogRecord[] {
    return recordsOf(this.#backlog.lines())
  }

  /** Writes what waits. @throws what the disk says; what was not written waits on */
  async flush(): Promise<void> {
    let size = BATCH
    for (let batch = this.#backlog.first(size); batch.length > 0; batch = this.#backlog.first(size)) {
      if (await this.#append(batch, size <= SMALLEST_BATCH)) this.#backlog.remove(batch.length)
      else size = size / 4
    }
  }

  /** False when it may be worth while to try with less. */
  async #append(batch: readonly string[], isSmallest: boolean): Promise<boolean> {
    this.isOpen = true
    try {
      await this.#file.append(`${batch.join('\n')}\n`)
      return true
    } catch (error) {
      if (isSmallest || (error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      return false
    }
  }

  async close(): Promise<void> {
    this.isOpen = false
    await this.#file.close()
  }
}

/** Stands where they would stand, and has the number of the last of them. */
function gapOf(name: string, count: number, seq: number, time: number): string {
  const lines = count === 1 ? '1 line is' : `${count} lines are`
  const msg = `${lines} missing here: the disk did not take them in time`
  return toLine({ seq, time, worker: name, incarnation: 0, stream: 'pagent', level: 40, msg, dropped: count })
}
