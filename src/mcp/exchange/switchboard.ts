import type { Clock } from '../../base/clock.ts'
import { ClosedError, ExitError } from '../../base/errors.ts'
import type { Exit } from '../../base/exit.ts'
import { Handshake } from './handshake.ts'
import {
  type Answer,
  CODES,
  type Id,
  METHODS,
  type Message,
  NOTES,
  type NotificationMessage,
  type RequestMessage,
  SUBSCRIPTION_ID,
  isError,
  isId,
  kindOf,
  metaOf,
  notification,
  paramsOf,
  withMember,
  withMeta,
} from '../messages.ts'
import { Questions } from './questions.ts'
import { type Pending, Requests, isSubscription, notBack, onTheWire } from './requests.ts'
import type { McpTransport } from '../transport.ts'

/** The way to the server. */
export interface Link {
  readonly server: { readonly name: string }
  readonly clock: Clock
  /** How long a request waits for a server that is not there, in milliseconds. */
  readonly wait: number
  /** Messages can be sent. */
  readonly isUp: boolean
  /** Resolves when it is up; rejects when it will not be. */
  wake(): Promise<void>
  send(message: Message): Promise<void>
  /** Something was begun or has come to its end. */
  changed(): void
}

/** How long a server that does not read any more may take to end, in milliseconds: its end says more than that. */
const CLOSED_GRACE = 1000

/** Who talks to whom: the requests of several hosts to one server and back, through all its lives. */
export class Switchboard {
  readonly #link: Link
  readonly #requests = new Requests()
  readonly #questions = new Questions()
  readonly #hosts = new Set<McpTransport>()
  #handshake: Handshake

  constructor(link: Link) {
    this.#link = link
    this.#handshake = this.#newHandshake()
  }

  get hosts(): ReadonlySet<McpTransport> {
    return this.#hosts
  }

  /** Nobody waits for anything, and nobody wants to hear of anything. */
  get isQuiet(): boolean {
    return this.#requests.size === 0 && this.#questions.size === 0 && !this.#handshake.isSubscribed
  }

  /** Begins a life: resolves when requests can be sent. */
  greet(): Promise<void> {
    return this.#handshake.greet()
  }

  /** The next conversation is another one. */
  reset(): void {
    this.#handshake = this.#newHandshake()
  }

  // ── from hosts ──

  attach(host: McpTransport): void {
    this.#hosts.add(host)
  }

