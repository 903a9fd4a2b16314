import { CAPABILITY_FOR, type Id, type RequestMessage, membersOf } from '../messages.ts'
import type { McpTransport } from '../transport.ts'

/** A request of the server, as a host sees it. */
export interface Question {
  readonly host: McpTransport
  /** As the host knows it: no two lives of the server ask under one id. */
  readonly id: Id
}

const MAX_OPEN = 10_000

/** What the server asks of its hosts: each question is for one of them, which has said that it answers such. */
export class Questions {
  readonly #capabilities = new WeakMap<McpTransport, unknown>()
  /** By the id of the server. */
  readonly #open = new Map<Id, Question>()
  #count = 0

  get size(): number {
    return this.#open.size
  }

  /** Remembers what a host has said it can answer. */
  introduce(host: McpTransport, capabilities: unknown): void {
    this.#capabilities.set(host, capabilities)
  }

  /** Why it cannot be asked whoever answers, for the server. */
  refusal({ id }: RequestMessage): string | undefined {
    if (this.#open.has(id)) return `a request with the id ${id} is open`
    return this.#open.size < MAX_OPEN ? undefined : `${MAX_OPEN} requests are open`
  }

  /** Whose work the server is at is asked first. Undefined where nobody can answer. */
  ask(question: RequestMessage, hosts: Iterable<McpTransport>, busy: McpTransport | undefined): Question | undefined {
    const able = [...hosts].filter((host) => this.#answers(host, question.method))
    const host = able.find((one) => one === busy) ?? able[0]
    if (host === undefined) return undefined
    const asked = { host, id: `server-${++this.#count}` }
    this.#open.set(question.id, asked)
    return asked
  }

  /** The server's id for what this host has answered; undefined for what is not asked any more. */
  answered(host: McpTransport, id: Id | null): Id | undefined {
    for (const [asked, question] of this.#open) {
      if (question.host !== host || question.id !== id) continue
      this.#open.delete(asked)
      return asked
    }
    return undefined
  }

  /** The server has withdrawn it. */
  cancelled(id: Id): Question | undefined {
    const question = this.#open.get(id)
    this.#open.delete(id)
    return question
  }

  /** A host has gone: the ids of what it will not answer. */
  leave(host: McpTransport): Id[] {
    const unanswered = [...this.#open].filter(([, question]) => question.host === host).map(([id]) => id)
    for (const id of unanswered) this.#open.delete(id)
    return unanswered
  }

  /** The server has ended: what nobody needs to answer. */
  clear(): Question[] {
    const open = [...this.#open.values()]
    this.#open.clear()
    return open
  }

  #answers(host: McpTransport, method: string): boolean {
    const capability = CAPABILITY_FOR.get(method)
    return capability === undefined || capability in membersOf(this.#capabilities.get(host))
  }
}
