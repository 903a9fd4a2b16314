import type { Timer } from '../../base/clock.ts'
import { OverloadError, TimeoutError } from '../../base/errors.ts'
import { formatMillis } from '../../base/units.ts'
import { type Answer, type Id, METHODS, type RequestMessage, metaOf, withMeta } from '../messages.ts'
import type { McpTransport } from '../transport.ts'

/** One request to the server, from the host that makes it (none for our own) to its answer. */
export interface Pending {
  readonly host: McpTransport | undefined
  readonly request: RequestMessage
  /** Its id on the wire, where those of all hosts meet. */
  readonly id: Id
  readonly settle: (answer: Answer) => void
  readonly fail: (error: Error) => void
  sent: boolean
  /** How long it may wait for the server. */
  patience: Timer | undefined
}

/** Of all hosts of a server. */
const MAX_PENDING = 10_000

/** The requests without an answer yet. Each is settled once, by whoever takes it out. */
export class Requests {
  readonly #pending = new Map<Id, Pending>()
  #count = 0

  get size(): number {
    return this.#pending.size
  }

  /** @throws OverloadError */
  add(own: Pick<Pending, 'host' | 'request' | 'settle' | 'fail'>): Pending {
    const { size } = this.#pending
    if (size >= MAX_PENDING)
      throw new OverloadError(
        `Cannot call ${own.request.method}: ${size} requests wait for an answer`,
        size,
        MAX_PENDING,
      )
    this.#count++
    // A subscription is known to servers and clients by the id of its request, and that is text.
    const id = typeof own.request.id === 'string' ? `${this.#count}/${own.request.id}` : this.#count
    const pending = { ...own, id, sent: false, patience: undefined }
    this.#pending.set(id, pending)
    return pending
  }

  get(id: Id): Pending | undefined {
    return this.#pending.get(id)
  }

  has({ id }: Pending): boolean {
    return this.#pending.has(id)
  }

  /** Takes it out; undefined when somebody was faster. */
  take(id: Id): Pending | undefined {
    const pending = this.#pending.get(id)
    pending?.patience?.cancel()
    this.#pending.delete(id)
    return pending
  }

  /** What this host has named so. */
  find(host: McpTransport, id: unknown): Pending | undefined {
    return this.all().find((pending) => pending.host === host && pending.request.id === id)
  }

  all(): Pending[] {
    return [...this.#pending.values()]
  }
}

export function isSubscription({ request }: Pending): boolean {
  return request.method === METHODS.listen
}

/** The request as it is sent: with the ids that are unique on the wire. */
export function onTheWire({ id, request }: Pending): RequestMessage {
  const sent = { ...request, id }
  return metaOf(request, 'progressToken') === undefined ? sent : withMeta(sent, 'progressToken', id)
}

/** Why it fails when the server was not there within `wait`. */
export function notBack({ request: { method } }: Pending, server: string, wait: number): TimeoutError {
  const text = `Cannot call ${method} of MCP server "${server}": it was not there within ${formatMillis(wait)}`
  return new TimeoutError(text, method, wait)
}
