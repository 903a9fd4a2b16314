import { decodeUtf8 } from '../framing.ts'
import { FALSE, NULL, PARAMS, RESULT, TRUE, asciiOf } from './ascii.ts'

/** Nothing that a line can hold. */
export const MISS: unique symbol = Symbol('miss')

/**
 * Reads lines of these forms right from the bytes, which costs a fraction of decoding and parsing them:
 *
 *     {"jsonrpc":"2.0","id":7,"result":…}
 *     {"jsonrpc":"2.0","id":7,"method":"add","params":…}
 *     {"jsonrpc":"2.0","method":"add","params":…}
 *
 * Only what stands at the `…` is parsed, and that only where it is more than a few scalars. When it is one JSON value, the
 * line is an object of just these members, because the grammar of JSON leaves no other reading: a further member, or one
 * of the same name, would have to stand in the `…`, which would then be no value.
 */
export class RpcReader {
  readonly #names = new Names()
  #failures = 0

  /** Behind the newline of the message that was read. */
  get end(): number {
    return cursor
  }

  /** The message whose line begins at `from`; MISS where it has another form, or its end is not there. */
  read(bytes: Uint8Array, from: number): unknown {
    if (this.#failures === FAILURES_MAX || !passes(HEAD, bytes, from)) return MISS
    try {
      return bytes[cursor] === LETTER_I ? this.#readWithId(bytes) : this.#readNotice(bytes)
    } catch {
      // An exception costs more than a form saves: a peer that writes otherwise is not tried for ever.
      this.#failures++
      return MISS
    }
  }

  #readWithId(bytes: Uint8Array): unknown {
    if (!passes(ID, bytes, cursor)) return MISS
    const id = integer(bytes, cursor)
    if (id === MISS) return MISS
    if (passes(RESULT, bytes, cursor)) {
      const result = value(bytes, cursor)
      return result === MISS ? MISS : { jsonrpc: '2.0', id, result }
    }
    if (!passes(THEN_METHOD, bytes, cursor)) return MISS
    const method = this.#names.read(bytes, cursor)
    const params = this.#params(bytes, method)
    return params === MISS ? MISS : { jsonrpc: '2.0', id, method, params }
  }

  #readNotice(bytes: Uint8Array): unknown {
    if (!passes(METHOD, bytes, cursor)) return MISS
    const method = this.#names.read(bytes, cursor)
    const params = this.#params(bytes, method)
    return params === MISS ? MISS : { jsonrpc: '2.0', method, params }
  }

  #params(bytes: Uint8Array, method: string | undefined): unknown {
    return method !== undefined && passes(PARAMS, bytes, cursor) ? value(bytes, cursor) : MISS
  }
}

/** Names of methods, by their bytes: to look one up costs no string. */
class Names {
  readonly #known: ({ readonly bytes: Uint8Array; readonly name: string } | undefined)[] = []

  /** The name from `from` to its quote; undefined where something is escaped. */
  read(bytes: Uint8Array, from: number): string | undefined {
    let hash = 0
    let at = from
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === QUOTE) break
      if (byte === BACKSLASH || byte < SPACE) return undefined
      hash = Math.imul(hash, 31) + byte
    }
    if (at === bytes.length) return undefined
    const name = this.#find(hash & (NAMES_MAX - 1), bytes, from, at)
    cursor = at + 1
    return name
  }

  #find(place: number, bytes: Uint8Array, from: number, to: number): string {
    const known = this.#known[place]
    if (known !== undefined && known.bytes.length === to - from && passes(known.bytes, bytes, from)) return known.name
    const name = decodeUtf8(bytes, from, to)
    if (to - from <= NAME_MAX) this.#known[place] = { bytes: bytes.slice(from, to), name }
    return name
  }
}

const HEAD = asciiOf('{"jsonrpc":"2.0","')
const ID = asciiOf('id":')
const THEN_METHOD = asciiOf(',"method":"')
const METHOD = asciiOf('method":"')

