import { ClosedError, ExitError } from '../base/errors.ts'
import type { Exit } from '../base/exit.ts'
import type { Caller, ReadCallOptions } from '../rpc/client.ts'
import { abortable } from './life/callbacks.ts'
import type { Calls, RpcSettings } from './life/calls.ts'
import type { Lifecycle } from './lifecycle.ts'

/** How often a call that may be done twice is tried. */
const ATTEMPTS = 3

/** Calls a worker through all its lives. */
export class WorkerCaller implements Caller {
  readonly #lifecycle: Lifecycle

  /** @throws TypeError when its messages belong to somebody else, or are none that carry calls. */
  constructor(lifecycle: Lifecycle, settings: RpcSettings) {
    this.#lifecycle = lifecycle
    const { id, job, life } = lifecycle
    if (job?.plan.spec.onMessage !== undefined)
      throw new TypeError(`Cannot call worker "${id}": its onMessage gets every message; use one or the other`)
    lifecycle.rpc ??= settings
    life?.streams?.openCalls(lifecycle.rpc)
  }

  call(method: string, params: readonly unknown[], options: ReadCallOptions): Promise<unknown> {
    if (options.retry) return this.#retry(method, params, options)
    const calls = this.#lifecycle.life?.streams?.calls
    return calls?.call(method, params, options) ?? this.#whenOpen((opened) => opened.call(method, params, options))
  }

  notify(method: string, params: readonly unknown[]): Promise<void> {
    return this.#whenOpen((calls) => calls.peer.notify(method, params))
  }

  stream(method: string, params: readonly unknown[], options: ReadCallOptions): AsyncIterable<unknown> {
    const calls = this.#lifecycle.life?.streams?.calls
    if (calls !== undefined) return calls.peer.stream(method, params, options)
    const opened = this.#whenOpen((late) => late.peer.stream(method, params, options))
    return (async function* () {
      yield* await opened
    })()
  }

  /** As soon as the process that is being started exists; an error when there is none, and none to come. */
  async #whenOpen<T>(use: (calls: Calls) => T): Promise<Awaited<T>> {
    const { life } = this.#lifecycle
    if (life === undefined) throw this.#neverStarted()
    await life.opened
    const calls = life.streams?.calls
    if (calls !== undefined) return use(calls) as Awaited<T>
    throw new ExitError('call', life.exit as Exit)
  }

  /** Again in the next life, if there is one. */
  async #retry(method: string, params: readonly unknown[], options: ReadCallOptions): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.call(method, params, { ...options, retry: false })
      } catch (error) {
        if (!(error instanceof ExitError) || attempt === ATTEMPTS) throw error
      }
      await abortable(this.#lifecycle.ready(), options.signal)
    }
  }

  #neverStarted(): ClosedError {
    return new ClosedError(`Cannot call worker "${this.#lifecycle.id}": it was not started; start() it first`)
  }
}
