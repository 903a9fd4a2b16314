import type { Bytes } from '../base/units.ts'
import { ByteQueue } from './byte-queue.ts'
import {
  type Decoder,
  type Emit,
  type Framing,
  LINE_MAX,
  type OverlongPolicy,
  type Report,
  checkOptions,
  decodeUtf8,
  readMaxLength,
  tooLong,
  unencodable,
  unterminated,
} from './framing.ts'

export interface LinesOptions {
  /** Longest line in bytes, its end not counted. @default '1MiB' */
  readonly maxLength?: Bytes | undefined
  /**
   * What happens to a longer line: `'skip'` drops it and reports it instead of ending the stream; `'cut'` reports it, too, and
   * delivers its first `maxLength` bytes. @default 'fail'
   */
  readonly onOverlong?: OverlongPolicy | 'cut' | undefined
}

/**
 * Lines of UTF-8 text, one message a line; `\n` or `\r\n` ends one, `\n` is written.
 *
 * A byte that is not UTF-8 becomes U+FFFD. Strings of one chunk may share its
 * memory (32 KiB at most) as long as one of them is kept.
 *
 * ```ts
 * import { lines } from 'pagent/framing'
 * const seen: string[] = []
 * lines().decoder().push(new TextEncoder().encode('a\r\nb\n'), (line) => seen.push(line))
 * console.log(seen) // → [ 'a', 'b' ]
 * ```
 */
export function lines(options: LinesOptions = {}): Framing<string> {
  checkOptions('lines', options, ['maxLength', 'onOverlong'])
  const max = readMaxLength(options.maxLength, LINE_MAX)
  const policy = readPolicy(options.onOverlong)
  return {
    name: 'lines',
    decoder: (report) => new LineDecoder('lines', max, policy, report),
    encode: encodeLine,
  }
}

function encodeLine(line: string): string {
  if (typeof line !== 'string')
    throw unencodable('lines', `lines() carries strings, not ${typeof line}; use json() for values`)
  const at = line.indexOf('\n')
  if (at === -1) return `${line}\n`
  throw unencodable(
    'lines',
    at === line.length - 1
      ? 'a line must not end with a newline; lines() adds it'
      : `a line must not contain a newline (found at ${at}); send each line by itself, or use json()`,
  )
}

/** What happens to a line that is too long. */
export type LinePolicy = OverlongPolicy | 'cut'

const NEWLINE = 10
const CR = 13
/** Decoded at once: small enough for V8 to keep the strings in its young generation. */
const PIECE = 32_768

/** Cuts on bytes, decodes whole lines: a newline byte is never inside a UTF-8 sequence. */
export class LineDecoder implements Decoder<string> {
  readonly #name: string
  readonly #max: number
  readonly #policy: LinePolicy
  readonly #report: Report | undefined
  /** The head of a line whose end has not come yet. */
  readonly #rest = new ByteQueue()
  #skipping = false

  constructor(name: string, max: number, policy: LinePolicy, report: Report | undefined) {
    this.#name = name
    this.#max = max
    this.#policy = policy
    this.#report = report
  }

  push(chunk: Uint8Array, emit: Emit<string>): void {
    const from = this.#rest.length > 0 || this.#skipping ? this.#finishLine(chunk, emit) : 0
    const last = chunk.lastIndexOf(NEWLINE)
    if (last >= from) this.#emitLines(chunk, from, last, emit)
    const tail = Math.max(from, last + 1)
    if (tail < chunk.length) this.#keep(chunk.subarray(tail), emit)
  }

  end(emit: Emit<string>): void {
    const line = this.takeRest()
    if (line === undefined) return
    this.#report?.(unterminated(this.#name))
    emit(line)
  }

