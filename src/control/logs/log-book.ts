import type { LogRecord } from '../api/wire.ts'
import type { LogDisk } from './disk/log-disk.ts'
import { readDisk } from './disk/read-disk.ts'
import { cut, toLine } from './log-line.ts'
import { Recent } from './recent.ts'
import { type LogRequest, Selection, linesOf } from './selection.ts'

/** Everything the workers of a fleet have written, and what is said about them. */
export class LogBook {
  readonly #disk: LogDisk | undefined
  readonly #startedAt: number
  readonly #recent = new Recent()
  readonly #listeners = new Set<(record: LogRecord) => void>()
  #seq = 0

  /** Without a disk only the last lines are known. `startedAt` is when this fleet began: earlier records are of another. */
  constructor(startedAt: number, disk: LogDisk | undefined) {
    this.#startedAt = startedAt
    this.#disk = disk
  }

  /** Takes no time to speak of, whatever the disk does. */
  write(entry: Omit<LogRecord, 'seq'>): void {
    const record = { ...entry, msg: cut(entry.msg), seq: ++this.#seq }
    const line = toLine(record)
    this.#recent.push(record.worker, line)
    this.#disk?.write(record, line)
    for (const listener of this.#listeners) listener(record)
  }

  /** Called synchronously for each; must not throw. Returns what ends it. */
  listen(listener: (record: LogRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The last lines of one worker, as far as they are in memory. */
  lastOf(worker: string, count: number): readonly LogRecord[] {
    return this.#recent.of(worker).slice(-count)
  }

  /** Oldest first: the last ones, or all since a time. Whatever was written before the first is asked for is in it. */
  async *read(request: LogRequest): AsyncGenerator<LogRecord> {
    const disk = this.#disk
    const onDisk = disk === undefined ? undefined : readDisk(disk, request, this.#startedAt)
    // A disk that cannot be read is no reason to tell nothing.
    const first = await onDisk?.next().catch(() => undefined)
    if (onDisk === undefined || first === undefined) return yield* this.#readMemory(request)
    if (first.done === true) return
    yield first.value
    yield* onDisk
  }

  close(): Promise<void> {
    return this.#disk?.close() ?? Promise.resolve()
  }

  #readMemory(request: LogRequest): readonly LogRecord[] {
    const selection = new Selection(request)
    const wanted = this.#recent.all().filter((record) => selection.wants(record))
    return wanted.slice(-linesOf(request))
  }
}
