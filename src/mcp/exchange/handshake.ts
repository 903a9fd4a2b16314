import { ProtocolError } from '../../base/errors.ts'
import { fromWire } from '../../rpc/faults.ts'
import {
  type Answer,
  type ErrorMessage,
  METHODS,
  NOTES,
  type NotificationMessage,
  type RequestMessage,
  isError,
  membersOf,
  notification,
  paramsOf,
} from '../messages.ts'
import type { McpTransport } from '../transport.ts'

/** How the server is talked to before hosts are. */
export interface Wire {
  /** A request of our own. */
  ask(method: string, params: object): Promise<Answer>
  note(message: NotificationMessage): void
  /** All hosts hear of it. */
  tell(message: NotificationMessage): void
  report(error: Error): void
}

const LISTS = ['tools', 'prompts', 'resources'] as const

/**
 * The beginning of the conversation with the server, had once with the first host that has one (`initialize`) and again in
 * each later life, with everything a life has to be told. Hosts that come later are given the same answer.
 *
 * Since 2026-07-28 there is no beginning: what a server has to know comes with each request.
 */
export class Handshake {
  readonly #server: { readonly name: string }
  readonly #wire: Wire
  /** What the first host has said. */
  #params: object | undefined
  #welcome: object | undefined
  #refusal: { readonly params: object; readonly answer: Answer } | undefined
  /** A first host is being introduced. */
  #meeting: Promise<void> | undefined
  #greeting: Promise<void> | undefined
  #logging: object | undefined
  readonly #subscribers = new Map<string, Set<McpTransport>>()

  constructor(server: { readonly name: string }, wire: Wire) {
    this.#server = server
    this.#wire = wire
  }

  /** What a host gets for an `initialize` with these params, once that is known. What was refused to another is not. */
  answerTo(params: object): Answer | undefined {
    if (this.#welcome !== undefined) return { jsonrpc: '2.0', id: 0, result: this.#welcome }
    return this.#refusal?.params === params ? this.#refusal.answer : undefined
  }

  get isSubscribed(): boolean {
    return this.#subscribers.size > 0
  }

  /** Has a life begun with these params; the first count. Resolves when that has come to an answer, whoever's. */
  meet(params: object, begin: () => Promise<void>): Promise<void> {
    if (this.#meeting !== undefined) return this.#meeting
    this.#params = params
    this.#meeting = begin().finally(() => (this.#meeting = undefined))
    return this.#meeting
  }

  /** Begins a life. Rejects for one that cannot take the conversation up. */
  greet(): Promise<void> {
    this.#greeting ??= this.#greet().finally(() => (this.#greeting = undefined))
    return this.#greeting
  }

  async #greet(): Promise<void> {
    const params = this.#params
    if (params === undefined) return
    const answer = await this.#wire.ask(METHODS.initialize, params)
    const isFirst = this.#welcome === undefined
    if (isError(answer)) return this.#refused(answer, isFirst ? params : undefined)
    this.#accept(membersOf(answer.result), isFirst)
    this.#wire.note(notification(NOTES.initialized))
    if (!isFirst) this.#restore()
  }

  /** Remembers what a host asks for that the next life must be told as well. False when the server need not hear of it. */
  remember(host: McpTransport, { method, params }: RequestMessage): boolean {
    const uri = String(paramsOf({ params })['uri'])
    if (method === METHODS.setLevel) this.#logging = membersOf(params)
    if (method === METHODS.subscribe) this.#subscribersOf(uri).add(host)
    return method !== METHODS.unsubscribe || this.#leave(uri, host)
  }

  /** The subscriptions of others to what this host has left are not touched. Returns what nobody wants any more. */
  forget(host: McpTransport): string[] {
    return [...this.#subscribers.keys()].filter(
      (uri) => this.#subscribers.get(uri)?.has(host) && this.#leave(uri, host),
    )
  }

  /** A server that was asked to subscribe would not. */
  unsubscribe(host: McpTransport, uri: unknown): void {
    this.#leave(String(uri), host)
  }

  /** Who has asked for news of resources: what was updated may lie below what they have named. */
  subscribers(): Set<McpTransport> {
    return new Set([...this.#subscribers.values()].flatMap((hosts) => Array.from(hosts)))
  }

  /** The server's own words go to the first host; a later life is not let in. */
  #refused(answer: ErrorMessage, first: object | undefined): void {
    if (first === undefined) throw fromWire(`MCP server "${this.#server.name}"`, METHODS.initialize, answer.error)
    this.#params = undefined
    this.#refusal = { params: first, answer }
  }

  #accept(welcome: Readonly<Record<string, unknown>>, isFirst: boolean): void {
    const [before, now] = [membersOf(this.#welcome)['protocolVersion'], welcome['protocolVersion']]
    if (!isFirst && before !== now)
      throw new ProtocolError(
        `Cannot go on with MCP server "${this.#server.name}": it speaks ${String(now)} now, and its hosts ${String(before)}; stop() it, and connect again`,
      )
    this.#welcome = welcome
  }

  #restore(): void {
    if (this.#logging !== undefined) this.#again(METHODS.setLevel, this.#logging)
    for (const uri of this.#subscribers.keys()) this.#again(METHODS.subscribe, { uri })
    const capabilities = membersOf(membersOf(this.#welcome)['capabilities'])
    for (const list of LISTS)
      if (membersOf(capabilities[list])['listChanged'] === true)
        this.#wire.tell(notification(`notifications/${list}/list_changed`))
  }

  #again(method: string, params: object): void {
    const failed = ({ message }: Error): void =>
      this.#wire.report(
        new ProtocolError(`Cannot repeat ${method} to MCP server "${this.#server.name}" after its restart: ${message}`),
      )
    this.#wire.ask(method, params).then(checkAnswer).catch(failed)
  }

  #subscribersOf(uri: string): Set<McpTransport> {
    const known = this.#subscribers.get(uri) ?? new Set()
    this.#subscribers.set(uri, known)
    return known
  }

  /** True when that was the last. */
  #leave(uri: string, host: McpTransport): boolean {
    const hosts = this.#subscribers.get(uri)
    hosts?.delete(host)
    if (hosts !== undefined && hosts.size > 0) return false
    this.#subscribers.delete(uri)
    return true
  }
}

function checkAnswer(answer: Answer): void {
  if (isError(answer)) throw new Error(answer.error.message)
}
