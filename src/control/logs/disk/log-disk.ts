import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, type Timer, sleep } from '../../../base/clock.ts'
import { toError } from '../../../base/errors.ts'
import type { LogRecord } from '../../api/wire.ts'
import type { LogPlan } from '../../config/fleet-plan.ts'
import { COMBINED, baseOf } from './names.ts'
import { removeAged } from './retention.ts'
import { RotatingFile } from './rotating-file.ts'
import { type Appendable, Shelf } from './shelf.ts'

/** What is told of the disk. */
export type DiskNews =
  /** Nothing can be written: told once. Lines wait, and are dropped when there are too many. */
  | { readonly state: 'failing'; readonly error: Error }
  /** It can be written to again; so many lines were dropped meanwhile. */
  | { readonly state: 'works'; readonly dropped: number }
  /** It works, but too slowly: so many lines were dropped lately. */
  | { readonly state: 'slow'; readonly dropped: number }

/** How a file is opened; a test has its own. */
export type OpenFile = (folder: string, base: string, plan: () => LogPlan) => Appendable

/** Characters that wait for the combined file, and for that of one worker. */
const COMBINED_LIMIT = 8 * 1024 * 1024
const WORKER_LIMIT = 512 * 1024
/** How long a line waits for others of the same file, in milliseconds. The combined file is never far behind. */
const COMBINED_PAUSE = 100
const WORKER_PAUSE = 2000
/** A worker that has so much to write does not wait. */
const MUCH = 64 * 1024
/** How long it takes until what has failed is tried again. */
const RETRY = 1000
/** Files of workers that are open at a time, and how long nobody writes until all are closed. */
const MOST_OPEN = 32
const IDLE = 10_000
const SWEEP_EVERY = 3_600_000
/** How long a disk that does not answer is waited for in the end. */
const FAREWELL = 3000

/**
 * Keeps the lines of all workers together, and of each by itself, in files. Takes lines at any speed, since it only remembers
 * them: one loop writes them, one file after the other, and what it cannot write in time is dropped and counted.
 */
export class LogDisk {
  readonly folder: string
  readonly #clock: Clock
  readonly #open: OpenFile
  readonly #onNews: (news: DiskNews) => void
  #plan: LogPlan
  readonly #combined: Shelf
  readonly #workers = new Map<string, Shelf>()
  /** Those that have something to write. */
  readonly #waiting = new Set<Shelf>()
  /** Those whose files are open, the one that was written to last at the end. */
  readonly #opened = new Set<Shelf>()
  #timer: Timer | undefined
  /** When that fires. */
  #due = Infinity
  #isClosing = false
  #pumping: Promise<void> | undefined
  #workersDue: number
  #sweepDue = -Infinity
  #isPrepared = false
  #mustReopen = false
  #isFailing = false
  /** Lines whose loss was told. */
  #told = 0
  #toldAt = -Infinity

  constructor(
    folder: string,
    plan: LogPlan,
    clock: Clock,
    onNews: (news: DiskNews) => void,
    open: OpenFile = (...args) => new RotatingFile(...args),
  ) {
    this.folder = folder
    this.#plan = plan
    this.#clock = clock
    this.#onNews = onNews
    this.#open = open
    this.#workersDue = clock.now()
    this.#combined = new Shelf(
      open(folder, COMBINED, () => this.#plan),
      'pagent',
      COMBINED_LIMIT,
    )
  }

  /** What is kept from now on. */
  change(plan: LogPlan): void {
    this.#plan = plan
    this.#mustReopen = true
  }

  /** Takes a record as a line. Never waits, and never throws. */
  write(record: LogRecord, line: string): void {
    const shelf = this.#shelfOf(record.worker)
    this.#combined.push(line, record)
    shelf.push(line, record)
    this.#waiting.add(shelf)
    this.#wake(this.#isFailing ? RETRY : COMBINED_PAUSE)
  }

