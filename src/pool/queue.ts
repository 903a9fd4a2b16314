import type { Clock } from '../base/clock.ts'
import { OverloadError, TimeoutError } from '../base/errors.ts'
import { List } from '../base/queues/list.ts'
import { formatMillis } from '../base/units.ts'
import { Deadlines } from '../rpc/calling/deadlines.ts'
import { Deadline, type Job } from './job.ts'

/** Jobs that wait for a worker: the oldest first, and none for longer than it may. */
export class JobQueue {
  readonly #pool: string
  readonly #max: number
  readonly #jobs = new List<Job>()
  readonly #deadlines: Deadlines<Deadline>
  readonly #left: () => void
  readonly #coming: () => number
  #length = 0

  /**
   * `left`: a lease does not wait any longer, for which a worker may have been kept. `coming`: so many jobs can be done at a
   * time by workers that are not there yet; those who wait for them are not too many.
   */
  constructor(pool: string, clock: Clock, max: number, left: () => void, coming: () => number) {
    this.#pool = pool
    this.#max = max
    this.#left = left
    this.#coming = coming
    this.#deadlines = new Deadlines(clock, ({ job }) => this.#leave(job, this.#late(job.options.timeout)))
  }

  get length(): number {
    return this.#length
  }

  push(job: Job): void {
    const { signal, timeout } = job.options
    if (signal?.aborted === true) return job.fail(signal.reason as Error)
    if (this.#length >= this.#max && this.#length >= this.#max + this.#coming()) return job.fail(this.#overload())
    this.#jobs.addBehind(this.#jobs.last, job)
    this.#length++
    if (timeout !== Infinity) this.#deadlines.add((job.deadline = new Deadline(job)))
    if (signal === undefined) return
    job.onAbort = () => this.#leave(job, signal.reason as Error)
    signal.addEventListener('abort', job.onAbort, { once: true })
  }

  /** The oldest first. The one that was given may be removed before the next is asked for. */
  [Symbol.iterator](): IterableIterator<Job> {
    return this.#jobs[Symbol.iterator]()
  }

  /** None of them will be done. */
  failAll(error: Error): void {
    for (const job of this.#jobs) this.#drop(job, error)
    this.#deadlines.clear()
  }

  #leave(job: Job, error: Error): void {
    this.#drop(job, error)
    if (job.isAlone) this.#left()
  }

  #drop(job: Job, error: Error): void {
    this.remove(job)
    job.fail(error)
  }

  remove(job: Job): void {
    this.#jobs.remove(job)
    this.#length--
    if (job.deadline !== undefined) this.#deadlines.delete(job.deadline)
    if (job.onAbort !== undefined) job.options.signal?.removeEventListener('abort', job.onAbort)
    job.deadline = job.onAbort = undefined
  }

  #overload(): OverloadError {
    const waiting = this.#length
    const text = `Cannot call pool "${this.#pool}": ${waiting} calls wait for a worker; wait for some first`
    return new OverloadError(text, waiting, this.#max)
  }

  #late(timeout: number): TimeoutError {
    const text = `Cannot call pool "${this.#pool}": no worker was free within ${formatMillis(timeout)}`
    return new TimeoutError(text, 'a free worker', timeout)
  }
}
