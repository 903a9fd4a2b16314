import type { Clock } from '../../base/clock.ts'
import { LimitUnsupportedError } from '../../base/errors.ts'
import type { WorkerEvent } from '../../base/events.ts'
import type { ExitCause, Usage } from '../../base/exit.ts'
import type { StreamChannel } from '../../channel/stream-channel.ts'
import type { Launcher } from '../../process/launcher.ts'
import type { ReadCallOptions } from '../../rpc/client.ts'
import type { Params, Propagate } from '../../rpc/messages.ts'
import { Peer } from '../../rpc/peer.ts'
import type { WatchServed } from '../../rpc/serving/served.ts'
import { type CallBudget, CallMeter } from './call-meter.ts'

/** How a worker is called, in all its lives. */
export interface RpcSettings {
  /** What the worker may call in turn: the functions this object has itself. */
  readonly serve: object | undefined
  /** Calls that wait for an answer. */
  readonly maxInFlight: number
  /** Milliseconds that a cancelled call may take to end, before the worker is ended as `unresponsive`. */
  readonly cancelGrace: number
  /** Asked for each call of the worker whether somebody wants to hear of it. */
  readonly watchServed?: WatchServed
  /** Told how many cancelled calls it has not let go of. */
  readonly lingering?: (calls: number) => void
}

/** Whose calls these are. */
export interface CallsOwner {
  readonly id: string
  readonly clock: Clock
  readonly launcher: Launcher
  emit(event: WorkerEvent): void
  fail(cause: ExitCause): void
  measure(): Promise<Usage>
}

/** The calls of one life, in both directions: every message of its channel belongs to them. */
export class Calls {
  readonly peer: Peer
  readonly #owner: CallsOwner
  #meter: CallMeter | undefined

  constructor(
    owner: CallsOwner,
    channel: StreamChannel<any, any>,
    settings: RpcSettings,
    propagate: Propagate | undefined,
  ) {
    this.#owner = owner
    const { serve: api, maxInFlight, cancelGrace, watchServed, lingering } = settings
    this.peer = new Peer(channel, {
      who: `worker "${owner.id}"`,
      clock: owner.clock,
      api,
      maxInFlight,
      cancelGrace,
      closedGrace: 1000,
      propagate,
      watchServed,
      lingering,
      stuck: () => owner.fail({ kind: 'unresponsive', after: cancelGrace }),
      fault: (notice) => owner.emit({ type: 'noticed', notice }),
    })
    channel.listen(this.peer.accept, (error) => owner.fail({ kind: 'crashed', error, stage: 'rpc' }))
  }

  call(method: string, params: Params, options: ReadCallOptions, since?: number): Promise<unknown> {
    if (options.cpuTime === Infinity && options.memory === Infinity)
      return this.peer.call(method, params, options, since)
    return this.#metered(options, () => this.peer.call(method, params, options, since))
  }

  stream(method: string, params: Params, options: ReadCallOptions, since?: number): AsyncIterable<unknown> {
    const begin = (): AsyncIterable<unknown> => this.peer.stream(method, params, options, since)
    return options.cpuTime === Infinity && options.memory === Infinity ? begin() : this.#meteredStream(options, begin)
  }

  /** Nobody answers any more. */
  close(error: Error): void {
    this.#meter?.close()
    this.peer.close(error)
  }

  async #metered(budget: CallBudget, begin: () => Promise<unknown>): Promise<unknown> {
    this.#meter ??= await this.#newMeter()
    const done = this.#meter.watch(budget)
    try {
      return await begin()
    } finally {
      done()
    }
  }

  async *#meteredStream(budget: CallBudget, begin: () => AsyncIterable<unknown>): AsyncGenerator {
    this.#meter ??= await this.#newMeter()
    const done = this.#meter.watch(budget)
    try {
      yield* begin()
    } finally {
      done()
    }
  }

  /** A budget that nobody can watch is refused, as a limit is. */
  async #newMeter(): Promise<CallMeter> {
    const { id, launcher } = this.#owner
    const { limits } = await launcher.abilities()
    if (limits.cpuTime === undefined)
      throw new LimitUnsupportedError(id, 'cpuTime', `the launcher ${launcher.name} measures nothing here`)
    return new CallMeter(this.#owner)
  }
}
