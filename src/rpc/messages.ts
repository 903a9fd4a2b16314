/** JSON-RPC 2.0, in both directions at once: docs/protocol.md. */

export type Id = number | string

/** What goes with a call beside its arguments: the trace it belongs to, as in W3C Trace Context. */
export type Meta = Readonly<Record<string, unknown>>

/** Asked at each start and each call for what is to go with it; undefined for nothing. */
export type Propagate = () => Readonly<Record<string, string>> | undefined

/** By position, by name, or none. */
export type Params = readonly unknown[] | object | undefined

export interface RequestMessage {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly method: string
  readonly _meta?: Meta
  readonly params?: Params
  /** The answer is wanted as a stream: so many items may be sent before more are asked for. */
  readonly credit?: number
}

export interface NotificationMessage {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly _meta?: Meta
  readonly params?: Params
}

export interface ResultMessage {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly result: unknown
}

export interface ErrorMessage {
  readonly jsonrpc: '2.0'
  /** null when the request was so broken that it had none. */
  readonly id: Id | null
  readonly error: WireError
}

/** An error as it travels. */
export interface WireError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** The codes of the specification, and LSP's for what was cancelled. */
export const CODES = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internalError: -32_603,
  /** A function threw. */
  failed: -32_000,
  /** More calls than it takes. */
  overloaded: -32_001,
  cancelled: -32_800,
} as const

/** What peers tell each other beside calls. As in LSP, `$/` is for the protocol, and unknown ones are passed over. */
export const NOTES = {
  cancel: '$/cancelRequest',
  progress: '$/progress',
  item: '$/item',
  credit: '$/credit',
} as const

/** What a message is, by the members it has. */
export function kindOf(message: unknown): 'request' | 'notification' | 'answer' | 'garbage' {
  if (typeof message !== 'object' || message === null) return 'garbage'
  const { id, method } = message as Partial<RequestMessage>
  if (typeof method === 'string')
    return id === undefined || id === null ? 'notification' : isId(id) ? 'request' : 'garbage'
  return 'result' in message || 'error' in message ? 'answer' : 'garbage'
}

export function isId(id: unknown): id is Id {
  return typeof id === 'number' || typeof id === 'string'
}
