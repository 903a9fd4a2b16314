import { type Clock, type Timer, Timers } from '../../base/clock.ts'
import { ClosedError, OverloadError, TimeoutError } from '../../base/errors.ts'
import { formatMillis } from '../../base/units.ts'
import { Deadlines, type Timed } from './deadlines.ts'
import { fromWire } from '../faults.ts'
import { Inflow, WINDOW } from './inflow.ts'
import {
  type ErrorMessage,
  type Id,
  NOTES,
  type Params,
  type Propagate,
  type RequestMessage,
  type ResultMessage,
} from '../messages.ts'
import { Pending } from './pending.ts'
import type { Port } from '../port.ts'

/** How one call is made; every value read. */
export interface CallPlan {
  /** Milliseconds; `Infinity` for as long as it takes. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((value: unknown) => void) | undefined
}

/** One call, from the request to its answer. */
export interface OutgoingCall extends Timed {
  readonly id: number
  readonly method: string
  readonly plan: CallPlan
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  readonly inflow: Inflow | undefined
  onAbort: (() => void) | undefined
}

/** What the calls of one peer share. */
export interface OutgoingOptions {
  /** Who answers, in errors: `worker "a"`. */
  readonly who: string
  readonly clock: Clock
  /** Calls without an answer yet, at most. */
  readonly maxInFlight: number
  /** How long a cancelled call may take to be answered, in milliseconds. */
  readonly cancelGrace: number
  /** How long to wait for the end of who does not read any more, in milliseconds. */
  readonly closedGrace: number
  /** What goes with each. */
  readonly propagate: Propagate | undefined
  /** It was not, and whoever answers is stuck in it. */
  readonly stuck: (method: string) => void
  /** So many cancelled calls may still be running on the other side. */
  readonly lingering: (calls: number) => void
}

/** Our calls to the other side: each settles once, by its answer, its deadline, its signal or the end of the other side. */
export class Outgoing {
  readonly #port: Port
  readonly #options: OutgoingOptions
  readonly #pending = new Pending<OutgoingCall>()
  readonly #deadlines: Deadlines<OutgoingCall>
  /** Cancelled, and not answered yet. */
  readonly #cancelled = new Map<Id, Timer>()
  /** The same, and those that are stuck. */
  #lingering = 0
  /** Not sent, since nobody reads; for a moment its end is waited for. */
  readonly #ending: Timers
  #closed: Error | undefined

  constructor(port: Port, options: OutgoingOptions) {
    this.#port = port
    this.#options = options
    this.#deadlines = new Deadlines(options.clock, (call) => this.#late(call))
    this.#ending = new Timers(options.clock)
  }

  /** Calls without an answer. */
  get inFlight(): number {
    return this.#pending.size
  }

