/**
 * Bytes of one message that came in several chunks. Grows by doubling, so a
 * message costs linear time over any number of chunks, and memory only for what
 * has really arrived.
 */
export class ByteQueue {
  #bytes: Uint8Array = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#reserve(this.#length + bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** The bytes so far; valid until the next call. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
    // One long message must not keep its memory for ever; those of 64 KiB are many where there is one.
    if (this.#bytes.length > KEPT) this.#bytes = EMPTY
  }

  #reserve(wanted: number): void {
    if (wanted <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(256, wanted, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

const EMPTY = new Uint8Array(0)
const KEPT = 131_072
