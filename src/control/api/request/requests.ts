import { said } from '../../../base/options.ts'
import { badRequest } from '../problem.ts'
import {
  type Shape,
  amount,
  anySignal,
  anything,
  flag,
  kinds,
  list,
  members,
  name,
  oneOf,
  optional,
  text,
} from './shape.ts'
import type { Action, CallRequest, LogQuery, SendRequest, StopRequest, StreamTopic } from '../wire.ts'

const targets = list(name)
const plain = (action: 'start' | 'stop' | 'restart'): Shape<Action> =>
  members<Exclude<Action, { action: 'signal' }>>({ action: oneOf(action), targets })

/** `POST /v1/actions` */
export const action: Shape<Action> = kinds<Action>('action', {
  start: plain('start'),
  stop: plain('stop'),
  restart: plain('restart'),
  signal: members<Extract<Action, { action: 'signal' }>>({ action: oneOf('signal'), targets, signal: anySignal }),
})

/** `POST /v1/workers/:id/send` */
export const sending: Shape<SendRequest> = members<SendRequest>({
  message: (value, path) => (value === undefined ? badMessage(path) : value),
})

/** `POST /v1/workers/:id/call` */
export const call: Shape<CallRequest> = members<CallRequest>({
  method: name,
  args: list(anything),
  timeout: optional(amount),
})

/** `POST /v1/stop` */
export const stop: Shape<StopRequest> = members<StopRequest>({ hurry: optional(flag) })

function badMessage(path: string): never {
  throw badRequest(`${path} is missing: expected what is to be sent`)
}

/** What stands behind the `?`, by name. */
export type Query = Readonly<Record<string, readonly string[]>>

/** @throws ControlError for a parameter that does not exist. */
export function checkQuery(query: Query, known: readonly string[]): void {
  const unknown = Object.keys(query).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const all = known.length === 0 ? 'none' : known.join(', ')
  throw badRequest(`There is no parameter ${JSON.stringify(unknown)} here: expected ${all}`)
}

/** `GET /v1/logs` */
export function readLogQuery(query: Query): LogQuery {
  checkQuery(query, ['workers', 'lines', 'since', 'stream', 'previous', 'follow'])
  const stream = optional(oneOf('out', 'err', 'pagent'))(last(query, 'stream'), 'stream')
  const read = {
    workers: readNames(query, 'workers'),
    lines: readNumber(query, 'lines'),
    since: readNumber(query, 'since'),
    stream,
    previous: readFlag(query, 'previous'),
    follow: readFlag(query, 'follow'),
  }
  if (read.previous === true && read.follow === true)
    throw badRequest('previous and follow exclude each other: a life that has ended writes no more')
  return said(read)
}

/** What a reader of `GET /v1/stream` wants. */
export interface StreamQuery {
  readonly topics: ReadonlySet<StreamTopic>
  readonly workers: readonly string[] | undefined
  readonly since: number | undefined
}

const TOPICS: readonly StreamTopic[] = ['event', 'log', 'metrics']

export function readStreamQuery(query: Query, lastEventId: string | undefined): StreamQuery {
  checkQuery(query, ['topics', 'workers', 'since'])
  const topics = (readNames(query, 'topics') ?? TOPICS).map((topic) => oneOf(...TOPICS)(topic, 'topics'))
  const resumed = lastEventId === undefined ? undefined : wholeNumber(lastEventId, 'Last-Event-ID')
  return { topics: new Set(topics), workers: readNames(query, 'workers'), since: resumed ?? readNumber(query, 'since') }
}

/** `GET /v1/workers/:id?reveal=env` */
export function readReveal(query: Query): boolean {
  checkQuery(query, ['reveal'])
  return optional(oneOf('env'))(last(query, 'reveal'), 'reveal') !== undefined
}

export function readNumber(query: Query, key: string): number | undefined {
  const value = last(query, key)
  return value === undefined ? undefined : wholeNumber(value, key)
}

function wholeNumber(value: string, what: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw badRequest(`${what} is ${JSON.stringify(value)}: expected a whole number from 0`)
}

/** `?follow`, `?follow=true` and `?follow=1` are yes. */
function readFlag(query: Query, key: string): boolean | undefined {
  const value = last(query, key)
  if (value === undefined) return undefined
  if (value === '' || value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw badRequest(`${key} is ${JSON.stringify(value)}: expected true or false`)
}

/** Separated by commas, or each in a parameter of its own. */
function readNames(query: Query, key: string): readonly string[] | undefined {
  const names = query[key]?.flatMap((value) => value.split(',')).filter((value) => value !== '')
  return names === undefined || names.length === 0 ? undefined : names.map((value) => text(value, key))
}

function last(query: Query, key: string): string | undefined {
  return query[key]?.at(-1)
}
