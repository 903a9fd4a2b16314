import type { LogQuery, LogRecord } from '../api/wire.ts'
import { Recent } from './recent.ts'

/** Everything the workers of a fleet have written, and what is said about them. */
export class LogBook {
  readonly #recent = new Recent()
  readonly #listeners = new Set<(record: LogRecord) => void>()
  #seq = 0

  write(entry: Omit<LogRecord, 'seq'>): void {
    const record = { ...entry, seq: ++this.#seq }
    this.#recent.push(record)
    for (const listener of this.#listeners) listener(record)
  }

  /** Called synchronously for each; must not throw. Returns what ends it. */
  listen(listener: (record: LogRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The last lines of one worker. */
  lastOf(worker: string, count: number): readonly LogRecord[] {
    return this.#recent.of(worker).slice(-count)
  }

  /** `workers` are ids. Oldest first. */
  async *read(
    query: Omit<LogQuery, 'workers'> & { readonly workers: readonly string[] | undefined },
  ): AsyncGenerator<LogRecord> {
    const { workers, since = -Infinity, stream, lines = 100 } = query
    const isWanted = (record: LogRecord): boolean =>
      record.time >= since &&
      (stream === undefined || record.stream === stream) &&
      (workers === undefined || workers.includes(record.worker))
    yield* this.#recent.all().filter(isWanted).slice(-lines)
  }
}
