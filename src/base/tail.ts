/**
 * The last bytes of a stream, whatever its length: what an error message quotes.
 *
 * Starts without memory and grows to its limit, because most workers say little.
 */
export class Tail {
  readonly #limit: number
  #bytes: Uint8Array = EMPTY
  #end = 0
  #total = 0

  constructor(limit = 4096) {
    this.#limit = limit
  }

  push(chunk: Uint8Array): void {
    this.#total += chunk.length
    const from = chunk.length > this.#limit ? chunk.subarray(chunk.length - this.#limit) : chunk
    this.#reserve(from.length)
    this.#bytes.set(from, this.#end)
    this.#end += from.length
  }

  /** The kept text, starting at a whole character; whole lines when something was cut off. */
  toString(): string {
    if (this.#total === 0) return ''
    const kept = this.#bytes.subarray(Math.max(0, this.#end - this.#limit), this.#end)
    if (this.#total <= this.#limit) return decoder.decode(kept)
    const newline = kept.indexOf(10)
    const start = newline === -1 || newline === kept.length - 1 ? characterStart(kept) : newline + 1
    return decoder.decode(kept.subarray(start))
  }

  /** Makes room for `extra` bytes by growing to twice the limit, then by sliding: a byte moves once per limit. */
  #reserve(extra: number): void {
    if (this.#end + extra <= this.#bytes.length) return
    const kept = Math.min(this.#end, Math.max(0, this.#limit - extra))
    const source = this.#bytes.subarray(this.#end - kept, this.#end)
    const wanted = kept + extra
    if (wanted > this.#bytes.length / 2 && this.#bytes.length < this.#limit * 2) {
      this.#bytes = new Uint8Array(roomFor(wanted, this.#limit))
      this.#bytes.set(source)
    } else {
      this.#bytes.copyWithin(0, this.#end - kept, this.#end)
    }
    this.#end = kept
  }
}

/** V8 keeps up to so many bytes of an array with its objects: the first words of a worker cost no memory of their own. */
const SMALLEST = 64

function roomFor(wanted: number, limit: number): number {
  return wanted <= SMALLEST ? SMALLEST : Math.min(limit * 2, Math.max(256, wanted * 2))
}

const EMPTY = new Uint8Array(0)
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The first position that is not in the middle of a UTF-8 sequence. */
function characterStart(bytes: Uint8Array): number {
  let at = 0
  while (at < 4 && at < bytes.length && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
