import type { Methods } from './api.ts'
import { type Call, callOf, during } from './current-call.ts'
import { inBrief, toWire } from '../faults.ts'
import {
  CODES,
  type ErrorMessage,
  type Id,
  NOTES,
  type NotificationMessage,
  type RequestMessage,
  type ResultMessage,
} from '../messages.ts'
import { Outflow, Starved, isStream } from './outflow.ts'
import type { Port } from '../port.ts'
import type { Served } from './served.ts'

type Answer = (ResultMessage & { readonly error?: undefined }) | (ErrorMessage & { readonly id: Id })

/** What a peer posts beside its own calls. */
export type Unsent = Answer | NotificationMessage

/** The other side's calls to us: each is answered once. */
export class Incoming {
  readonly #port: Port
  readonly #methods: Methods
  readonly #max: number
  readonly #served: Served | undefined
  readonly #running = new Map<Id, Call>()
  readonly #outflows = new Map<Id, Outflow>()

  #idle: PromiseWithResolvers<void> | undefined
  #isDeaf = false

  /** `max` calls at a time; `served` tells what becomes of them. */
  constructor(port: Port, methods: Methods, max: number, served: Served | undefined) {
    this.#port = port
    this.#methods = methods
    this.#max = max
    this.#served = served
  }

  request(message: RequestMessage): void {
    const { id, method, params, credit } = message
    if (this.#running.has(id)) return this.#refuseTwin(id)
    this.#served?.begun(id, method)
    const run = this.#methods.get(method)
    if (run === undefined) return this.#fail(id, CODES.methodNotFound, `there is no method ${JSON.stringify(method)}`)
    if (this.#running.size >= this.#max) return this.#fail(id, CODES.overloaded, `${this.#max} calls are running`)
    if (credit !== undefined && !isCredit(credit))
      return this.#fail(id, CODES.invalidRequest, 'credit must be a whole number from 1')
    const call = callOf((value) => this.#note(NOTES.progress, { id, value }), message._meta)
    let result: unknown
    try {
      result = during(call, run, argumentsOf(params))
      if (!takesTime(result) && this.#port.pressure === undefined) return this.#send(answerOf(id, result, credit))
    } catch (error) {
      if (this.#port.pressure === undefined) return this.#send(thrown(id, error))
      result = Promise.reject(error)
    }
    this.#running.set(id, call)
    void this.#follow(id, call, result, credit)
  }

  /** Resolves when none is running. */
  get idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve()
    return (this.#idle ??= Promise.withResolvers<void>()).promise
  }

  /** A call that nobody waits for. What it throws is nobody's. */
  notification({ method, params, _meta }: NotificationMessage): void {
    const run = this.#methods.get(method)
    if (run === undefined) return this.#served?.notServed(method)
    const told = this.#served?.notified(method)
    try {
      const result = during(callOf(ignore, _meta), run, argumentsOf(params))
      if (result instanceof Promise) result.catch(ignore)
      told?.(result)
    } catch (error) {
      told?.(Promise.reject(error))
    }
  }

  cancel(id: Id): void {
    this.#running.get(id)?.cancel()
    this.#outflows.get(id)?.cancel()
  }

  credit(id: Id, more: number): void {
    this.#outflows.get(id)?.grant(more)
  }

  /** What was posted could not be sent after all: who waits for it is told so. */
  unsent(message: Unsent, reason: Error): void {
    if (!('method' in message)) this.#sendInstead(message, reason)
    else if (message.method === NOTES.item) this.#outflows.get((message.params as { id: Id }).id)?.fail(reason)
  }

  /** No credit will come any more: streams that wait for it end. */
  hearNoMore(): void {
    this.#isDeaf = true
    for (const outflow of this.#outflows.values()) outflow.starve()
  }

  /** Nobody waits for any of them. */
  close(error: Error): void {
    this.#served?.close(error)
    for (const id of this.#running.keys()) this.cancel(id)
  }

  /** A promise, or a stream, or a promise of one. It runs until its answer has room: what waits is no more than what runs. */
  async #follow(id: Id, call: Call, result: unknown, credit: number | undefined): Promise<void> {
    let answer: Answer
    try {
      const value = await result
      answer = isStream(value) ? await this.#stream(id, call, value, credit) : answerOf(id, value, credit)
    } catch (error) {
      const isOver = call.cancelled || error instanceof Starved
      answer = isOver ? failure(id, CODES.cancelled, 'the call was cancelled') : thrown(id, error)
    }
    this.#outflows.delete(id)
    while (this.#port.pressure !== undefined) await this.#port.pressure
    this.#send(answer)
    this.#ended(id)
  }

  async #stream(id: Id, call: Call, items: AsyncIterable<unknown>, credit: number | undefined): Promise<Answer> {
    if (credit === undefined)
      return failure(id, CODES.invalidRequest, 'it returns a stream; use stream() instead of call()')
    const outflow = new Outflow(
      items,
      credit,
      this.#port,
      id,
      (step) => during(call, step, []) as Promise<IteratorResult<unknown>>,
    )
    this.#outflows.set(id, outflow)
    if (call.cancelled) outflow.cancel()
    if (this.#isDeaf) outflow.starve()
    await outflow.run()
    return { jsonrpc: '2.0', id, result: null }
  }

  #ended(id: Id): void {
    this.#running.delete(id)
    if (this.#running.size > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }

  #fail(id: Id, code: number, message: string): void {
    this.#send(failure(id, code, message))
  }

  /** The answer with its id will be that of the other one. */
  #refuseTwin(id: Id): void {
    this.#tryPost(failure(id, CODES.invalidRequest, `a call with the id ${id} is running`))
  }

  #send(message: Answer): void {
    try {
      this.#port.post(message, true)
    } catch (reason) {
      if (this.#sendInstead(message, reason)) return
    }
    this.#served?.answered(message.id, message.error)
  }

  /** A result that cannot be sent is answered with the reason, an error that cannot with its beginning. False where it has none. */
  #sendInstead({ id, error }: Answer, reason: unknown): boolean {
    const instead = error === undefined ? toWire(reason) : inBrief(error)
    if (instead === undefined) return false
    this.#send({ jsonrpc: '2.0', id, error: instead })
    return true
  }

  #note(method: string, params: object): void {
    this.#tryPost({ jsonrpc: '2.0', method, params })
  }

  #tryPost(message: object): void {
    try {
      this.#port.post(message)
    } catch {
      // Who cannot be told will not ask.
    }
  }
}

function answerOf(id: Id, result: unknown, credit: number | undefined): Answer {
  if (credit !== undefined)
    return failure(id, CODES.invalidRequest, 'it returns no stream; use call() instead of stream()')
  return { jsonrpc: '2.0', id, result: result === undefined ? null : result }
}

function thrown(id: Id, error: unknown): Answer {
  return { jsonrpc: '2.0', id, error: toWire(error) }
}

function failure(id: Id, code: number, message: string): Answer {
  return { jsonrpc: '2.0', id, error: { code, message } }
}

/** By position; what comes by name is one argument. */
function argumentsOf(params: unknown): readonly unknown[] {
  if (Array.isArray(params)) return params
  return params === undefined ? [] : [params]
}

/** Whether it is a promise or a stream. May throw what a getter throws. */
function takesTime(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false
  return isStream(result) || typeof (result as { then?: unknown }).then === 'function'
}

/** So many items may be sent. */
export function isCredit(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}

function ignore(): void {}
