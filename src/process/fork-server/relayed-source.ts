import type { ByteSource } from '../../channel/bytes.ts'

/** The stderr of a worker, which comes through the fork server: one connection for all of them. */
export class RelayedSource implements ByteSource {
  readonly #read: (on: boolean) => void
  /** What has come before anybody read, or while its reader was slow; the fork server was told to hold the rest. */
  #waiting: Buffer[] = []
  #onChunk: ((chunk: Uint8Array) => boolean) | undefined
  #onEnd: (() => void) | undefined
  #held = true
  #ended = false

  constructor(read: (on: boolean) => void) {
    this.#read = read
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: () => void): void {
    this.#onChunk = onChunk
    this.#onEnd = onEnd
    this.#held = false
    this.#flow()
  }

  resume(): void {
    if (!this.#held || this.#onChunk === undefined) return
    this.#held = false
    this.#read(true)
    this.#flow()
  }

  destroy(): void {
    this.#waiting = []
    this.#onChunk = () => true
    this.end()
  }

  /** The bytes are ours during the call only. */
  push(chunk: Buffer): void {
    if (this.#held || this.#onChunk === undefined) this.#waiting.push(Buffer.from(chunk))
    else this.#give(chunk)
  }

  end(): void {
    this.#ended = true
    this.#flow()
  }

  #give(chunk: Buffer): void {
    if (this.#onChunk?.(chunk) !== false) return
    this.#held = true
    this.#read(false)
  }

  #flow(): void {
    while (!this.#held && this.#waiting.length > 0) this.#give(this.#waiting.shift() as Buffer)
    if (!this.#ended || this.#waiting.length > 0 || this.#onEnd === undefined) return
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd()
  }
}
