import {
  CODES,
  type ErrorMessage,
  type Id,
  type NotificationMessage,
  type RequestMessage,
  type ResultMessage,
  isId,
  kindOf,
} from '../rpc/messages.ts'

export { CODES, type ErrorMessage, type Id, type NotificationMessage, type RequestMessage, isId, kindOf }

export type Answer = ResultMessage | ErrorMessage
export type Message = RequestMessage | NotificationMessage | Answer

/** Whether it says no. Some servers write `"error":null` beside each result. */
export function isError(answer: Answer): answer is ErrorMessage {
  return 'error' in answer && (answer.error as unknown) !== null
}

/** The methods that are more to us than what is passed on. */
export const METHODS = {
  initialize: 'initialize',
  subscribe: 'resources/subscribe',
  unsubscribe: 'resources/unsubscribe',
  setLevel: 'logging/setLevel',
  /** A request that is open for as long as its subscription; since 2026-07-28. */
  listen: 'subscriptions/listen',
  ping: 'ping',
} as const

export const NOTES = {
  initialized: 'notifications/initialized',
  cancelled: 'notifications/cancelled',
  progress: 'notifications/progress',
  rootsChanged: 'notifications/roots/list_changed',
  resourceUpdated: 'notifications/resources/updated',
} as const

/** Which capability a host has declared that answers such a request of a server. */
export const CAPABILITY_FOR: ReadonlyMap<string, string> = new Map([
  ['roots/list', 'roots'],
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
])

/** Where a notification says which `subscriptions/listen` it belongs to. */
export const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'

type Members = Readonly<Record<string, unknown>>

/** The parameters by name; none where there are none. */
export function paramsOf(message: { readonly params?: unknown }): Members {
  return membersOf(message.params)
}

/** The members of what is an object, none of anything else. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {}
}

export function notification(method: string, params?: object): NotificationMessage {
  return { jsonrpc: '2.0', method, ...(params !== undefined && { params }) }
}

/** The same message about another id: the requests of several hosts share one server, which must tell them apart. */
export function withMember<M extends { readonly params?: unknown }>(message: M, name: string, value: unknown): M {
  return { ...message, params: { ...paramsOf(message), [name]: value } }
}

/** The same with another member of its `_meta`. */
export function withMeta<M extends { readonly params?: unknown }>(message: M, name: string, value: unknown): M {
  return withMember(message, '_meta', { ...membersOf(paramsOf(message)['_meta']), [name]: value })
}

export function metaOf(message: { readonly params?: unknown }, name: string): unknown {
  return membersOf(paramsOf(message)['_meta'])[name]
}
