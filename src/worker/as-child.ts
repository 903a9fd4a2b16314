import type { ChildOptions, Keeper } from '../supervisor/child.ts'
import type { WorkerHost } from './host.ts'
import type { Lifecycle } from './lifecycle.ts'

/** A worker as its supervisor, and the master of that, see it. */
export class AsChild {
  readonly #lifecycle: Lifecycle
  readonly #host: WorkerHost
  readonly #isFree: boolean

  /** One that is free may be kept by any supervisor; others belong to the master whose host they began with. */
  constructor(lifecycle: Lifecycle, host: WorkerHost, isFree: boolean) {
    this.#lifecycle = lifecycle
    this.#host = host
    this.#isFree = isFree
  }

  /** How it is supervised where its `ChildSpec` does not say. Its ladder says how long it may take to end. */
  get options(): ChildOptions {
    const { restart, backoff } = this.#lifecycle.job?.plan.spec ?? {}
    return { shutdown: 'infinity', ...(restart && { restart }), ...(backoff && { backoff }) }
  }

  /** @throws TypeError when it may not live there, AlreadyStartedError while it lives elsewhere. */
  moveTo(host: WorkerHost): void {
    if (!this.#isFree && host !== this.#host) throw this.#notFree()
    this.#lifecycle.moveTo(host)
  }

  /** @throws TypeError when somebody else keeps it. */
  keep(keeper: Keeper | undefined): void {
    const lifecycle = this.#lifecycle
    if (keeper !== undefined && lifecycle.keeper !== undefined)
      throw new TypeError(
        `Cannot keep worker "${lifecycle.id}" twice: supervisor "${lifecycle.keeper}" keeps it already`,
      )
    if (keeper !== undefined && keeper.host.adopt === undefined && !this.#isFree) throw this.#notFree()
    lifecycle.keeper = keeper?.path
  }

  #notFree(): TypeError {
    const { id } = this.#lifecycle
    return new TypeError(
      `Cannot keep worker "${id}": it belongs to a master; supervise it there, or describe it with worker("${id}", …)`,
    )
  }
}