  /** What it has asked for is cancelled, what it was asked is answered. */
  detach(host: McpTransport): void {
    this.#hosts.delete(host)
    for (const pending of this.#requests.all().filter((one) => one.host === host))
      this.#cancel(pending, 'the client has gone')
    for (const id of this.#questions.leave(host)) this.#refuse(id, CODES.internalError, 'the client has gone')
    for (const uri of this.#handshake.forget(host))
      if (this.#link.isUp) this.#ask(METHODS.unsubscribe, { uri }).catch(() => {})
  }

  request(host: McpTransport, request: RequestMessage): Promise<void> {
    if (request.method === METHODS.initialize) return this.#introduce(host, request)
    if (this.#handshake.remember(host, request)) return this.#forward(host, request)
    host.deliver({ jsonrpc: '2.0', id: request.id, result: {} })
    return Promise.resolve()
  }

  /** What is only of interest to a life that has heard what went before is not kept for another. */
  async notify(host: McpTransport, message: NotificationMessage): Promise<void> {
    const { method } = message
    if (method === NOTES.initialized) return
    if (method === NOTES.cancelled) return this.#cancelFor(host, paramsOf(message))
    if (!this.#link.isUp && (method === NOTES.progress || method === NOTES.rootsChanged)) return
    await this.#link.wake()
    await this.#link.send(message)
  }

  /** An answer to a life that has ended is of no use to the next. */
  async answer(host: McpTransport, message: Answer): Promise<void> {
    const id = this.#questions.answered(host, message.id)
    if (id === undefined) return
    this.#link.changed()
    await this.#link.send({ ...message, id })
  }

  // ── from the server ──

  readonly accept = (message: Message): void => {
    switch (kindOf(message)) {
      case 'answer':
        return this.#acceptAnswer(message as Answer)
      case 'request':
        return this.#acceptQuestion(message as RequestMessage)
      case 'notification':
        return this.#acceptNotification(message as NotificationMessage)
      case 'garbage':
    }
  }

  /** The server has ended. Subscriptions wait for its next life, if there is one. */
  lost(exit: Exit, comesBack: boolean): void {
    const error = new ExitError('call', exit, 'MCP server')
    for (const pending of this.#requests.all().filter(({ sent }) => sent)) {
      if (comesBack && isSubscription(pending)) this.#begin(pending, Infinity)
      else this.#fail(pending, error)
    }
    for (const { host, id } of this.#questions.clear())
      host.deliver(notification(NOTES.cancelled, { requestId: id, reason: error.message }))
  }

  // ── requests ──

  /** All hosts have one conversation with the server: the first begins it, and the next if that one is refused. */
  async #introduce(host: McpTransport, request: RequestMessage): Promise<void> {
    const params = { ...paramsOf(request) }
    this.#questions.introduce(host, params['capabilities'])
    while (this.#handshake.answerTo(params) === undefined && this.#hosts.has(host))
      await this.#handshake.meet(params, () => this.#beginLife())
    const answer = this.#handshake.answerTo(params)
    if (answer === undefined)
      throw new ClosedError(`Cannot initialize MCP server "${this.#link.server.name}": it was stopped`)
    host.deliver({ ...answer, id: request.id })
  }

  /** A life that begins greets by itself. */
  #beginLife(): Promise<void> {
    return this.#link.isUp ? this.#handshake.greet() : this.#link.wake()
  }

  #forward(host: McpTransport, request: RequestMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer): void => {
        if (isError(answer) && request.method === METHODS.subscribe)
          this.#handshake.unsubscribe(host, paramsOf(request)['uri'])
        host.deliver({ ...answer, id: request.id })
        resolve()
      }
      this.#begin(this.#requests.add({ host, request, settle, fail: reject }), this.#link.wait)
    })
  }

  /** A request of our own, to the life there is. */
  #ask(method: string, params: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = { jsonrpc: '2.0', id: 0, method, params } as const
      this.#post(this.#requests.add({ host: undefined, request, settle: resolve, fail: reject }))
    })
  }

  #begin(pending: Pending, wait: number): void {
    pending.sent = false
    this.#link.changed()
    if (this.#link.isUp) return this.#post(pending)
    pending.patience ??= this.#link.clock.after(wait, () =>
      this.#fail(pending, notBack(pending, this.#link.server.name, wait)),
    )
    this.#link.wake().then(
      () => this.#requests.has(pending) && this.#begin(pending, wait),
      (error: Error) => this.#fail(pending, error),
    )
  }

  #post(pending: Pending): void {
    pending.patience?.cancel()
    pending.patience = undefined
    pending.sent = true
    this.#link.send(onTheWire(pending)).catch((error: Error) => {
      if (!(error instanceof ClosedError)) return this.#fail(pending, error)
      pending.patience = this.#link.clock.after(CLOSED_GRACE, () => this.#fail(pending, error))
    })
  }

  #fail(pending: Pending, error: Error): void {
    if (this.#requests.take(pending.id) === undefined) return
    pending.fail(error)
    this.#link.changed()
  }

  #cancelFor(host: McpTransport, { requestId, reason }: Readonly<Record<string, unknown>>): void {
    const pending = this.#requests.find(host, requestId)
    // Its host does not wait for it any more, or it would not cancel.
    if (pending !== undefined) this.#cancel(pending, reason)
  }

  #cancel(pending: Pending, reason: unknown): void {
    const { id, sent, request } = pending
    this.#fail(pending, new ClosedError(`${request.method} of MCP server "${this.#link.server.name}" was cancelled`))
    if (sent && this.#link.isUp) this.#say(notification(NOTES.cancelled, { requestId: id, reason }))
  }

  // ── what has come ──

  #acceptAnswer(answer: Answer): void {
    const pending = answer.id === null ? undefined : this.#requests.take(answer.id)
    // One that was cancelled may be answered all the same.
    pending?.settle(answer)
    if (pending !== undefined) this.#link.changed()
  }

  #acceptQuestion(question: RequestMessage): void {
    if (question.method === METHODS.ping) return this.#say({ jsonrpc: '2.0', id: question.id, result: {} })
    const refusal = this.#questions.refusal(question)
    if (refusal !== undefined) return this.#refuse(question.id, CODES.invalidRequest, refusal)
    const busy = this.#requests.all().findLast(({ host, sent }) => sent && host !== undefined)?.host
    const asked = this.#questions.ask(question, this.#hosts, busy)
    if (asked === undefined)
      return this.#refuse(question.id, CODES.methodNotFound, `no client answers ${question.method}`)
    this.#link.changed()
    asked.host.deliver({ ...question, id: asked.id })
  }

  #acceptNotification(message: NotificationMessage): void {
    const subscription = metaOf(message, SUBSCRIPTION_ID)
    if (message.method === NOTES.progress) return this.#acceptProgress(message)
    if (message.method === NOTES.cancelled) return this.#acceptCancelled(message)
    if (isId(subscription)) {
      const pending = this.#requests.get(subscription)
      return pending?.host?.deliver(withMeta(message, SUBSCRIPTION_ID, pending.request.id))
    }
    const isForSubscribers = message.method === NOTES.resourceUpdated && this.#handshake.isSubscribed
    for (const host of isForSubscribers ? this.#handshake.subscribers() : this.#hosts) host.deliver(message)
  }

  #acceptProgress(message: NotificationMessage): void {
    const token = paramsOf(message)['progressToken']
    const pending = isId(token) ? this.#requests.get(token) : undefined
    if (pending === undefined) return
    pending.host?.deliver(withMember(message, 'progressToken', metaOf(pending.request, 'progressToken')))
  }

  /** A question that needs no answer any more, or a subscription that the server ends. */
  #acceptCancelled(message: NotificationMessage): void {
    const { requestId } = paramsOf(message)
    if (!isId(requestId)) return
    const question = this.#questions.cancelled(requestId)
    if (question !== undefined) question.host.deliver(withMember(message, 'requestId', question.id))
    const ended = question === undefined ? this.#requests.get(requestId) : undefined
    if (ended === undefined || !isSubscription(ended)) return
    ended.host?.deliver(withMember(message, 'requestId', ended.request.id))
    const what = `${ended.request.method} of MCP server "${this.#link.server.name}"`
    this.#fail(ended, new ClosedError(`${what} was ended by the server`))
  }

  #refuse(id: Id, code: number, message: string): void {
    this.#say({ jsonrpc: '2.0', id, error: { code, message } })
  }

  /** To who cannot be reached nothing needs to be said. */
  #say(message: Message): void {
    this.#link.send(message).catch(() => {})
  }

  #newHandshake(): Handshake {
    return new Handshake(this.#link.server, {
      ask: (method, params) => this.#ask(method, params),
      note: (message) => this.#say(message),
      tell: (message) => {
        for (const host of this.#hosts) host.deliver(message)
      },
      report: (error) => {
        for (const host of this.#hosts) host.report(error)
      },
    })
  }
}
