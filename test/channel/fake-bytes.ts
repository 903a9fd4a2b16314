import type { ByteSink, ByteSource } from '../../src/channel/bytes.ts'

/** A source that a test feeds by hand. Its chunks lie in one memory that is overwritten after each. */
export class FakeSource implements ByteSource {
  paused = false
  destroyed = false
  resumed = 0
  #onChunk: (chunk: Uint8Array) => boolean = () => true
  #onEnd: (error?: Error) => void = () => {}
  readonly #memory = new Uint8Array(2 ** 20)

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: (error?: Error) => void): void {
    this.#onChunk = onChunk
    this.#onEnd = onEnd
  }

  resume(): void {
    this.paused = false
    this.resumed++
  }

  destroy(): void {
    this.destroyed = true
  }

  push(bytes: string | Uint8Array): void {
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    this.#memory.set(chunk)
    this.paused = !this.#onChunk(this.#memory.subarray(0, chunk.length))
    this.#memory.fill(10, 0, chunk.length)
  }

  end(error?: Error): void {
    this.#onEnd(error)
  }
}

type Done = (error?: Error | null) => void

/** A sink that keeps what was written, and finishes a write when the test says so, or at once. */
export class FakeSink implements ByteSink {
  readonly writes: (string | Uint8Array)[] = []
  ends = 0
  destroyed = false
  readonly #atOnce: boolean
  #pending: Done | undefined
  #ending: (() => void) | undefined
  #gone: () => void = () => {}

  constructor(options: { readonly atOnce?: boolean } = {}) {
    this.#atOnce = options.atOnce ?? false
  }

  write(data: string | Uint8Array, done: Done): void {
    if (this.#pending !== undefined) throw new Error('a write began before the last one was done')
    this.writes.push(data)
    if (this.#atOnce) done()
    else this.#pending = done
  }

  end(done: () => void): void {
    this.ends++
    if (this.#atOnce) done()
    else this.#ending = done
  }

  onClose(gone: () => void): void {
    this.#gone = gone
  }

  destroy(): void {
    this.destroyed = true
  }

  /** Finishes the write that is under way. */
  done(error?: Error): void {
    const done = this.#pending
    this.#pending = undefined
    done?.(error)
  }

  finishEnd(): void {
    this.#ending?.()
  }

  /** The other side no longer reads. */
  close(): void {
    this.#gone()
  }

  get text(): string {
    return this.writes.map((data) => (typeof data === 'string' ? data : Buffer.from(data).toString())).join('')
  }
}
