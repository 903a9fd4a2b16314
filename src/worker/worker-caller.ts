import type { CallEvent } from '../base/call-hub.ts'
import { sleep } from '../base/clock.ts'
import { ClosedError, ExitError, TimeoutError } from '../base/errors.ts'
import type { Exit } from '../base/exit.ts'
import { formatMillis } from '../base/units.ts'
import { handled } from '../channel/outbox.ts'
import type { Caller, ReadCallOptions } from '../rpc/client.ts'
import { type WatchedCall, watched, watchedStream } from '../rpc/calling/watched.ts'
import type { Params } from '../rpc/messages.ts'
import { abortable } from './life/callbacks.ts'
import type { Calls, RpcSettings } from './life/calls.ts'
import type { Lifecycle } from './lifecycle.ts'

/** How often a call that may be done twice is tried. */
const ATTEMPTS = 3

/** Calls a worker through all its lives. */
export class WorkerCaller implements Caller {
  readonly #lifecycle: Lifecycle
  /** For a pool, whose caller is the worker's first: how many cancelled calls the worker has not let go of, at each change. */
  onLingering: ((calls: number) => void) | undefined = undefined

  /** @throws TypeError when its messages belong to somebody else. */
  constructor(lifecycle: Lifecycle, settings: RpcSettings) {
    this.#lifecycle = lifecycle
    const { id, job, life } = lifecycle
    if (job?.plan.spec.onMessage !== undefined)
      throw new TypeError(`Cannot call worker "${id}": its onMessage gets every message; use one or the other`)
    lifecycle.rpc ??= {
      ...settings,
      watchServed: (kind, called) => this.#watch(called, undefined, kind, 'worker'),
      lingering: (calls) => this.onLingering?.(calls),
    }
    if (life?.exit === undefined) life?.streams?.openCalls(lifecycle.rpc)
  }

  call(method: string, params: Params, options: ReadCallOptions, since?: number): Promise<unknown> {
    const told = since === undefined ? this.#watch(method, options.signal) : undefined
    const result = options.retry
      ? this.#retry(method, params, options, since)
      : this.#once(method, params, options, since)
    return told === undefined ? result : watched(result, told)
  }

  async notify(method: string, params: Params, since?: number): Promise<void> {
    const told = since === undefined ? this.#watch(method, undefined, 'notification') : undefined
    const sent = this.#notify(method, params)
    await (told === undefined ? sent : watched(sent, told))
  }

  stream(method: string, params: Params, options: ReadCallOptions, since?: number): AsyncIterable<unknown> {
    const told = since === undefined ? this.#watch(method, options.signal) : undefined
    const items =
      this.#lifecycle.life?.streams?.calls?.stream(method, params, options, since) ??
      this.#streamLater(method, params, options, since)
    return told === undefined ? items : watchedStream(items, told)
  }

  /** Undefined while nobody listens. Whoever says since when a call was wanted, as a pool does, tells of it himself. */
  #watch(
    method: string,
    signal: AbortSignal | undefined,
    kind: CallEvent['kind'] = 'call',
    from: CallEvent['from'] = 'master',
  ): WatchedCall | undefined {
    const { calls } = this.#lifecycle
    if (!calls.isWatched) return undefined
    const { clock, id, keeper } = this.#lifecycle
    const what = { kind, from, worker: id, ...(keeper === undefined ? {} : { supervisor: keeper }) }
    return { calls, clock, what, method, signal, since: clock.now() }
  }

  async #notify(method: string, params: Params): Promise<void> {
    const calls = await this.#opened()
    await calls.peer.notify(method, params)
  }

  #once(method: string, params: Params, options: ReadCallOptions, since: number | undefined): Promise<unknown> {
    const calls = this.#lifecycle.life?.streams?.calls
    return calls?.call(method, params, options, since) ?? this.#callLater(method, params, options, since)
  }

  async #callLater(
    method: string,
    params: Params,
    options: ReadCallOptions,
    since: number = this.#now,
  ): Promise<unknown> {
    const calls = await this.#inTime(this.#opened(), method, options, since)
    return calls.call(method, params, options, since)
  }

  /** Nothing is begun before somebody reads. */
  async *#streamLater(
    method: string,
    params: Params,
    options: ReadCallOptions,
    since: number = this.#now,
  ): AsyncGenerator {
    const calls = await this.#inTime(this.#opened(), method, options, since)
    yield* calls.stream(method, params, options, since)
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
  async #retry(method: string, params: Params, options: ReadCallOptions, since: number = this.#now): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, params, options, since)
      } catch (error) {
        if (!(error instanceof ExitError) || attempt === ATTEMPTS) throw error
      }
      await this.#inTime(this.#lifecycle.ready(), method, options, since)
    }
  }

  get #now(): number {
    return this.#lifecycle.clock.now()
  }

  /** What has to come before the call itself is waited for no longer than that one may take. */
  async #inTime<T>(
    promise: Promise<T>,
    method: string,
    { timeout, signal }: ReadCallOptions,
    since: number,
  ): Promise<T> {
    if (timeout === Infinity) return abortable(promise, signal)
    const over = new AbortController()
    const left = Math.max(1, since + timeout - this.#now)
    const late = sleep(this.#lifecycle.clock, left, over.signal).then(() => {
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
