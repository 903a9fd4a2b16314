import { ClosedError } from '../base/errors.ts'
import { type ReceiveOptions, type Receiver, TAKE, type Taken, WAIT } from '../channel/channel.ts'
import { handled } from '../channel/outbox.ts'
import type { StreamChannel } from '../channel/stream-channel.ts'
import { type Waiter, refusalOf, waitForChannel } from '../channel/waiters.ts'
import { abortable } from './life/callbacks.ts'
import type { Incarnation } from './life/incarnation.ts'
import type { Lifecycle } from './lifecycle.ts'

/** What is said to a worker and heard from it: finds the channel of the life it is meant for. */
export class Conversation<In, Out> {
  readonly #lifecycle: Lifecycle

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle
  }

  send(message: Out): Promise<void> {
    const channel = this.#channel
    return channel === undefined ? this.#whenOpen((opened) => opened.send(message)) : channel.send(message)
  }

  sendEncoded(frame: string | Uint8Array): Promise<void> {
    const channel = this.#channel
    return channel === undefined ? this.#whenOpen((opened) => opened.sendEncoded(frame)) : channel.sendEncoded(frame)
  }

  end(): Promise<void> {
    return this.#channel?.end() ?? this.#whenOpen((opened) => opened.end())
  }

  receive(options?: ReceiveOptions): Promise<In | undefined> {
    return this.#receiveFrom(this.#lifecycle.life, options)
  }

  /** Receives from the life there is now, also when another has begun. */
  current(): Receiver<In> {
    const { life } = this.#lifecycle
    return { receive: (options) => this.#receiveFrom(life, options) }
  }

  take(): Taken<In> {
    if (this.#lifecycle.life?.plan.spec.onMessage !== undefined) throw this.#spokenFor()
    return this.#channel?.[TAKE]() ?? { state: this.#lifecycle.state === 'starting' ? 'empty' : 'ended' }
  }

  wait(waiter: Waiter<In>): () => void {
    if (this.#channel !== undefined) return this.#channel[WAIT](waiter)
    return waitForChannel(this.#lifecycle.life?.opened ?? Promise.resolve(undefined), waiter)
  }

  /** The channel of the current or last life. */
  get #channel(): StreamChannel<In, Out> | undefined {
    return this.#lifecycle.life?.channel
  }

  #receiveFrom(life: Incarnation | undefined, options?: ReceiveOptions): Promise<In | undefined> {
    if (life?.plan.spec.onMessage !== undefined) return Promise.reject(this.#spokenFor())
    if (life?.channel !== undefined) return life.channel.receive(options)
    const refusal = refusalOf(options)
    if (refusal !== undefined) return refusal
    if (life === undefined) return this.#refused()
    if (life.exit !== undefined) return Promise.resolve(undefined)
    return handled(abortable(life.opened, options?.signal).then((channel) => channel?.receive(options)))
  }

  /** Does it as soon as the process that is being started exists, in the order of the calls. */
  #whenOpen<T>(action: (channel: StreamChannel<In, Out>) => Promise<T>): Promise<T> {
    const { life, state } = this.#lifecycle
    if (life === undefined || state !== 'starting') return this.#refused()
    return handled(life.opened.then((channel) => (channel === undefined ? this.#refused() : action(channel))))
  }

  #refused(): Promise<never> {
    const { id, state } = this.#lifecycle
    const hint = state === 'idle' ? 'it was not started; start() it first' : `it is ${state}`
    return handled(Promise.reject(new ClosedError(`Cannot talk to worker "${id}": ${hint}`)))
  }

  #spokenFor(): TypeError {
    const { id } = this.#lifecycle
    return new TypeError(`Cannot receive from worker "${id}": its onMessage gets every message; use one or the other`)
  }
}