  /** The line whose end has not come, if there is one. */
  takeRest(): string | undefined {
    if (this.#rest.length === 0) return undefined
    const line = decodeUtf8(this.#rest.view())
    this.#rest.clear()
    return withoutCr(line)
  }

  /** Ends the line that began in an earlier chunk. Returns where the next one starts. */
  #finishLine(chunk: Uint8Array, emit: Emit<string>): number {
    const end = chunk.indexOf(NEWLINE)
    if (end === -1) return 0
    if (!this.#skipping) this.#keep(chunk.subarray(0, end), emit)
    if (!this.#skipping) emit(this.takeRest() ?? '')
    this.#skipping = false
    return end + 1
  }

  #keep(part: Uint8Array, emit: Emit<string>): void {
    if (this.#skipping || part.length === 0) return
    const kept = this.#rest.length
    if (kept + lengthOfLine(part, 0, part.length) <= this.#max) return this.#rest.push(part)
    this.#skipping = true
    this.#refuse(kept + part.length)
    if (this.#policy === 'cut') this.#rest.push(part.subarray(0, Math.max(0, this.#max - kept)))
    this.#emitHead(this.#rest.view().subarray(0, this.#max), emit)
    this.#rest.clear()
  }

  /** Emits the whole lines of `[from, last)`, `last` being a newline. */
  #emitLines(chunk: Uint8Array, from: number, last: number, emit: Emit<string>): void {
    if (last - from > this.#max) return this.#emitChecked(chunk, from, last, emit)
    let start = from
    while (last - start > PIECE) {
      const cut = newlineNear(chunk, start, start + PIECE)
      if (cut >= last) break
      splitText(decodeUtf8(chunk, start, cut), emit)
      start = cut + 1
    }
    splitText(decodeUtf8(chunk, start, last), emit)
  }

  /** The same, one by one, where a line may be too long. */
  #emitChecked(chunk: Uint8Array, from: number, last: number, emit: Emit<string>): void {
    for (let start = from, end = 0; start <= last; start = end + 1) {
      end = chunk.indexOf(NEWLINE, start)
      if (lengthOfLine(chunk, start, end) > this.#max) {
        this.#refuse(end - start)
        this.#emitHead(chunk.subarray(start, start + this.#max), emit)
      } else emit(withoutCr(decodeUtf8(chunk, start, end)))
    }
  }

  #refuse(length: number): void {
    const error = tooLong(this.#name, length, this.#max)
    if (this.#policy === 'fail') throw error
    this.#report?.(error)
  }

  /** Whole characters only. */
  #emitHead(head: Uint8Array, emit: Emit<string>): void {
    if (this.#policy === 'cut') emit(decodeUtf8(head, 0, wholeCharacters(head)))
  }
}

/** Where the last character that may be cut off begins, or the end. */
function wholeCharacters(bytes: Uint8Array): number {
  const { length } = bytes
  for (let back = 1; back <= 4 && back <= length; back++) {
    const byte = bytes[length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const wanted = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    return back < wanted ? length - back : length
  }
  return length
}

function readPolicy(value: unknown): LinePolicy {
  if (value === undefined || value === 'fail') return 'fail'
  if (value === 'skip' || value === 'cut') return value
  throw new TypeError(`Cannot use ${JSON.stringify(value)} as onOverlong: expected 'fail', 'skip' or 'cut'`)
}

/** Its end is not counted: a carriage return there belongs to it, unless more of the line follows. */
function lengthOfLine(bytes: Uint8Array, from: number, to: number): number {
  return to > from && bytes[to - 1] === CR ? to - from - 1 : to - from
}

/** A newline at or before `near`, else the first one after it. */
function newlineNear(chunk: Uint8Array, from: number, near: number): number {
  const before = chunk.lastIndexOf(NEWLINE, near)
  return before >= from ? before : chunk.indexOf(NEWLINE, near)
}

function splitText(text: string, emit: Emit<string>): void {
  const hasCr = text.includes('\r')
  let from = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
    const line = text.slice(from, at)
    emit(hasCr ? withoutCr(line) : line)
    from = at + 1
  }
  emit(withoutCr(text.slice(from)))
}

const withoutCr = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)
