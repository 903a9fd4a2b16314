import { ExitError } from '../base/errors.ts'
import type { Linked } from '../base/queues/list.ts'
import type { ReadCallOptions } from '../rpc/client.ts'
import type { Timed } from '../rpc/calling/deadlines.ts'
import type { Member } from './member.ts'
import type { ReadPoolCall } from './spec.ts'

/** How often a call that may be done twice is begun. */
const ATTEMPTS = 3

/** Does it, by these options; its time counts from when it was asked for. */
export type Work = (member: Member, options: ReadCallOptions, since: number) => Promise<unknown>

/** Something for a worker to do: a call, a stream, or a lease of the whole of it. Whoever asked hears of it once. */
export class Job implements Linked {
  readonly options: ReadPoolCall
  /** By the clock, when it was asked for. */
  readonly since: number
  /** It wants the worker for itself. */
  readonly isAlone: boolean
  /** Its neighbours in the queue, and when it has waited there too long. */
  before: this | undefined = undefined
  after: this | undefined = undefined
  deadline: Deadline | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  readonly #work: Work
  readonly #resolve: (value: any) => void
  readonly #reject: (error: Error) => void
  #attempts = 0

  constructor(
    options: ReadPoolCall,
    since: number,
    isAlone: boolean,
    work: Work,
    resolve: (value: any) => void,
    reject: (error: Error) => void,
  ) {
    this.options = options
    this.since = since
    this.isAlone = isAlone
    this.#work = work
    this.#resolve = resolve
    this.#reject = reject
  }

  /**
   * Does it. When it is over `ended` is called, before whoever asked hears of it: with false when its worker has ended with it,
   * and it may be done by another.
   */
  run(member: Member, ended: (isDone: boolean) => void): void {
    this.#attempts++
    this.#begin(member).then(
      (value) => {
        ended(true)
        this.#resolve(value)
      },
      (error: Error) => {
        const isDone = !this.options.retry || !(error instanceof ExitError) || this.#attempts >= ATTEMPTS
        ended(isDone)
        if (isDone) this.#reject(error)
      },
    )
  }

  fail(error: Error): void {
    this.#reject(error)
  }

  /** The pool itself asks again. */
  #begin(member: Member): Promise<unknown> {
    try {
      return this.#work(member, this.options.once, this.since)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/** Of a job that waits: when it has waited too long. */
export class Deadline implements Timed {
  readonly job: Job
  readonly timeout: number
  readonly due: number
  before: this | undefined = undefined
  after: this | undefined = undefined

  constructor(job: Job) {
    this.job = job
    this.timeout = job.options.timeout
    this.due = job.since + this.timeout
  }
}
