import { decodeUtf8 } from '../framing.ts'
import { TAG, VIEWS } from './tags.ts'

/**
 * The value in `bytes`, which shares no memory with them. Takes memory in proportion to their number, whatever they
 * say. Throws for bytes that are no value.
 */
export function deserialize(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes)
  const value = reader.read()
  if (reader.left > 0) throw new Error(`there are ${reader.left} bytes behind the value`)
  return value
}

/** No values: they stand where a value might. */
const END = Symbol('end')
const HOLE = Symbol('hole')

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  readonly #objects: object[] = []
  readonly #names: string[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** A value, and nothing else. */
  read(): unknown {
    const value = this.#read()
    if (value === END || value === HOLE) throw new Error('a value is missing')
    return value
  }

  #read(): unknown {
    const tag = this.#bytes[this.#at++]
    switch (tag) {
      case undefined:
        throw new Error('the end is missing')
      case TAG.end:
        return END
      case TAG.hole:
        return HOLE
      case TAG.undefined:
        return undefined
      case TAG.null:
        return null
      case TAG.true:
        return true
      case TAG.false:
        return false
      case TAG.integer:
        return this.#integer()
      case TAG.double:
        return this.#double()
      case TAG.bigint:
        return this.#bigint()
      case TAG.short:
        return this.#text(this.#byte())
      case TAG.long:
        return this.#text(this.#length())
      case TAG.halves:
        return this.#halves()
      case TAG.object:
        return this.#members(this.#keep({}))
      case TAG.array:
        return this.#array()
      default:
        return this.#readOther(tag)
    }
  }

  #readOther(tag: number): unknown {
    switch (tag) {
      case TAG.again:
        return known(this.#objects, this.#number())
      case TAG.sparse:
        return this.#sparse()
      case TAG.map:
        return this.#map()
      case TAG.set:
        return this.#set()
      case TAG.date:
        return this.#keep(new Date(this.#double()))
      case TAG.regexp:
        return this.#keep(new RegExp(this.#string(), this.#string()))
      case TAG.error:
        return this.#error()
      case TAG.buffer:
        return this.#keep(this.#own(this.#length()).buffer)
      case TAG.view:
        return this.#viewOf(VIEWS[this.#byte()])
      case TAG.boxed:
        return this.#boxed()
      default:
        throw new Error(`${tag} is no tag`)
    }
  }

  #members<T extends object>(object: T): T {
    for (let name = this.#name(); name !== undefined; name = this.#name()) setMember(object, name, this.read())
    return object
  }

  #name(): string | undefined {
    const tag = this.#bytes[this.#at]
    if (tag === TAG.name) {
      this.#at++
      return known(this.#names, this.#number())
    }
    const name = this.#read()
    if (name === END) return undefined
    if (typeof name !== 'string') throw new Error('a name is missing')
    this.#names.push(name)
    return name
  }

  #array(): unknown[] {
    const values: unknown[] = this.#keep([])
    for (let value = this.#read(); value !== END; value = this.#read()) {
      if (value === HOLE) values.length++
      else values.push(value)
    }
    return this.#members(values)
  }

  #sparse(): unknown[] {
    const values: unknown[] = this.#keep([])
    const length = this.#double()
    // So V8 keeps a table of what is there, instead of memory for all that might be.
    values.length = 2 ** 32 - 1
    values.length = length
    if (this.#byte() !== TAG.object) throw new Error('the values of an array are missing')
    return this.#members(values)
  }

  #map(): Map<unknown, unknown> {
    const map = this.#keep(new Map<unknown, unknown>())
    for (let left = this.#length(); left > 0; left--) map.set(this.read(), this.read())
    return map
  }

  #set(): Set<unknown> {
    const set = this.#keep(new Set<unknown>())
    for (let left = this.#length(); left > 0; left--) set.add(this.read())
    return set
  }

  #error(): Error {
    const at = this.#objects.push(END as unknown as object) - 1
    const kind = this.#string()
    const error = withoutStack(ERRORS.find(({ name }) => name === kind) ?? Error)
    this.#objects[at] = error
    for (let name = this.#read(); name !== END; name = this.#read()) {
      if (name !== 'message' && name !== 'stack' && name !== 'cause') throw new Error('an error has no such member')
      define(error, name, this.read(), false)
    }
    return error
  }

  #boxed(): object {
    const at = this.#objects.push(END as unknown as object) - 1
    const value = this.read()
    if (typeof value === 'object' || value === undefined) throw new Error('what is boxed is missing')
    return (this.#objects[at] = Object(value) as object)
  }

  #viewOf(name: (typeof VIEWS)[number] | undefined): object {
    const bytes = this.#own(this.#length())
    if (name === 'Uint8Array') return this.#keep(bytes)
    if (name === 'Buffer') return this.#keep(globalThis.Buffer === undefined ? bytes : Buffer.from(bytes.buffer))
    const View = name === undefined ? undefined : (globalThis as unknown as Partial<Record<string, ViewMaker>>)[name]
    if (View === undefined) throw new Error('a view is of no known kind')
    return this.#keep(new View(bytes.buffer))
  }

  #keep<T extends object>(object: T): T {
    this.#objects.push(object)
    return object
  }

  #string(): string {
    const text = this.#read()
    if (typeof text === 'string') return text
    throw new Error('text is missing')
  }

  #text(length: number): string {
    const from = this.#advance(length)
    return decodeUtf8(this.#bytes, from, this.#at)
  }

  #halves(): string {
    const from = this.#advance(this.#view.getUint32(this.#advance(4)) * 2)
    let text = ''
    for (let at = from; at < this.#at; at += 2) text += String.fromCharCode(this.#view.getUint16(at))
    return text
  }

  #bigint(): bigint {
    const isNegative = this.#byte() === 1
    const value = BigInt(`0x${this.#string()}`)
    return isNegative ? -value : value
  }

  #integer(): number {
    const zigzag = this.#number()
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  #number(): number {
    let sum = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte()
      sum |= (byte & 127) << shift
      if (byte < 128) return sum >>> 0
    }
    throw new Error('a number is too long')
  }

  #double(): number {
    return this.#view.getFloat64(this.#advance(8))
  }

  #length(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  #byte(): number {
    return this.#bytes[this.#advance(1)] ?? 0
  }

  #own(length: number): Uint8Array<ArrayBuffer> {
    const from = this.#advance(length)
    const own = newBytes(length)
    own.set(this.#bytes.subarray(from, this.#at))
    return own
  }

  /** Passes over so many bytes; returns where they begin. */
  #advance(length: number): number {
    const from = this.#at
    if (from + length > this.#bytes.length) throw new Error('the end is missing')
    this.#at += length
    return from
  }
}

/** All of it is written over at once. */
function newBytes(length: number): Uint8Array<ArrayBuffer> {
  const { Buffer: NodeBuffer } = globalThis as { Buffer?: typeof Buffer }
  if (NodeBuffer === undefined || length < LONG) return new Uint8Array(length)
  return new Uint8Array(NodeBuffer.allocUnsafeSlow(length).buffer)
}

/** From so many bytes on it takes longer to fill memory with zeros than to get it from Node. */
const LONG = 4096

type ViewMaker = new (buffer: ArrayBuffer) => object

const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError] as const

/** To write down where it was made takes microseconds and memory, for nobody: the stack comes with it. */
function withoutStack(Kind: (typeof ERRORS)[number]): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new Kind()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function known<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`there is no number ${index}`)
  return found
}

function setMember(object: object, name: string, value: unknown): void {
  // A few bytes must not reserve memory for millions.
  if (name === 'length' && Array.isArray(object)) throw new Error('length is no name')
  // Assigned, it would be the prototype.
  if (name === '__proto__') define(object, name, value, true)
  else (object as Record<string, unknown>)[name] = value
}

function define(object: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, name, { value, enumerable, writable: true, configurable: true })
}
