import { toJson, unencodable } from '../framing.ts'

/**
 * Writes messages as JSON text, byte for byte as `JSON.stringify` does, but for a `result` that JSON has no word for
 * (see `answered`). Calls, notices and answers of just the usual members, in the usual order, are written into a
 * template, which costs a fraction; any other message is left to `JSON.stringify`.
 */
export class RpcWriter {
  readonly #framing: string
  readonly #suits: (value: unknown) => boolean
  /** Names of methods as JSON text. */
  readonly #names = new Map<string, string>()

  /** `framing` is named in errors. A template is for `params` and a `result` that suit. */
  constructor(framing: string, suits: (value: unknown) => boolean = () => true) {
    this.#framing = framing
    this.#suits = suits
  }

  /** @throws FramingError `unencodable` */
  write(message: unknown): string {
    return this.writeForm(message) ?? toJson(this.#framing, answered(this.#framing, message))
  }

  /** Undefined for a message that fits no template. */
  writeForm(message: unknown): string | undefined {
    if (typeof message !== 'object' || message === null) return undefined
    try {
      return this.#fill(message)
    } catch {
      // A getter has thrown: whoever writes the message otherwise meets it again, and says so.
      return undefined
    }
  }

  #fill(message: object): string | undefined {
    const { jsonrpc, id, method, params, result } = message as Record<string, unknown>
    if (jsonrpc !== '2.0' || (id !== undefined && !isPlainId(id))) return undefined
    const form = formOf(message)
    if (form === ANSWER) return id === undefined ? undefined : this.#writeAnswer(id, result)
    if (form === OTHER || typeof method !== 'string' || !this.#suits(params)) return undefined
    const text = textOf(params)
    if (text === undefined) return undefined
    if (form === NOTICE) return `{"jsonrpc":"2.0","method":${this.#name(method)},"params":${text}}`
    return id === undefined ? undefined : `{"jsonrpc":"2.0","id":${id},"method":${this.#name(method)},"params":${text}}`
  }

  #writeAnswer(id: number, result: unknown): string | undefined {
    if (!this.#suits(result)) return undefined
    const text = result === undefined ? 'null' : textOf(result)
    return text === undefined ? undefined : `{"jsonrpc":"2.0","id":${id},"result":${text}}`
  }

  #name(method: string): string {
    const known = this.#names.get(method)
    if (known !== undefined) return known
    const text = JSON.stringify(method)
    if (method.length <= NAME_MAX && this.#names.size < NAMES_MAX) this.#names.set(method, text)
    return text
  }
}

const NAME_MAX = 64
const NAMES_MAX = 256
/** Longer arrays are written as fast by `JSON.stringify`. */
const ITEMS_MAX = 8

const CALL = 4
const NOTICE = 6
const ANSWER = 7
const OTHER = 8

const isPlainId = (id: unknown): id is number => Number.isSafeInteger(id) && !Object.is(id, -0)

/** Which template fits; what has a `toJSON`, or a prototype that may have one, is not looked at. */
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

/** Undefined for what JSON drops. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return numeral(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value !== 'object') return plainText(value)
  // It would be told another name than that of the member it is in.
  if (hasToJson(value)) return undefined
  return (Array.isArray(value) ? numerals(value) : undefined) ?? plainText(value)
}

/** Undefined where `JSON.stringify` throws: that is told of the whole message. */
function plainText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

const numeral = (value: number): string => (Number.isFinite(value) ? `${value}` : 'null')

/** A short array of numbers: the arguments of many calls. */
function numerals(values: readonly unknown[]): string | undefined {
  if (values.length === 0 || values.length > ITEMS_MAX) return undefined
  let text = ''
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'number') return undefined
    text += i === 0 ? `[${numeral(value)}` : `,${numeral(value)}`
  }
  return `${text}]`
}

function hasToJson(value: object): boolean {
  return (value as { toJSON?: unknown }).toJSON !== undefined
}

/**
 * An answer must have a result, which JSON would drop here without a word: a function that returns nothing has
 * answered with null, one that returns a function has made a mistake.
 */
function answered(framing: string, message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !isResultLost(message)) return message
  const { result } = message as { result: unknown }
  if (result === undefined) return { ...message, result: null }
  throw unencodable(framing, `a ${typeof result} cannot be the result of a call: JSON has no such thing`)
}

function isResultLost(message: object): boolean {
  try {
    const { jsonrpc, result, error } = message as Record<string, unknown>
    const isLost = result === undefined || typeof result === 'function' || typeof result === 'symbol'
    return isLost && jsonrpc === '2.0' && error === undefined && Object.hasOwn(message, 'result')
  } catch {
    return false
  }
}
