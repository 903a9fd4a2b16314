/**
 * Reads one line. A line of one of these forms costs a fraction of `JSON.parse`; any other goes there:
 *
 *     {"jsonrpc":"2.0","id":7,"result":…}
 *     {"jsonrpc":"2.0","id":7,"method":"add","params":…}
 *     {"jsonrpc":"2.0","method":"add","params":…}
 *
 * Only what stands at the `…` is parsed. When that is one JSON value, the line is an object of just these members,
 * because the grammar of JSON leaves no other reading: a further member, or one of the same name, would have to stand
 * in the `…`, which would then be no value, and the whole line is parsed after all.
 */
export class RpcReader {
  /** The names of methods by themselves: a slice of a line would keep the chunk it came in. */
  readonly #names = new Map<string, string>()
  #misses = 0

  /** @throws SyntaxError for a line that is not JSON. */
  read(line: string): unknown {
    const message = this.#misses < MISSES_MAX && reads(FORM, line, 0) ? this.#readForm(line) : MISS
    return message === MISS ? JSON.parse(line) : message
  }

  #readForm(line: string): unknown {
    if (line.charCodeAt(line.length - 1) !== BRACE) return MISS
    try {
      return line.charCodeAt(cursor - 1) === QUOTE ? this.#readCall(line) : readAnswer(line)
    } catch {
      // An exception costs more than a form saves: a peer that writes otherwise is not tried for ever.
      this.#misses++
      return MISS
    }
  }

  #readCall(line: string): unknown {
    const method = this.#name(line, cursor)
    if (!reads(PARAMS, line, cursor)) return MISS
    const params = value(line, cursor)
    if (line.charCodeAt(ID_MARK) !== LETTER_I) return { jsonrpc: '2.0', method, params }
    return { jsonrpc: '2.0', id: integer(line, ID_AT), method, params }
  }

  /** Reads up to the next quote; one that is escaped leaves half a string, which is no JSON. */
  #name(line: string, from: number): string {
    const end = line.indexOf('"', from)
    cursor = end + 1
    const written = line.slice(from, end)
    const known = this.#names.get(written)
    if (known !== undefined) return known
    const name = JSON.parse(line.slice(from - 1, end + 1)) as string
    // Where nothing was escaped, what was parsed can stand for what was written.
    if (name === written && name.length <= NAME_MAX && this.#names.size < NAMES_MAX) this.#names.set(name, name)
    return name
  }
}

/** Up to 15 digits are a safe integer. Regular expressions, because they compare a slice in half the time of others. */
const FORM = /\{"jsonrpc":"2\.0",(?:"id":(?:0|[1-9]\d{0,14}),"(?:result":|method":")|"method":")/y
const PARAMS = /,"params":/y
const LITERAL = /null|true|false/y
/** Where an `i` tells `id` from `method`, and where the number begins. */
const ID_MARK = '{"jsonrpc":"2.0","'.length
const ID_AT = ID_MARK + 'id":'.length

const MISSES_MAX = 16
const NAME_MAX = 64
const NAMES_MAX = 256
const DIGITS_MAX = 15
/** A longer slice shares the memory of its chunk. */
const SHORT = 12
/** Longer arrays are read as fast by `JSON.parse`. */
const ITEMS_MAX = 8

const QUOTE = 34
const COMMA = 44
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

/** Nothing that a line can hold. */
const MISS = Symbol('miss')

/** Where the last part ended. */
let cursor = 0

function reads(pattern: RegExp, line: string, from: number): boolean {
  pattern.lastIndex = from
  if (!pattern.test(line)) return false
  cursor = pattern.lastIndex
  return true
}

function readAnswer(line: string): unknown {
  const result = value(line, cursor)
  return { jsonrpc: '2.0', id: integer(line, ID_AT), result }
}

/** The value from `from` to the brace that ends the line. Throws what `JSON.parse` throws. */
function value(line: string, from: number): unknown {
  const end = line.length - 1
  const found = line.charCodeAt(from) === OPEN ? items(line, from + 1) : scalar(line, from)
  return found !== MISS && cursor === end ? found : JSON.parse(line.slice(from, end))
}

/** A short array of scalars: the arguments of many calls. */
function items(line: string, from: number): unknown {
  const found: unknown[] = []
  for (let at = from; found.length < ITEMS_MAX; at = cursor + 1) {
    const item = scalar(line, at)
    if (item === MISS) return MISS
    found.push(item)
    const after = line.charCodeAt(cursor)
    if (after === COMMA) continue
    if (after !== CLOSE) return MISS
    cursor++
    return found
  }
  return MISS
}

/** What follows it (a fraction, say) is for the caller to refuse. */
function scalar(line: string, from: number): unknown {
  const first = line.charCodeAt(from)
  if (first >= ZERO && first <= NINE) return integer(line, from)
  if (first === QUOTE) return short(line, from + 1)
  if (first !== LETTER_N && first !== LETTER_T && first !== LETTER_F) return MISS
  if (!reads(LITERAL, line, from)) return MISS
  return first === LETTER_N ? null : first === LETTER_T
}

function integer(line: string, from: number): unknown {
  let sum = 0
  let at = from
  for (let code = line.charCodeAt(at); code >= ZERO && code <= NINE; code = line.charCodeAt(++at)) {
    sum = sum * 10 + code - ZERO
  }
  cursor = at
  const digits = at - from
  return digits > DIGITS_MAX || (digits > 1 && line.charCodeAt(from) === ZERO) ? MISS : sum
}

/** A string of a few characters without escapes. */
function short(line: string, from: number): unknown {
  for (let at = from; at <= from + SHORT; at++) {
    const code = line.charCodeAt(at)
    if (code === QUOTE) {
      cursor = at + 1
      return line.slice(from, at)
    }
    // Behind the end of the line it is no number, for which no comparison holds.
    if (code === BACKSLASH || !(code >= 32)) return MISS
  }
  return MISS
}
