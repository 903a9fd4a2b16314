import type { ByteSink } from '../../channel/bytes.ts'
import { ReadSocket } from '../read-socket.ts'

type WriteDone = (error?: Error | null) => void

/**
 * The connection that becomes stdin and stdout of one worker.
 *
 * Node destroys a socket at the first write that fails, and with it what the worker has written and nobody has read
 * yet. Here a failed write says so to its writer, and reading goes on to the end.
 */
export class WorkerSocket extends ReadSocket {
  #closed = false
  #fault: Error | undefined
  #onGone: ((cause?: Error) => void) | undefined
  #writeDone: WriteDone = () => {}

  constructor() {
    super({ allowHalfOpen: true })
    this.on('error', ignore)
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
