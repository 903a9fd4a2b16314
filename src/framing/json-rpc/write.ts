import type { Room } from '../framing.ts'
import { FALSE, NULL, PARAMS, RESULT, TRUE, asciiOf } from './ascii.ts'

/**
 * Writes calls, notices and answers as bytes, the same that `JSON.stringify` would have written: messages of just the usual
 * members in the usual order, whose contents are a few finite numbers and short plain strings. That takes a fraction of
 * making text, and none is left behind for the collector.
 */
export class RpcWriter {
  readonly #max: number
  /** Names of methods as JSON text. */
  readonly #names = new Map<string, Uint8Array>()
  #isWriting = false

  /** `max` is the longest line, its end not counted. */
  constructor(max: number) {
    this.#max = max
  }

  /** Writes a line behind what is in `room`. False for any other message: nothing is written then. */
  write(message: unknown, room: Room): boolean {
    // A getter may send something meanwhile.
    if (typeof message !== 'object' || message === null || this.#isWriting) return false
    this.#isWriting = true
    try {
      const end = this.#line(message, room)
      if (end === NONE || end - 1 - room.used > this.#max) return false
      room.used = end
      return true
    } catch {
      // A getter has thrown: whoever writes the message otherwise meets it again, and says so.
      return false
    } finally {
      this.#isWriting = false
    }
  }

  #line(message: object, { bytes, used }: Room): number {
    if (bytes.length - used < LINE_MAX) return NONE
    const { jsonrpc, id, method, params, result } = message as Record<string, unknown>
    const form = jsonrpc === '2.0' ? formOf(message) : OTHER
    if (form === NOTICE) return this.#request(method, params, bytes, put(NOTICE_HEAD, bytes, used))
    if (form === OTHER || !isPlainId(id)) return NONE
    const at = integer(id, bytes, put(HEAD, bytes, used))
    if (form === CALL) return this.#request(method, params, bytes, put(METHOD, bytes, at))
    return ended(value(result, bytes, put(RESULT, bytes, at)), bytes)
  }

  #request(method: unknown, params: unknown, bytes: Uint8Array, at: number): number {
    const name = typeof method === 'string' ? this.#name(method) : undefined
    if (name === undefined) return NONE
    return ended(value(params, bytes, put(PARAMS, bytes, put(name, bytes, at))), bytes)
  }

  /** Undefined for one that is not usual. */
  #name(method: string): Uint8Array | undefined {
    const known = this.#names.get(method)
    if (known !== undefined || method.length > NAME_MAX || this.#names.size === NAMES_MAX) return known
    const text = JSON.stringify(method)
    if (text.length > NAME_MAX || !isAscii(text)) return undefined
    const name = asciiOf(text)
    this.#names.set(method, name)
    return name
  }
}

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

const HEAD = asciiOf('{"jsonrpc":"2.0","id":')
const METHOD = asciiOf(',"method":')
const NOTICE_HEAD = asciiOf('{"jsonrpc":"2.0","method":')
const END = asciiOf('}\n')

const NAME_MAX = 64
const NAMES_MAX = 256
/** Longer arrays and strings are written as fast by `JSON.stringify`. */
const ITEMS_MAX = 8
const SHORT = 64
/** No line is longer, with room to spare. */
const LINE_MAX = 1024

/** Where a value ends that is not written. */
const NONE = -1

const SPACE = 32
const QUOTE = 34
const COMMA = 44
const MINUS = 45
const ZERO = 48
const OPEN = 91
const BACKSLASH = 92
const CLOSE = 93
const LAST = 126

const CALL = 4
const NOTICE = 6
const ANSWER = 7
const OTHER = 8

const isPlainId = (id: unknown): id is number => Number.isSafeInteger(id) && !Object.is(id, -0)

