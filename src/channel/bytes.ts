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
  destroy(): void
}

/** Bytes going out. */
export interface ByteSink {
  /** `done` is called once, when the bytes have left this process, or failed to. */
  write(data: string | Uint8Array, done: (error?: Error | null) => void): void
  end(done: () => void): void
  /** Calls `gone` when the other side no longer reads. */
  onClose(gone: () => void): void
  destroy(): void
}

/** Reads a Node stream. Owns its `error` event for good. */
export function readableSource(stream: Readable): ByteSource {
  return {
    start(onChunk, onEnd) {
      let ended = false
      const end = (error?: Error): void => {
        if (ended) return
        ended = true
        onEnd(error)
      }
      stream.on('data', (chunk: Uint8Array) => {
        if (!onChunk(chunk)) stream.pause()
      })
      stream.on('end', () => end())
      stream.on('error', end)
      stream.on('close', () => end())
      // What happened before tells of itself no more.
      if (stream.destroyed || stream.readableEnded) process.nextTick(end, stream.errored ?? undefined)
      else stream.resume()
    },
    resume: () => void stream.resume(),
    destroy: () => void stream.destroy(),
  }
}

/** Writes to a Node stream. Owns its `error` event for good, so that no EPIPE ends the process. */
export function writableSink(stream: Writable): ByteSink {
  stream.on('error', () => {})
  return {
    write: (data, done) => void stream.write(data, done),
    end: (done) => void stream.end(done),
    onClose(gone) {
      stream.on('close', gone)
      if (stream.destroyed) process.nextTick(gone)
    },
    destroy: () => void stream.destroy(),
  }
}
