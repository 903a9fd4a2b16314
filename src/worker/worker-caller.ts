import { sleep } from '../base/clock.ts'
import { ClosedError, ExitError, TimeoutError } from '../base/errors.ts'
import type { Exit } from '../base/exit.ts'
import { formatMillis } from '../base/units.ts'
import { handled } from '../channel/outbox.ts'
import type { Caller, ReadCallOptions } from '../rpc/client.ts'
import { abortable } from './life/callbacks.ts'
import type { Calls, RpcSettings } from './life/calls.ts'
import type { Lifecycle } from './lifecycle.ts'

/** How often a call that may be done twice is tried. */
const ATTEMPTS = 3

/** Calls a worker through all its lives. */
export class WorkerCaller implements Caller {
  readonly #lifecycle: Lifecycle

  /** @throws TypeError when its messages belong to somebody else. */
  constructor(lifecycle: Lifecycle, settings: RpcSettings) {
    this.#lifecycle = lifecycle
    const { id, job, life } = lifecycle
    if (job?.plan.spec.onMessage !== undefined)
      throw new TypeError(`Cannot call worker "${id}": its onMessage gets every message; use one or the other`)
    lifecycle.rpc ??= settings
    if (life?.exit === undefined) life?.streams?.openCalls(lifecycle.rpc)
  }

  call(method: string, params: readonly unknown[], options: ReadCallOptions): Promise<unknown> {
    if (options.retry) return this.#retry(method, params, options)
    const calls = this.#lifecycle.life?.streams?.calls
    return calls?.call(method, params, options) ?? this.#callLater(method, params, options)
  }

  async notify(method: string, params: readonly unknown[]): Promise<void> {
    const calls = await this.#opened()
    await calls.peer.notify(method, params)
  }

  stream(method: string, params: readonly unknown[], options: ReadCallOptions): AsyncIterable<unknown> {
    return (
      this.#lifecycle.life?.streams?.calls?.stream(method, params, options) ??
      this.#streamLater(method, params, options)
    )
  }

  async #callLater(method: string, params: readonly unknown[], options: ReadCallOptions): Promise<unknown> {
    const began = this.#lifecycle.clock.now()
    const calls = await this.#inTime(this.#opened(), method, options)
    return calls.call(method, params, this.#whatIsLeft(options, began))
  }

  /** Nothing is begun before somebody reads. */
  async *#streamLater(method: string, params: readonly unknown[], options: ReadCallOptions): AsyncGenerator {
    const began = this.#lifecycle.clock.now()
    const calls = await this.#inTime(this.#opened(), method, options)
    yield* calls.stream(method, params, this.#whatIsLeft(options, began))
  }

  /** As soon as the process that is being started exists; an error when there is none, and none to come. */
  async #opened(): Promise<Calls> {
    const { life } = this.#lifecycle
    if (life === undefined) throw this.#neverStarted()
    await life.opened
    const calls = life.streams?.calls
    if (calls !== undefined) return calls
    throw new ExitError('call', life.exit as Exit)
  }

  /** Again in the next life, if there is one, and while there is time. */
  async #retry(method: string, params: readonly unknown[], options: ReadCallOptions): Promise<unknown> {
    const began = this.#lifecycle.clock.now()
    for (let attempt = 1; ; attempt++) {
      const left = { ...this.#whatIsLeft(options, began), retry: false }
      try {
        return await this.call(method, params, left)
      } catch (error) {
        if (!(error instanceof ExitError) || attempt === ATTEMPTS) throw error
      }
      await this.#inTime(this.#lifecycle.ready(), method, this.#whatIsLeft(options, began))
    }
  }

  #whatIsLeft(options: ReadCallOptions, began: number): ReadCallOptions {
    if (options.timeout === Infinity) return options
    return { ...options, timeout: Math.max(1, options.timeout - (this.#lifecycle.clock.now() - began)) }
  }

  /** What has to come before the call itself is waited for no longer than that one may take. */
  async #inTime<T>(promise: Promise<T>, method: string, { timeout, signal }: ReadCallOptions): Promise<T> {
    if (timeout === Infinity) return abortable(promise, signal)
    const over = new AbortController()
    const late = sleep(this.#lifecycle.clock, timeout, over.signal).then(() => {
      const text = `Cannot call ${method} in worker "${this.#lifecycle.id}": no answer within ${formatMillis(timeout)}`
      throw new TimeoutError(text, method, timeout)
    })
    void handled(promise)
    void handled(late)
    try {
      return await Promise.race([abortable(promise, signal), late])
    } finally {
      over.abort()
    }
  }

  #neverStarted(): ClosedError {
    return new ClosedError(`Cannot call worker "${this.#lifecycle.id}": it was not started; start() it first`)
  }
}
