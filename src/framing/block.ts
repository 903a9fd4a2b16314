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

  #finish(): Uint8Array {
    const whole = copyOf(this.#queue.view(), 0, this.#queue.length)
    this.#queue.clear()
    return whole
  }
}
