import type { Clock } from '../base/clock.ts'
import { OverloadError, TimeoutError } from '../base/errors.ts'
import { formatMillis } from '../base/units.ts'
import type { Job } from './job.ts'

/** Jobs that wait for a worker: the oldest first, and none for longer than it may. */
export class JobQueue {
  readonly #pool: string
  readonly #clock: Clock
  readonly #max: number
  readonly #jobs = new Set<Job>()

  constructor(pool: string, clock: Clock, max: number) {
    this.#pool = pool
    this.#clock = clock
    this.#max = max
  }

  get length(): number {
    return this.#jobs.size
  }

  push(job: Job): void {
    const { signal } = job.options
    if (signal?.aborted === true) return job.fail(signal.reason as Error)
    if (this.#jobs.size >= this.#max) return job.fail(this.#overload())
    this.#jobs.add(job)
    job.wait(this.#clock, (why) => {
      this.#remove(job)
      job.fail(why === 'late' ? this.#late(job.options.timeout) : (signal?.reason as Error))
    })
  }

  /** Takes the oldest for which that is true. */
  take(fits: (job: Job) => boolean): Job | undefined {
    for (const job of this.#jobs) {
      if (!fits(job)) continue
      this.#remove(job)
      return job
    }
    return undefined
  }

  /** None of them will be done. */
  failAll(error: Error): void {
    for (const job of this.#jobs) {
      this.#remove(job)
      job.fail(error)
    }
  }

  #remove(job: Job): void {
    this.#jobs.delete(job)
    job.awake()
  }

  #overload(): OverloadError {
    const { size } = this.#jobs
    const text = `Cannot call pool "${this.#pool}": ${size} calls wait for a worker; wait for some first`
    return new OverloadError(text, size, this.#max)
  }

  #late(timeout: number): TimeoutError {
    const text = `Cannot call pool "${this.#pool}": no worker was free within ${formatMillis(timeout)}`
    return new TimeoutError(text, 'a free worker', timeout)
  }
}