/** Which form it has; what has a `toJSON`, or a prototype that may have one, is not looked at. */
function formOf(message: object): number {
  if (Object.getPrototypeOf(message) !== Object.prototype || hasToJson(message)) return OTHER
  let step = 0
  // Own members come first, and a prototype without any of its own adds none.
  for (const member in message) step = follow(step, member)
  return step === CALL || step === NOTICE || step === ANSWER ? step : OTHER
}

/** One more member: 1 is behind `jsonrpc`, 2 behind `id`, 3 and 5 behind `method`, with and without an `id`. */
function follow(step: number, member: string): number {
  if (member === 'jsonrpc') return step === 0 ? 1 : OTHER
  if (member === 'id') return step === 1 ? 2 : OTHER
  if (member === 'method') return step === 2 ? 3 : step === 1 ? 5 : OTHER
  if (member === 'params') return step === 3 ? CALL : step === 5 ? NOTICE : OTHER
  return member === 'result' && step === 2 ? ANSWER : OTHER
}

function hasToJson(object: object): boolean {
  return (object as { toJSON?: unknown }).toJSON !== undefined
}

function put(word: Uint8Array, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < word.length; i++) bytes[at + i] = word[i] as number
  return at + word.length
}

const ended = (at: number, bytes: Uint8Array): number => (at === NONE ? NONE : put(END, bytes, at))

/** A scalar, or a short array of them: the arguments of many calls. */
function value(given: unknown, bytes: Uint8Array, from: number): number {
  if (!Array.isArray(given)) return scalar(given, bytes, from)
  if (given.length > ITEMS_MAX || !isPlainArray(given)) return NONE
  let at = from
  bytes[at++] = OPEN
  for (let i = 0; i < given.length; i++) {
    if (i > 0) bytes[at++] = COMMA
    at = scalar(given[i], bytes, at)
    if (at === NONE) return NONE
  }
  bytes[at] = CLOSE
  return at + 1
}

/** Has no `toJSON`, and none of the names that the match of a regular expression has. */
function isPlainArray(values: readonly unknown[] & { index?: unknown }): boolean {
  return Object.getPrototypeOf(values) === Array.prototype && !hasToJson(values) && values.index === undefined
}

function scalar(given: unknown, bytes: Uint8Array, at: number): number {
  if (typeof given === 'number') return number(given, bytes, at)
  if (typeof given === 'string') return short(given, bytes, at)
  if (given === null) return put(NULL, bytes, at)
  return typeof given === 'boolean' ? put(given ? TRUE : FALSE, bytes, at) : NONE
}

/** JSON has no word for those that are not finite, nor one of its own for -0. */
function number(given: number, bytes: Uint8Array, at: number): number {
  if (Object.is(given, -0) || !Number.isFinite(given)) return NONE
  return Number.isSafeInteger(given) ? integer(given, bytes, at) : digits(`${given}`, bytes, at)
}

function integer(given: number, bytes: Uint8Array, at: number): number {
  if ((given | 0) !== given || given === -(2 ** 31)) return digits(`${given}`, bytes, at)
  if (given < 0) {
    bytes[at] = MINUS
    return integer(-given, bytes, at + 1)
  }
  const end = at + lengthOf(given)
  for (let left = given, last = end - 1; last >= at; last--) {
    const rest = (left / 10) | 0
    bytes[last] = ZERO + left - rest * 10
    left = rest
  }
  return end
}

function lengthOf(given: number): number {
  let length = 1
  for (let bound = 10; given >= bound; bound *= 10) length++
  return length
}

function digits(text: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  return at + text.length
}

/** Nothing in it may have to be escaped. */
function short(text: string, bytes: Uint8Array, at: number): number {
  if (text.length > SHORT) return NONE
  bytes[at] = QUOTE
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < SPACE || code > LAST || code === QUOTE || code === BACKSLASH) return NONE
    bytes[at + 1 + i] = code
  }
  bytes[at + 1 + text.length] = QUOTE
  return at + 2 + text.length
}