  /** What is not on the disk yet: of one worker, or of all, oldest first. */
  unwritten(worker?: string): readonly LogRecord[] {
    return (worker === undefined ? this.#combined : this.#workers.get(worker))?.records() ?? []
  }

  /** Resolves when the round of writing that is under way is over. */
  get settled(): Promise<void> {
    return this.#pumping ?? Promise.resolve()
  }

  /** Writes what waits, as far as the disk takes it within some seconds, and closes all files. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#timer?.cancel()
    this.#workersDue = -Infinity
    const written = (async () => {
      await this.#pumping
      await this.#pump()
      for (const shelf of [this.#combined, ...this.#opened]) await shelf.close()
    })()
    const over = new AbortController()
    await Promise.race([written, sleep(this.#clock, FAREWELL, over.signal).catch(() => {})])
    over.abort()
  }

  #shelfOf(worker: string): Shelf {
    const known = this.#workers.get(worker)
    if (known !== undefined) return known
    const shelf = new Shelf(
      this.#open(this.folder, baseOf(worker), () => this.#plan),
      worker,
      WORKER_LIMIT,
    )
    this.#workers.set(worker, shelf)
    return shelf
  }

  /** In so many milliseconds at the latest. */
  #wake(after: number): void {
    const due = this.#clock.now() + after
    if (this.#pumping !== undefined || this.#isClosing || this.#due <= due) return
    this.#timer?.cancel()
    this.#due = due
    this.#timer = this.#clock.after(after, () => this.#awake())
  }

  #awake(): void {
    this.#due = Infinity
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = undefined
      this.#sleep()
    })
  }

  /** Until there is something to do again. */
  #sleep(): void {
    if (this.#isFailing) return this.#wake(RETRY)
    if (this.#combined.waiting > 0) return this.#wake(COMBINED_PAUSE)
    if (this.#waiting.size > 0) return this.#wake(Math.max(0, this.#workersDue - this.#clock.now()))
    if (this.#opened.size > 0 || this.#combined.isOpen) this.#wake(IDLE)
  }

  /** One round over all files that are due. */
  async #pump(): Promise<void> {
    const isIdle = this.#combined.waiting === 0 && this.#waiting.size === 0
    try {
      await this.#prepare()
      if (isIdle || this.#mustReopen) await this.#closeAll()
      await this.#combined.flush()
      for (const shelf of this.#takeDue()) await this.#flush(shelf)
      this.#tellThatItWorks()
    } catch (error) {
      this.#tellThatItFails(toError(error))
    }
  }

  #takeDue(): readonly Shelf[] {
    const isTime = this.#clock.now() >= this.#workersDue
    if (isTime) this.#workersDue = this.#clock.now() + WORKER_PAUSE
    return [...this.#waiting].filter((shelf) => isTime || shelf.waiting >= MUCH)
  }

  async #flush(shelf: Shelf): Promise<void> {
    this.#opened.delete(shelf)
    this.#opened.add(shelf)
    await shelf.flush()
    if (shelf.waiting === 0) this.#waiting.delete(shelf)
    for (const oldest of this.#opened) {
      if (this.#opened.size <= MOST_OPEN) break
      this.#opened.delete(oldest)
      await oldest.close()
    }
  }

  async #prepare(): Promise<void> {
    if (!this.#isPrepared) await mkdir(join(this.folder, 'workers'), { recursive: true, mode: 0o700 })
    this.#isPrepared = true
    if (this.#clock.now() < this.#sweepDue) return
    this.#sweepDue = this.#clock.now() + SWEEP_EVERY
    await removeAged(this.folder, this.#plan, this.#clock.date())
  }

  /** A file that nobody writes to makes no room for the next. */
  async #closeAll(): Promise<void> {
    for (const shelf of [this.#combined, ...this.#opened]) await shelf.close()
    this.#opened.clear()
    this.#mustReopen = false
  }

  #tellThatItWorks(): void {
    const { dropped } = this.#combined
    const count = dropped - this.#told
    const wasFailing = this.#isFailing
    this.#isFailing = false
    const isTime = this.#clock.now() - this.#toldAt >= IDLE
    if (!wasFailing && (count === 0 || !isTime)) return
    this.#told = dropped
    this.#toldAt = this.#clock.now()
    this.#onNews({ state: wasFailing ? 'works' : 'slow', dropped: count })
  }

  #tellThatItFails(error: Error): void {
    if (this.#isFailing) return
    this.#isFailing = true
    this.#onNews({ state: 'failing', error })
  }
}