  /** Its timeout counts from `since`. */
  call(method: string, params: Params, plan: CallPlan, since?: number): Promise<unknown> {
    return new Promise((resolve, reject) => void this.#begin(method, params, plan, since, resolve, reject))
  }

  stream(method: string, params: Params, plan: CallPlan, since?: number): Inflow {
    let id = 0
    const inflow: Inflow = new Inflow({
      more: (more) => this.#note(NOTES.credit, { id, more }),
      cancel: () => this.#abandon(id),
    })
    const end = (error?: Error): void => inflow.end(error)
    id = this.#begin(method, params, plan, since, () => end(), end, inflow)
    return inflow
  }

  /** False for an answer to nothing. */
  answer(message: ResultMessage | ErrorMessage): boolean {
    const id = message.id as Id
    const call = this.#pending.get(id)
    if (call === undefined) return this.#answerLate(id)
    this.#settle(call)
    if ('error' in message && message.error !== undefined)
      call.reject(fromWire(this.#options.who, call.method, message.error))
    else call.resolve((message as ResultMessage).result)
    return true
  }

  /** False when it belongs to no stream, or was not asked for. */
  item(id: Id, value: unknown): boolean {
    const call = this.#pending.get(id)
    if (call?.inflow !== undefined) return call.inflow.push(value)
    return this.#cancelled.has(id)
  }

  progress(id: Id, value: unknown): void {
    const call = this.#pending.get(id)
    try {
      call?.plan.onProgress?.(value)
    } catch (error) {
      if (call !== undefined) this.#cancel(call, error as Error)
    }
  }

  /** One message could not be sent. */
  unsent(id: Id, error: Error): void {
    const call = this.#pending.get(id)
    if (call === undefined) return
    this.#settle(call)
    call.reject(error)
  }

  /** Nobody will answer any more. */
  close(error: Error): void {
    this.#closed = error
    for (const timer of this.#cancelled.values()) timer.cancel()
    this.#cancelled.clear()
    for (const call of this.#pending.all()) {
      this.#settle(call)
      call.reject(error)
    }
    this.#deadlines.clear()
    this.#ending.cancel()
  }

  #begin(
    method: string,
    params: Params,
    plan: CallPlan,
    since: number | undefined,
    resolve: OutgoingCall['resolve'],
    reject: OutgoingCall['reject'],
    inflow?: Inflow,
  ): number {
    const id = this.#pending.newId()
    const refused = this.#refusal(plan)
    if (refused !== undefined) {
      reject(refused)
      return id
    }
    const { timeout } = plan
    const due = timeout === Infinity ? Infinity : (since ?? this.#options.clock.now()) + timeout
    const [before, after, onAbort] = [undefined, undefined, undefined]
    const call = { id, method, plan, timeout, due, before, after, resolve, reject, inflow, onAbort }
    this.#pending.add(call)
    this.#watch(call)
    try {
      const request = this.#request(id, method, params)
      this.#port.post(inflow === undefined ? request : { ...request, credit: WINDOW })
    } catch (error) {
      this.#notSent(id, error as Error)
    }
    return id
  }

  #request(id: number, method: string, params: Params): RequestMessage {
    const meta = this.#options.propagate?.()
    if (meta === undefined) return { jsonrpc: '2.0', id, method, params }
    return { jsonrpc: '2.0', id, method, _meta: meta, params }
  }

  /** Who does not read any more is usually about to end: its end says more than that. */
  #notSent(id: Id, error: Error): void {
    const { closedGrace } = this.#options
    if (!(error instanceof ClosedError) || closedGrace === 0) return this.unsent(id, error)
    this.#ending.after(closedGrace, () => this.unsent(id, error))
  }

  #refusal(plan: CallPlan): Error | undefined {
    if (this.#closed !== undefined) return this.#closed
    if (plan.signal?.aborted === true) return plan.signal.reason as Error
    const { who, maxInFlight } = this.#options
    if (this.#pending.size < maxInFlight) return undefined
    const { size } = this.#pending
    return new OverloadError(
      `Cannot call ${who}: ${size} calls wait for an answer; wait for some first`,
      size,
      maxInFlight,
    )
  }

  #watch(call: OutgoingCall): void {
    if (call.timeout !== Infinity) this.#deadlines.add(call)
    const { signal } = call.plan
    if (signal === undefined) return
    call.onAbort = () => this.#cancel(call, signal.reason as Error)
    signal.addEventListener('abort', call.onAbort, { once: true })
  }

  #settle(call: OutgoingCall): void {
    this.#pending.delete(call)
    if (call.timeout !== Infinity) this.#deadlines.delete(call)
    if (call.onAbort !== undefined) call.plan.signal?.removeEventListener('abort', call.onAbort)
  }

  #late(call: OutgoingCall): void {
    const { who } = this.#options
    const text = `Cannot call ${call.method} in ${who}: no answer within ${formatMillis(call.timeout)}`
    this.#cancel(call, new TimeoutError(text, call.method, call.timeout))
  }

  /** The reader of a stream has left. */
  #abandon(id: Id): void {
    const call = this.#pending.get(id)
    if (call !== undefined) this.#cancel(call, undefined)
  }

  /** Who waits hears of it now; the other side is told, and may take a while to stop. */
  #cancel(call: OutgoingCall, error: Error | undefined): void {
    this.#settle(call)
    const { clock, cancelGrace, stuck } = this.#options
    const timer = clock.after(cancelGrace, () => {
      this.#cancelled.delete(call.id)
      stuck(call.method)
    })
    this.#cancelled.set(call.id, timer)
    this.#linger(1)
    this.#note(NOTES.cancel, { id: call.id })
    if (error !== undefined) call.reject(error)
  }

  /** True for one that was cancelled: it may have been on its way. */
  #answerLate(id: Id): boolean {
    const timer = this.#cancelled.get(id)
    if (timer === undefined) return false
    timer.cancel()
    this.#cancelled.delete(id)
    this.#linger(-1)
    return true
  }

  #linger(change: 1 | -1): void {
    this.#lingering += change
    this.#options.lingering(this.#lingering)
  }

  #note(method: string, params: object): void {
    try {
      this.#port.post({ jsonrpc: '2.0', method, params }, true)
    } catch {
      // Who cannot be reached needs no note: its calls end with it.
    }
  }
}
