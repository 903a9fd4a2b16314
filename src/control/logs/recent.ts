import { Ring } from '../../base/queues/ring.ts'
import type { LogRecord } from '../api/wire.ts'

/** Bytes that are remembered of one worker, and of all together. */
const OF_ONE = 64 * 1024
const OF_ALL = 16 * 1024 * 1024
/** What a record takes beside its text, about. */
const OVERHEAD = 100

/** The last lines of every worker, in memory: one that floods displaces its own. */
export class Recent {
  readonly #shelves = new Map<string, Shelf>()
  readonly #limit: number
  #bytes = 0

  /** `limit` of all together, in bytes. */
  constructor(limit = OF_ALL) {
    this.#limit = limit
  }

  push(record: LogRecord): void {
    let shelf = this.#shelves.get(record.worker)
    if (shelf === undefined) this.#shelves.set(record.worker, (shelf = new Shelf()))
    this.#bytes += shelf.push(record)
    this.#bytes -= shelf.shrinkTo(OF_ONE)
    if (this.#bytes > this.#limit) this.#makeRoom()
  }

  /** Of one worker, oldest first. */
  of(worker: string): readonly LogRecord[] {
    return [...(this.#shelves.get(worker)?.records ?? [])]
  }

  /** Of all, oldest first. */
  all(): readonly LogRecord[] {
    return [...this.#shelves.values()].flatMap(({ records }) => Array.from(records)).toSorted((a, b) => a.time - b.time)
  }

  forget(worker: string): void {
    this.#bytes -= this.#shelves.get(worker)?.bytes ?? 0
    this.#shelves.delete(worker)
  }

  /** Whoever has most gives half of it. */
  #makeRoom(): void {
    let largest: Shelf | undefined
    for (const shelf of this.#shelves.values()) if (shelf.bytes > (largest?.bytes ?? 0)) largest = shelf
    if (largest !== undefined) this.#bytes -= largest.shrinkTo(largest.bytes / 2)
  }
}

class Shelf {
  readonly records = new Ring<LogRecord>()
  bytes = 0

  /** How much more it takes now. */
  push(record: LogRecord): number {
    this.records.push(record)
    const size = sizeOf(record)
    this.bytes += size
    return size
  }

  /** How much less it takes now. The last one stays, whatever its size. */
  shrinkTo(limit: number): number {
    const before = this.bytes
    while (this.bytes > limit && this.records.length > 1) this.bytes -= sizeOf(this.records.shift()!)
    return before - this.bytes
  }
}

/** V8 keeps most text in one byte a character. */
function sizeOf({ msg }: LogRecord): number {
  return msg.length + OVERHEAD
}
