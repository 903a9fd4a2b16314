import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { type Timer, systemClock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { ByteSink } from '../../channel/bytes.ts'
import { COMMAND } from './protocol.ts'
import type { ServerSide } from './server-side.ts'

type Done = (error?: Error | null) => void

/** Opened by its path, it is ours alone and may be non-blocking. */
const FLAGS = constants.O_WRONLY | constants.O_NONBLOCK
/** How long to wait for a descriptor when there is none left, in milliseconds. */
const PATIENCE = 20
/** Who has written nothing for so long gives its descriptor back, in milliseconds. */
const IDLE = 100

/**
 * The stdin of a worker: a pipe whose writing end the fork server keeps, and we open when there is something to say.
 *
 * A write is one system call at once, without a stream of Node in between; only what the pipe cannot take waits in one.
 */
export class PipeSink implements ByteSink {
  readonly #life: ServerSide
  readonly #number: number
  #file: number | undefined
  #isBusy = false
  /** Once the pipe was full. Owns the file. */
  #stream: Socket | undefined
  /** By system calls of ours, and by the stream. */
  #written = 0
  #streamed = 0
  /** Why nothing can be written any more. */
  #fault: Error | string | undefined
  #retry: Timer | undefined
  #onGone: ((cause?: Error) => void) | undefined

  /** `number` is that of the descriptor which the fork server keeps, until it is told to close it. */
  constructor(life: ServerSide, number: number) {
    this.#life = life
    this.#number = number
  }

  write(data: string | Uint8Array, done: Done): void {
    if (this.#fault !== undefined) return process.nextTick(done, toError(this.#fault))
    if (this.#stream !== undefined) return this.#writeTo(this.#stream, data, done)
    try {
      this.#writeNow(data, done)
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException, data, done)
    }
  }

  get bytesWritten(): number {
    return this.#written + this.#streamed
  }

  end(done: () => void): void {
    this.#fault ??= 'it was ended'
    const ended = (): void => {
      this.#life.tell(COMMAND.closeStdin, 0)
      done()
    }
    if (this.#stream !== undefined) return void this.#stream.end(ended)
    this.#close()
    process.nextTick(ended)
  }

  onClose(gone: (cause?: Error) => void): void {
    this.#onGone = gone
  }

  /** The other end the fork server closes when its worker has ended. */
  destroy(): void {
    this.#fault ??= 'it was closed'
    this.#retry?.cancel()
    this.#close()
  }

  /** Closes the file for now when it was not used since the last time. */
  rest(): void {
    if (!this.#isBusy) this.#close()
    this.#isBusy = false
  }

  #writeNow(data: string | Uint8Array, done: Done): void {
    this.#file ??= this.#open()
    this.#isBusy = true
    const written = typeof data === 'string' ? writeSync(this.#file, data) : writeSync(this.#file, data)
    this.#written += written
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
    if (written === length) return done()
    this.#writeRest((typeof data === 'string' ? Buffer.from(data) : data).subarray(written), done)
  }

  #open(): number {
    const file = openSync(`${this.#life.descriptors}/${this.#number}`, FLAGS)
    open.add(this)
    sweep ??= systemClock.after(IDLE, closeIdle)
    return file
  }

  #failed(error: NodeJS.ErrnoException, data: string | Uint8Array, done: Done): void {
    if (error.code === 'EAGAIN') return this.#writeRest(data, done)
    if (this.#file === undefined && (error.code === 'EMFILE' || error.code === 'ENFILE'))
      return void (this.#retry = systemClock.after(PATIENCE, () => this.write(data, done)))
    this.#fail(error)
    done(error)
  }

  /** From here on Node waits until the pipe takes more, and the pipe takes more at a time. */
  #writeRest(data: string | Uint8Array, done: Done): void {
    this.#life.tell(COMMAND.widenStdin, 0)
    const stream = new Socket({ fd: this.#file as number, readable: false, writable: true })
    this.#file = undefined
    this.#close()
    this.#stream = stream
    stream.on('error', (error) => this.#fail(error))
    this.#writeTo(stream, data, done)
  }

  /** The socket counts the bytes of text itself. */
  #writeTo(stream: Socket, data: string | Uint8Array, done: Done): void {
    stream.write(data, (error) => {
      if (!error) this.#streamed = stream.bytesWritten
      done(error)
    })
  }

  #fail(error: Error): void {
    if (this.#fault === undefined) this.#onGone?.(error)
    this.#fault ??= error
    this.#close()
  }

  #close(): void {
    this.#stream?.destroy()
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    if (!open.delete(this) || open.size > 0) return
    sweep?.cancel()
    sweep = undefined
  }
}

/** Those that hold a descriptor of ours. */
const open = new Set<PipeSink>()
let sweep: Timer | undefined

function closeIdle(): void {
  sweep = undefined
  for (const sink of open) sink.rest()
  if (open.size > 0) sweep = systemClock.after(IDLE, closeIdle)
}
