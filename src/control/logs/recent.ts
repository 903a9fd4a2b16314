import { Ring } from '../../base/queues/ring.ts'
import type { LogRecord } from '../api/wire.ts'
import { recordsOf } from './log-line.ts'

/** Characters that are remembered of one worker, and of all together. */
const OF_ONE = 256 * 1024
const OF_ALL = 16 * 1024 * 1024

/** The last lines of every worker, in memory and as they are on the disk: one that floods displaces its own. */
export class Recent {
  readonly #shelves = new Map<string, Shelf>()
  readonly #limit: number
  #length = 0

  /** `limit` of all together, in characters. */
  constructor(limit = OF_ALL) {
    this.#limit = limit
  }

  push(worker: string, line: string): void {
    let shelf = this.#shelves.get(worker)
    if (shelf === undefined) this.#shelves.set(worker, (shelf = new Shelf()))
    this.#length += shelf.push(line)
    this.#length -= shelf.shrinkTo(OF_ONE)
    if (this.#length > this.#limit) this.#makeRoom()
  }

  /** Of one worker, oldest first. */
  of(worker: string): readonly LogRecord[] {
    return recordsOf(this.#shelves.get(worker)?.lines ?? [])
  }

  /** Of all, oldest first. */
  all(): readonly LogRecord[] {
    const all = [...this.#shelves.values()].flatMap(({ lines }) => recordsOf(lines))
    return all.toSorted((a, b) => a.seq - b.seq)
  }

  /** Whoever has most gives half of it. */
  #makeRoom(): void {
    let largest: Shelf | undefined
    for (const shelf of this.#shelves.values()) if (shelf.length > (largest?.length ?? 0)) largest = shelf
    if (largest !== undefined) this.#length -= largest.shrinkTo(largest.length / 2)
  }
}

class Shelf {
  readonly lines = new Ring<string>()
  length = 0

  /** How much more it takes now. */
  push(line: string): number {
    this.lines.push(line)
    this.length += line.length
    return line.length
  }

  /** How much less it takes now. The last one stays, whatever its size. */
  shrinkTo(limit: number): number {
    const before = this.length
    while (this.length > limit && this.lines.length > 1) this.length -= this.lines.shift()?.length ?? 0
    return before - this.length
  }
}
