import type { Clock } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import { type Methods, methodsOf } from './serving/api.ts'
import { show } from './faults.ts'
import { Incoming, type Unsent, isCredit } from './serving/incoming.ts'
import type { Inflow } from './calling/inflow.ts'
import {
  CODES,
  type ErrorMessage,
  type Id,
  NOTES,
  type NotificationMessage,
  type Params,
  type Propagate,
  type RequestMessage,
  type ResultMessage,
  type WireError,
  kindOf,
} from './messages.ts'
import { type CallPlan, Outgoing } from './calling/outgoing.ts'
import type { Caller } from './client.ts'
import type { Port } from './port.ts'
import { Served, type WatchServed } from './serving/served.ts'

export interface PeerOptions {
  /** Who is on the other side, in errors: `worker "a"`. */
  readonly who: string
  readonly clock: Clock
  /** What the other side may call: the functions that this object has itself. @default nothing */
  readonly api?: object | undefined
  /** Calls that wait for an answer, in each direction. @default 10,000 */
  readonly maxInFlight?: number
  /** How long a cancelled call may take to be answered, in milliseconds. @default 5000 */
  readonly cancelGrace?: number
  /** How long a call that finds its reader gone waits to hear why, in milliseconds. @default 0 */
  readonly closedGrace?: number
  /** Asked for what is to go with each of our calls. */
  readonly propagate?: Propagate | undefined
  /** It was not. */
  readonly stuck?: (method: string) => void
  /** Told, at each change, how many cancelled calls may still be running there: those that were not answered, stuck or not. */
  readonly lingering?: ((calls: number) => void) | undefined
  /** What came was no JSON-RPC, or an answer to nothing. It is passed over. */
  readonly fault?: (error: ProtocolError) => void
  /** Asked for each call of the other side whether somebody wants to hear of it. @default nobody does */
  readonly watchServed?: WatchServed | undefined
}

const MAX_IN_FLIGHT = 10_000
const CANCEL_GRACE = 5000
const NO_METHODS: Methods = new Map()
const NO_RESULT: WireError = {
  code: CODES.internalError,
  message: 'its answer has neither a result nor an error; return what its framing can carry',
}

/** JSON-RPC 2.0 in both directions over one port, for as long as that lives. */
export class Peer implements Caller {
  readonly #port: Port
  readonly #outgoing: Outgoing
  readonly #incoming: Incoming
  readonly #who: string
  readonly #propagate: Propagate | undefined
  readonly #fault: (error: ProtocolError) => void

  constructor(port: Port, options: PeerOptions) {
    const { who, clock, api, maxInFlight = MAX_IN_FLIGHT, cancelGrace = CANCEL_GRACE, stuck = ignore } = options
    const { closedGrace = 0, propagate, watchServed, lingering = ignore } = options
    this.#port = port
    this.#who = who
    this.#propagate = propagate
    this.#fault = options.fault ?? ignore
    const shared = { who, clock, maxInFlight, cancelGrace, closedGrace, stuck, lingering, propagate }
    this.#outgoing = new Outgoing(port, shared)
    const served = watchServed && new Served(watchServed)
    this.#incoming = new Incoming(port, api === undefined ? NO_METHODS : methodsOf(api), maxInFlight, served)
  }

  /** Our calls without an answer. */
  get inFlight(): number {
    return this.#outgoing.inFlight
  }

  /** Resolves when no call of the other side is running. */
  get idle(): Promise<void> {
    return this.#incoming.idle
  }

  call(method: string, params: Params, plan: CallPlan, since?: number): Promise<unknown> {
    return this.#outgoing.call(method, params, plan, since)
  }

  stream(method: string, params: Params, plan: CallPlan, since?: number): Inflow {
    return this.#outgoing.stream(method, params, plan, since)
  }

  /** Rejects with `ClosedError`, `FramingError` or `OverloadError`. */
  async notify(method: string, params: Params): Promise<void> {
    const meta = this.#propagate?.()
    const note: NotificationMessage = { jsonrpc: '2.0', method, params }
    this.#port.post(meta === undefined ? note : { jsonrpc: '2.0', method, _meta: meta, params })
  }

  /**
   * Takes what has come. A returned promise holds the next message back, where the other side asks for more than it reads
   * answers. Who waits for answers itself never waits here, or both sides could wait for each other.
   */
  readonly accept = (message: unknown): Promise<void> | undefined => {
    if (Array.isArray(message) && message.length > 0) for (const one of message) this.#acceptOne(one)
    else this.#acceptOne(message)
    return this.#outgoing.inFlight === 0 ? this.#port.pressure : undefined
  }

  /** What was posted could not be sent after all. */
  unsent(message: unknown, error: Error): void {
    if (kindOf(message) === 'request') this.#outgoing.unsent((message as RequestMessage).id, error)
    else this.#incoming.unsent(message as Unsent, error)
  }

  /** The other side will say no more: what waits for it ends with this error, and what it asked for goes on. */
  hearNoMore(error: Error): void {
    this.#outgoing.close(error)
    this.#incoming.hearNoMore()
  }

  /** The other side is gone: every call ends with this error. */
  close(error: Error): void {
    this.#outgoing.close(error)
    this.#incoming.close(error)
  }

  #acceptOne(message: unknown): void {
    switch (kindOf(message)) {
      case 'answer':
        return this.#acceptAnswer(message as ResultMessage | ErrorMessage)
      case 'request':
        return this.#incoming.request(message as RequestMessage)
      case 'notification':
        return this.#acceptNotification(message as NotificationMessage)
      case 'garbage':
        return this.#acceptGarbage(message)
    }
  }

  /** JSON leaves a function out without a word, and an answer that has come to one has an id alone. */
  #acceptGarbage(message: unknown): void {
    const { id, method } = (message ?? {}) as Partial<RequestMessage>
    const isAnswer = id !== undefined && method === undefined
    if (isAnswer && this.#outgoing.answer({ jsonrpc: '2.0', id, error: NO_RESULT })) return
    this.#report(`has sent what is no JSON-RPC message: ${show(message)}`)
  }

  #acceptAnswer(message: ResultMessage | ErrorMessage): void {
    if (!this.#outgoing.answer(message)) this.#report(`has answered what was not asked: ${show(message)}`)
  }

  #acceptNotification(message: NotificationMessage): void {
    const { id, value, more } = (message.params ?? {}) as { id: Id; value?: unknown; more?: unknown }
    switch (message.method) {
      case NOTES.cancel:
        return this.#incoming.cancel(id)
      case NOTES.progress:
        // LSP has a progress of its own, by a token: that is for whoever serves it.
        return id === undefined ? this.#incoming.notification(message) : this.#outgoing.progress(id, value)
      case NOTES.item:
        if (!this.#outgoing.item(id, value)) this.#report(`has sent an item that nobody asked for: ${show(message)}`)
        return
      case NOTES.credit:
        if (isCredit(more)) this.#incoming.credit(id, more)
        return
      default:
        return this.#incoming.notification(message)
    }
  }

  #report(what: string): void {
    this.#fault(new ProtocolError(`${this.#who} ${what}`))
  }
}

function ignore(): void {}