const FAILURES_MAX = 16
const NAME_MAX = 64
/** A power of two. */
const NAMES_MAX = 256
/** Up to 15 digits are a safe integer. */
const DIGITS_MAX = 15
/** Longer strings are found sooner by `JSON.parse`. */
const SHORT = 128
/** Longer arrays are read as fast by `JSON.parse`. */
const ITEMS_MAX = 8

const NEWLINE = 10
const SPACE = 32
const QUOTE = 34
const COMMA = 44
const MINUS = 45
const ZERO = 48
const NINE = 57
const OPEN = 91
const BACKSLASH = 92
const CLOSE = 93
const LETTER_F = 102
const LETTER_I = 105
const LETTER_N = 110
const LETTER_T = 116
const BRACE = 125

/** Where the last part ended. */
let cursor = 0

function passes(word: Uint8Array, bytes: Uint8Array, from: number): boolean {
  const { length } = word
  if (from + length > bytes.length) return false
  for (let i = 0; i < length; i++) if (bytes[from + i] !== word[i]) return false
  cursor = from + length
  return true
}

/** The value from `from` to the brace that ends the line. Throws what `JSON.parse` throws. */
function value(bytes: Uint8Array, from: number): unknown {
  const found = bytes[from] === OPEN ? items(bytes, from + 1) : scalar(bytes, from)
  if (found === MISS || bytes[cursor] !== BRACE || bytes[cursor + 1] !== NEWLINE) return parsed(bytes, from)
  cursor += 2
  return found
}

function parsed(bytes: Uint8Array, from: number): unknown {
  const newline = bytes.indexOf(NEWLINE, from)
  if (newline === -1 || bytes[newline - 1] !== BRACE) return MISS
  const found: unknown = JSON.parse(decodeUtf8(bytes, from, newline - 1))
  cursor = newline + 1
  return found
}

/** A short array of scalars: the arguments of many calls. */
function items(bytes: Uint8Array, from: number): unknown {
  const found: unknown[] = []
  for (let at = from; found.length < ITEMS_MAX; at = cursor + 1) {
    const item = scalar(bytes, at)
    if (item === MISS) return MISS
    found.push(item)
    const after = bytes[cursor]
    if (after === COMMA) continue
    if (after !== CLOSE) return MISS
    cursor++
    return found
  }
  return MISS
}

/** What follows it (a fraction, say) is for the caller to refuse. */
function scalar(bytes: Uint8Array, from: number): unknown {
  const first = bytes[from]
  if (first === undefined) return MISS
  if (first >= ZERO && first <= NINE) return integer(bytes, from)
  if (first === QUOTE) return short(bytes, from + 1)
  if (first === MINUS) return negative(bytes, from + 1)
  if (first === LETTER_N) return passes(NULL, bytes, from) ? null : MISS
  if (first === LETTER_T) return passes(TRUE, bytes, from) ? true : MISS
  return first === LETTER_F && passes(FALSE, bytes, from) ? false : MISS
}

function integer(bytes: Uint8Array, from: number): number | typeof MISS {
  let sum = 0
  let at = from
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) break
    sum = sum * 10 + digit
  }
  cursor = at
  const digits = at - from
  return digits === 0 || digits > DIGITS_MAX || (digits > 1 && bytes[from] === ZERO) ? MISS : sum
}

/** -0 is another number than its opposite. */
function negative(bytes: Uint8Array, from: number): number | typeof MISS {
  const opposite = integer(bytes, from)
  return opposite === MISS || opposite === 0 ? MISS : -opposite
}

/** A short string without escapes. */
function short(bytes: Uint8Array, from: number): unknown {
  const last = Math.min(bytes.length - 1, from + SHORT)
  for (let at = from; at <= last; at++) {
    const byte = bytes[at] as number
    if (byte === QUOTE) {
      cursor = at + 1
      return decodeUtf8(bytes, from, at)
    }
    if (byte === BACKSLASH || byte < SPACE) return MISS
  }
  return MISS
}
