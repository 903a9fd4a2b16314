import { ByteQueue } from './byte-queue.ts'
import { type Emit, copyOf } from './framing.ts'

/** Collects a message whose length is known before its bytes come. */
export class Block {
  readonly #queue = new ByteQueue()
  #missing = 0

  /** True between `begin` and the last byte. */
  get open(): boolean {
    return this.#missing > 0
  }

  begin(length: number): void {
    this.#missing = length
  }

  /** Takes what it needs from `chunk` at `from`, emits an own copy of the whole message, returns where it stopped. */
  take(chunk: Uint8Array, from: number, emit: Emit<Uint8Array>): number {
    const end = Math.min(chunk.length, from + this.#missing)
    this.#missing -= end - from
    if (this.#queue.length === 0 && this.#missing === 0) {
      emit(copyOf(chunk, from, end))
      return end
    }
    this.#queue.push(chunk.subarray(from, end))
    if (this.#missing === 0) emit(this.#finish())
    return end
  }

  /** The same, but what `use` is given is not copied and valid during the call only. */
  lend(chunk: Uint8Array, from: number, use: (whole: Uint8Array) => void): number {
    const end = Math.min(chunk.length, from + this.#missing)
    const part = chunk.subarray(from, end)
    this.#missing -= part.length
    const isWhole = this.#queue.length === 0 && this.#missing === 0
    if (!isWhole) this.#queue.push(part)
    if (this.#missing > 0) return end
    use(isWhole ? part : this.#queue.view())
    this.#queue.clear()
    return end
  }

  #finish(): Uint8Array {
    const whole = copyOf(this.#queue.view(), 0, this.#queue.length)
    this.#queue.clear()
    return whole
  }
}
