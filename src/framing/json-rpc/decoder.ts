import type { Decoder, Emit } from '../framing.ts'
import { MISS, RpcReader } from './read.ts'

const NEWLINE = 10
/** After so many lines of other forms the rest of a chunk is no longer looked at line by line. */
const STRANGE_MAX = 16

/** Lines of the usual forms are read from their bytes; all others, and what is torn, are left to a decoder of JSON lines. */
export class RpcDecoder<I> implements Decoder<I> {
  readonly #lines: Decoder<I>
  readonly #max: number
  readonly #reader = new RpcReader()
  #inLine = false
  #strange = 0

  /** `max` is the longest line, as `lines` knows it. */
  constructor(lines: Decoder<I>, max: number) {
    this.#lines = lines
    this.#max = max
  }

  push(chunk: Uint8Array, emit: Emit<I>): void {
    for (let at = 0; at < chunk.length;) {
      if (!this.#inLine) at = this.#readForms(chunk, at, emit)
      if (at < chunk.length) at = this.#readLine(chunk, at, emit)
    }
  }

  end(emit: Emit<I>): void {
    this.#lines.end(emit)
  }

  /** All there are from `from` on; returns where the first line of another form begins. */
  #readForms(chunk: Uint8Array, from: number, emit: Emit<I>): number {
    const reader = this.#reader
    for (let at = from; at < chunk.length; this.#strange = 0) {
      const message = reader.read(chunk, at)
      const { end } = reader
      // What is too long is refused by those who can say so.
      if (message === MISS || end - 1 - at > this.#max) return at
      at = end
      emit(message as I)
    }
    return chunk.length
  }

  #readLine(chunk: Uint8Array, from: number, emit: Emit<I>): number {
    const newline = this.#strange < STRANGE_MAX ? chunk.indexOf(NEWLINE, from) : -1
    const end = newline === -1 ? chunk.length : newline + 1
    this.#strange++
    this.#inLine = chunk[end - 1] !== NEWLINE
    this.#lines.push(chunk.subarray(from, end), emit)
    return end
  }
}
