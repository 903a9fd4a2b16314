import { Socket } from 'node:net'
import type { ByteSink, ByteSource } from '../../channel/bytes.ts'

/** Every socket reads into the same memory: a chunk is decoded before the next read can begin. */
const SHARED = Buffer.allocUnsafeSlow(65_536)

type WriteDone = (error?: Error | null) => void

/**
 * The connection that becomes stdin and stdout of one worker.
 *
 * Node destroys a socket at the first write that fails, and with it what the worker has written and nobody has read
 * yet. Here a failed write says so to its writer, and reading goes on to the end.
 */
export class WorkerSocket extends Socket implements ByteSource {
  #onChunk: (chunk: Uint8Array) => boolean = () => false
  #closed = false
  #fault: Error | undefined
  #onGone: ((cause?: Error) => void) | undefined
  #writeDone: WriteDone = () => {}

  constructor() {
    super({
      allowHalfOpen: true,
      onread: {
        buffer: SHARED,
        callback: (length: number, buffer: Uint8Array) => this.#onChunk(buffer.subarray(0, length)),
      },
    })
    this.pause()
    this.on('error', ignore)
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: () => void): void {
    this.#onChunk = onChunk
    let ended = false
    const end = (): void => {
      if (!ended) onEnd()
      ended = true
    }
    this.on('end', end)
    // A worker that ends with unread input resets the connection: for us, that is its end.
    this.on('close', end)
    this.resume()
  }

  /** The other direction. */
  get sink(): ByteSink {
    return {
      write: (data, done) => this.#send(data, done),
      end: (done) => void super.end(done),
      onClose: (gone) => this.#watch(gone),
      // The other direction goes on.
      destroy: () => void (this.#closed = true),
    }
  }

  override _write(data: unknown, encoding: BufferEncoding, done: WriteDone): void {
    this.#writeDone = done
    super._write(data, encoding, this.#written)
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: WriteDone): void {
    this.#writeDone = done
    super._writev?.(chunks, this.#written)
  }

  #send(data: string | Uint8Array, done: WriteDone): void {
    if (this.#closed) this.#fault ??= new Error('it was closed')
    if (this.#fault === undefined) this.write(data, done)
    else process.nextTick(done, this.#fault)
  }

  #watch(gone: (cause?: Error) => void): void {
    this.#onGone = gone
    this.on('close', () => gone())
    if (this.destroyed) process.nextTick(gone)
  }

  /** There is one write at a time. Who waits for it hears of its failure first, then the stream is told that all is well. */
  readonly #written = (error?: Error | null): void => {
    if (error !== undefined && error !== null) {
      this.#fault ??= error
      this.#onGone?.(error)
    }
    this.#writeDone()
  }
}

function ignore(): void {}
