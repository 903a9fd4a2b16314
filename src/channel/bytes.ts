import type { Readable, Writable } from 'node:stream'

/** Bytes coming in. */
export interface ByteSource {
  /**
   * Begins to read. A chunk is valid during the call only; returning false pauses the source. `onEnd` is called
   * once, with an error when the stream broke.
   */
  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: (error?: Error) => void): void
  /** Reads on; the next chunk comes after this call. */
  resume(): void
  /** What comes is in large pieces: who can hold more of it at a time should. */
  widen?(): void
  destroy(): void
}

/** Bytes going out. */
export interface ByteSink {
  /** `done` is called once, when the bytes have left this process, or failed to. */
  write(data: string | Uint8Array, done: (error?: Error | null) => void): void
  end(done: () => void): void
  /** Calls `gone` when the other side no longer reads, before the `done` of a write that has failed for it. */
  onClose(gone: (cause?: Error) => void): void
  destroy(): void
  /** So many have left this process so far. For sinks that know without counting: others are counted by who needs it. */
  readonly bytesWritten?: number | undefined
}

/** Reads a Node stream. Owns its `error` event for good. */
export function readableSource(stream: Readable): ByteSource {
  return new ReadableSource(stream)
}

class ReadableSource implements ByteSource {
  readonly #stream: Readable
  #onEnd: ((error?: Error) => void) | undefined

  constructor(stream: Readable) {
    this.#stream = stream
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: (error?: Error) => void): void {
    const stream = this.#stream
    this.#onEnd = onEnd
    const end = (error?: unknown): void => this.#end(error)
    stream.on('data', (chunk: Uint8Array) => {
      if (!onChunk(chunk)) stream.pause()
    })
    stream.on('end', end).on('error', end).on('close', end)
    // What happened before tells of itself no more.
    if (stream.destroyed || stream.readableEnded) process.nextTick(end, stream.errored ?? undefined)
    else stream.resume()
  }

  resume(): void {
    this.#stream.resume()
  }

  destroy(): void {
    this.#stream.destroy()
  }

  #end(error: unknown): void {
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd?.(error instanceof Error ? error : undefined)
  }
}

/** Writes to a Node stream. Owns its `error` event for good, so that no EPIPE ends the process. */
export function writableSink(stream: Writable): ByteSink {
  return new WritableSink(stream)
}

class WritableSink implements ByteSink {
  readonly #stream: Writable & { readonly bytesWritten?: unknown }
  /** Sockets and files count anyway, the bytes of text too: what was written before is not ours. */
  readonly #before: number
  #bytesWritten: number | undefined

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', ignore)
    const { bytesWritten } = this.#stream
    this.#before = typeof bytesWritten === 'number' ? bytesWritten : 0
    if (typeof bytesWritten === 'number') this.#bytesWritten = 0
  }

  get bytesWritten(): number | undefined {
    return this.#bytesWritten
  }

  write(data: string | Uint8Array, done: (error?: Error | null) => void): void {
    if (this.#bytesWritten === undefined) return void this.#stream.write(data, done)
    this.#stream.write(data, (error) => {
      if (!error) this.#bytesWritten = (this.#stream.bytesWritten as number) - this.#before
      done(error)
    })
  }

  end(done: () => void): void {
    this.#stream.end(done)
  }

  onClose(gone: (cause?: Error) => void): void {
    this.#stream.on('close', () => gone())
    if (this.#stream.destroyed) process.nextTick(() => gone())
  }

  destroy(): void {
    this.#stream.destroy()
  }
}

/** The same sink, which knows how many bytes have left. */
export function countedSink(sink: ByteSink): ByteSink {
  return sink.bytesWritten === undefined ? new CountedSink(sink) : sink
}

class CountedSink implements ByteSink {
  readonly #sink: ByteSink
  bytesWritten = 0

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  write(data: string | Uint8Array, done: (error?: Error | null) => void): void {
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
    this.#sink.write(data, (error) => {
      if (!error) this.bytesWritten += length
      done(error)
    })
  }

  end(done: () => void): void {
    this.#sink.end(done)
  }

  onClose(gone: (cause?: Error) => void): void {
    this.#sink.onClose(gone)
  }

  destroy(): void {
    this.#sink.destroy()
  }
}

function ignore(): void {}
