import type { Timer, Clock } from '../base/clock.ts'
import { ExitError } from '../base/errors.ts'
import type { Member } from './member.ts'
import type { ReadPoolCall } from './spec.ts'

/** How often a call that may be done twice is begun. */
const ATTEMPTS = 3

/** Something for a worker to do: a call, a stream, or a lease of the whole of it. Whoever asked hears of it once. */
export class Job {
  readonly options: ReadPoolCall
  /** By the clock, when it was asked for. */
  readonly since: number
  /** It wants the worker for itself. */
  readonly isAlone: boolean
  readonly #work: (member: Member, options: ReadPoolCall) => Promise<unknown>
  readonly #resolve: (value: any) => void
  readonly #reject: (error: Error) => void
  #attempts = 0
  #timer: Timer | undefined
  #onAbort: (() => void) | undefined

  constructor(
    options: ReadPoolCall,
    since: number,
    isAlone: boolean,
    work: (member: Member, options: ReadPoolCall) => Promise<unknown>,
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

  /** Does it. False when its worker has ended with it, and it may be done by another. */
  async run(member: Member, now: number): Promise<boolean> {
    this.#attempts++
    const { timeout } = this.options
    const options =
      timeout === Infinity ? this.options : { ...this.options, timeout: Math.max(1, timeout - (now - this.since)) }
    try {
      this.#resolve(await this.#work(member, options))
    } catch (error) {
      if (this.options.retry && error instanceof ExitError && this.#attempts < ATTEMPTS) return false
      this.#reject(error as Error)
    }
    return true
  }

  fail(error: Error): void {
    this.#reject(error)
  }

  /** It waits from now on; `drop` is called when it is late, or not wanted any more. */
  wait(clock: Clock, drop: (why: 'late' | 'aborted') => void): void {
    const { timeout, signal } = this.options
    if (timeout !== Infinity) this.#timer = clock.after(this.since + timeout - clock.now(), () => drop('late'))
    if (signal === undefined) return
    this.#onAbort = () => drop('aborted')
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** It does not wait any more. */
  awake(): void {
    this.#timer?.cancel()
    if (this.#onAbort !== undefined) this.options.signal?.removeEventListener('abort', this.#onAbort)
  }
}
