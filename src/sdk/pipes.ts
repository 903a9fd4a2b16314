import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { type ByteSink, type ByteSource, readableSource, writableSink } from '../channel/bytes.ts'

/** A chunk is decoded before the next read can begin. */
const READ = 65_536

/**
 * stdin as a source. From a pipe or a socket, which is what a master gives, it is read without an allocation for each read;
 * and without `process.stdin`, which would take longer to make.
 */
export function stdinSource(): ByteSource {
  return isPipe(0) ? new Stdin() : readableSource(process.stdin)
}

/** stdout as a sink. */
export function stdoutSink(): ByteSink {
  return writableSink(isPipe(1) ? new Stdout({ fd: 1, readable: false, writable: true }) : process.stdout)
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
