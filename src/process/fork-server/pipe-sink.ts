import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { type Timer, systemClock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { ByteSink } from '../../channel/bytes.ts'
import { COMMAND, INPUT_MOST } from './protocol.ts'
import { LIVELY, type ServerSide } from './server-side.ts'

type Done = (error?: Error | null) => void

/** Opened by its path, it is ours alone and may be non-blocking. */
const FLAGS = constants.O_WRONLY | constants.O_NONBLOCK
/** How long to wait for a descriptor when there is none left, in milliseconds. */
const PATIENCE = 20
/** Who has written nothing for so long gives its descriptor back, in milliseconds. */
const IDLE = 100
/** What is much to be told while it is lively: bytes. */
const MUCH = 2048

/**
 * The stdin of a worker: a pipe whose writing end the fork server keeps. We open it when there is something to say; where there are
 * many workers, what is little is passed on by the fork server.
 *
 * Then a write is one system call at once, without a stream of Node in between; only what the pipe cannot take waits in one.
 */
export class PipeSink implements ByteSink {
  readonly #life: ServerSide
  readonly #number: number
  /** From the first word on: many never hear one. */
  #allowance: Allowance | undefined
  /** Until the fork server has said it: so many bytes. */
  #saying: { readonly length: number; readonly done: Done } | undefined
  /** The number of the last question how much is unread. */
  #look = 0
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
    const allowance = (this.#allowance ??= new Allowance())
    const length = this.#file === undefined && this.#life.isOneOfMany ? allowance.spend(data) : undefined
    if (length !== undefined) return this.#say(data, length, done)
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
      this.#close()
      this.#life.tell(COMMAND.closeStdin, 0)
      done()
    }
    if (this.#stream === undefined) process.nextTick(ended)
    else this.#stream.end(ended)
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

  /** Closes the file for now when it was not used since the last time, and nothing waits. */
  rest(): void {
    if (!this.#isBusy && this.#fault === undefined && (this.#stream?.writableLength ?? 0) === 0) {
      this.#close()
      this.#life.tell(COMMAND.look, ++this.#look)
    }
    this.#isBusy = false
  }

  /** What the fork server says: how much was unread before what it was to say, or when it was asked; negative is an error. */
  heard(look: number, unread: number): void {
    const { length, done } = this.#saying ?? { length: 0 }
    this.#saying = undefined
    const fault = unread < 0 ? systemError(unread) : undefined
    if (fault !== undefined) this.#fail(fault)
    else if (unread === 0 && look === this.#look) this.#allowance?.renew(length)
    done?.(fault)
  }

  #say(data: string | Uint8Array, length: number, done: Done): void {
    this.#saying = { length, done }
    this.#written += length
    this.#life.say(data, length)
  }

  #writeNow(data: string | Uint8Array, done: Done): void {
    this.#file ??= this.#open()
    this.#isBusy = true
    const written = typeof data === 'string' ? writeSync(this.#file, data) : writeSync(this.#file, data)
    this.#written += written
    if (written === lengthOf(data)) return done()
    this.#writeRest((typeof data === 'string' ? Buffer.from(data) : data).subarray(written), done)
  }

  #open(): number {
    const file = openSync(`${this.#life.descriptors}/${this.#number}`, FLAGS)
    // What was asked before says nothing about what is written now.
    this.#look++
    this.#allowance?.end()
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
    this.#stream = stream
    stream.on('error', (error) => this.#fail(error))
    this.#writeTo(stream, data, done)
  }

  /** The socket counts the bytes of text itself. */
  #writeTo(stream: Socket, data: string | Uint8Array, done: Done): void {
    this.#isBusy = true
    stream.write(data, (error) => {
      if (!error && stream === this.#stream) this.#streamed = stream.bytesWritten
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
    this.#written += this.#streamed
    this.#streamed = 0
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = this.#stream = undefined
    if (!open.delete(this) || open.size > 0) return
    sweep?.cancel()
    sweep = undefined
  }
}

/**
 * What may be said by way of the fork server: as long as no more than a page is unread, which every pipe takes, it never has to
 * wait, nor to keep anything.
 */
class Allowance {
  #room = INPUT_MOST
  #said = 0
  #isLively = false
  #since = systemClock.now()

  /** How many bytes it is, of which there is room for so much less; undefined when it may not be said. */
  spend(data: string | Uint8Array): number | undefined {
    if (this.#isLively || this.#room === 0 || data.length > this.#room) return undefined
    const length = lengthOf(data)
    if (length > this.#room) return undefined
    this.#room -= length
    this.#count(length)
    return length
  }

  #count(length: number): void {
    this.#said += length
    if (this.#said < MUCH) return
    const now = systemClock.now()
    this.#isLively = now - this.#since < LIVELY
    this.#said = 0
    this.#since = now
  }

  /** All that was said before the last so many bytes was read. */
  renew(length: number): void {
    this.#room = INPUT_MOST - length
  }

  /** Somebody else writes to the pipe. */
  end(): void {
    this.#room = 0
    this.#isLively = false
    this.#said = 0
  }
}

function lengthOf(data: string | Uint8Array): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : data.length
}

function systemError(errno: number): Error {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`write ${code}`), { code, errno, syscall: 'write' })
}

/** Those that hold a descriptor of ours. */
const open = new Set<PipeSink>()
let sweep: Timer | undefined

function closeIdle(): void {
  sweep = undefined
  for (const sink of open) sink.rest()
  if (open.size > 0) sweep = systemClock.after(IDLE, closeIdle)
}
