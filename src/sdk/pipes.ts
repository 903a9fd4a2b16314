import { Socket } from 'node:net'
import { type ByteSink, type ByteSource, readableSource, writableSink } from '../channel/bytes.ts'

// Imported, it would load its promises and its streams as well: milliseconds of every worker's start.
const { fstatSync, writeSync } = process.getBuiltinModule('node:fs')

/** A chunk is decoded before the next read can begin. */
const READ = 65_536

/**
 * stdin as a source. From a pipe or a socket, which is what a master gives, it is read without an allocation for each read;
 * and without `process.stdin`, which would take longer to make.
 */
export function stdinSource(): ByteSource {
  return isPipe(0) ? new Stdin() : readableSource(process.stdin)
}

/** stdout as a sink. What is small and fits into the pipe is written in half the time a stream takes. */
export function stdoutSink(): ByteSink {
  if (!isPipe(1)) return writableSink(process.stdout)
  const sink = writableSink(new Stdout({ fd: 1, readable: false, writable: true }))
  return {
    write: (data, done) => {
      const rest = data.length > READ ? data : writeAtOnce(data)
      if (rest === undefined) done()
      else sink.write(rest, done)
    },
    end: (done) => sink.end(done),
    onClose: (gone) => sink.onClose(gone),
    destroy: () => sink.destroy(),
  }
}

/** What did not fit, or could not be written: the stream knows what to do then. */
function writeAtOnce(data: string | Uint8Array): string | Uint8Array | undefined {
  try {
    const written = typeof data === 'string' ? writeSync(1, data) : writeSync(1, data)
    if (written === (typeof data === 'string' ? Buffer.byteLength(data) : data.length)) return undefined
    return (typeof data === 'string' ? Buffer.from(data) : data).subarray(written)
  } catch {
    return data
  }
}

export function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}

class Stdin extends Socket implements ByteSource {
  #onChunk: (chunk: Uint8Array) => boolean = () => false

  constructor() {
    super({
      fd: 0,
      readable: true,
      writable: false,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ),
        callback: (length: number, buffer: Uint8Array) => this.#onChunk(buffer.subarray(0, length)),
      },
    })
    this.pause()
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: (error?: Error) => void): void {
    this.#onChunk = onChunk
    let ended = false
    const end = (error?: unknown): void => {
      if (!ended) onEnd(error instanceof Error ? error : undefined)
      ended = true
    }
    this.on('end', end).on('error', end).on('close', end)
    this.resume()
  }
}

class Stdout extends Socket {
  /** The descriptor stays taken, as that of `process.stdout` does: nobody's file should become stdout. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(error)
  }
}
