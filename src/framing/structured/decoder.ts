import { FramingError } from '../../base/errors.ts'
import { Block } from '../block.ts'
import { type Decoder, type Emit, type Report, tooLong } from '../framing.ts'
import { deserialize } from './reader.ts'

/** Before a frame: a byte 0, with which no line of JSON begins, and the length in four bytes. */
export const HEADER = 5

const NEWLINE = 10

export function writeHeader(frame: Uint8Array, length: number): void {
  frame[0] = 0
  for (let i = 1; i < HEADER; i++) frame[i] = length >>> (8 * (HEADER - 1 - i))
}

/** What is passed over. */
export interface Skips {
  readonly overlong: boolean
  readonly invalid: boolean
}

/** Lines and frames in any order. A stream of lines alone goes to their decoder as it comes. */
export class StructuredDecoder<I> implements Decoder<I> {
  readonly #text: Decoder<I>
  readonly #max: number
  readonly #skips: Skips
  readonly #report: Report | undefined
  readonly #body = new Block()
  /** Bytes of a header that have come, and the length as far as they tell it. */
  #seen = 0
  #length = 0
  /** Bytes still to come of a frame that is dropped. */
  #dropping = 0
  #inLine = false

  constructor(text: Decoder<I>, max: number, skips: Skips, report: Report | undefined) {
    this.#text = text
    this.#max = max
    this.#skips = skips
    this.#report = report
  }

  push(chunk: Uint8Array, emit: Emit<I>): void {
    if (!this.#inFrame && chunk.length > 0 && chunk.indexOf(0) === -1) return this.#pushText(chunk, emit)
    for (let at = 0; at < chunk.length;) at = this.#take(chunk, at, emit)
  }

  end(emit: Emit<I>): void {
    if (!this.#inFrame) return this.#text.end(emit)
    if (this.#dropping === 0) this.#refuse('truncated', 'the stream ended in the middle of a frame')
  }

  get #inFrame(): boolean {
    return this.#seen > 0 || this.#body.open || this.#dropping > 0
  }

  /** Takes what comes next, returns where it ended. */
  #take(chunk: Uint8Array, from: number, emit: Emit<I>): number {
    if (this.#dropping > 0) return this.#drop(chunk, from)
    if (this.#body.open) return this.#body.lend(chunk, from, (payload) => this.#parse(payload, emit))
    if (this.#seen > 0) return this.#readHeader(chunk, from, emit)
    if (!this.#inLine && chunk[from] === 0) return this.#takeWhole(chunk, from, emit)
    const end = endOfText(chunk, from)
    this.#pushText(chunk.subarray(from, end), emit)
    return end
  }

  #pushText(text: Uint8Array, emit: Emit<I>): void {
    this.#inLine = text[text.length - 1] !== NEWLINE
    this.#text.push(text, emit)
  }

  /** Most frames are all in one chunk. */
  #takeWhole(chunk: Uint8Array, from: number, emit: Emit<I>): number {
    const body = from + HEADER
    const length = body <= chunk.length ? lengthAt(chunk, from) : Infinity
    if (length > this.#max || body + length > chunk.length) return this.#readHeader(chunk, from, emit)
    this.#parse(chunk.subarray(body, body + length), emit)
    return body + length
  }

  #readHeader(chunk: Uint8Array, from: number, emit: Emit<I>): number {
    // The first byte, which is 0, adds nothing.
    this.#length = this.#length * 256 + (chunk[from] ?? 0)
    if (++this.#seen === HEADER) this.#begin(emit)
    return from + 1
  }

  #begin(emit: Emit<I>): void {
    const length = this.#length
    this.#seen = this.#length = 0
    if (length > this.#max) this.#refuseLong(length)
    else if (length === 0) this.#parse(new Uint8Array(0), emit)
    else this.#body.begin(length)
  }

  #drop(chunk: Uint8Array, from: number): number {
    const end = Math.min(chunk.length, from + this.#dropping)
    this.#dropping -= end - from
    return end
  }

  #parse(payload: Uint8Array, emit: Emit<I>): void {
    let value: I
    try {
      value = deserialize(payload) as I
    } catch (cause) {
      return this.#refuse('malformed', 'a frame is not a value', payload.length, cause)
    }
    emit(value)
  }

  #refuseLong(length: number): void {
    const error = tooLong('structured', length, this.#max)
    if (!this.#skips.overlong) throw error
    this.#dropping = length
    this.#report?.(error)
  }

  #refuse(reason: 'malformed' | 'truncated', why: string, length?: number, cause?: unknown): void {
    const error = new FramingError('structured', reason, why, { cause, ...(length === undefined ? {} : { length }) })
    if (!this.#skips.invalid) throw error
    this.#report?.(error)
  }
}

function lengthAt(chunk: Uint8Array, from: number): number {
  let length = 0
  for (let i = 1; i < HEADER; i++) length = length * 256 + (chunk[from + i] ?? 0)
  return length
}

/** Where the lines from `from` on are followed by a frame. A byte 0 inside of a line is a fault of that line. */
function endOfText(chunk: Uint8Array, from: number): number {
  const nul = chunk.indexOf(0, from)
  if (nul === -1) return chunk.length
  if (nul > from && chunk[nul - 1] === NEWLINE) return nul
  const newline = chunk.indexOf(NEWLINE, nul)
  return newline === -1 ? chunk.length : newline + 1
}
