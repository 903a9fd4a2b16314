import { write } from 'node:fs'
import { type Clock, nextTurn, sleep, systemClock } from '../../../base/clock.ts'

/** What waits for a reader that is slow, in characters. What comes on top of that is counted, not kept. */
const LIMIT = 2 ** 20
/** How long a full pipe that somebody else made non-blocking is left alone, in milliseconds. */
const PAUSE = 10

export interface OutputQueueOptions {
  readonly limit?: number
  readonly clock?: Clock
  /** Says how many lines are missing at this place. */
  readonly missing?: (lines: number) => string
  /** It cannot be written any more: `EPIPE` when nobody reads it. What comes is for nobody. */
  readonly onReaderLeft?: (error: NodeJS.ErrnoException) => void
}

/**
 * Writes to a descriptor without ever waiting for whoever reads it: a stopped terminal or a full pipe must not stop those
 * who keep workers. `process.stdout` would: Node writes to terminals and pipes synchronously.
 */
export class OutputQueue {
  readonly #fd: number
  readonly #options: OutputQueueOptions
  readonly #clock: Clock
  #waiting: string[] = []
  #length = 0
  #missing = 0
  #pumping: Promise<void> | undefined
  #hasReader = true

  constructor(fd: number, options: OutputQueueOptions = {}) {
    this.#fd = fd
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** One or more whole lines, or what moves the cursor. */
  write(text: string): void {
    if (!this.#hasReader) return
    if (this.#length + text.length > (this.#options.limit ?? LIMIT)) {
      this.#missing += text.split('\n').length - 1
      return
    }
    if (this.#missing > 0) this.#admit()
    this.#push(text)
    this.#pumping ??= this.#pump()
  }

  /** Resolves when everything is written, or after `patience` milliseconds in which it could not be. */
  async flush(patience: number): Promise<void> {
    if (this.#missing > 0) this.#admit()
    const giveUp = new AbortController()
    const late = sleep(this.#clock, patience, giveUp.signal).catch(() => {})
    await Promise.race([this.#pumping, late])
    giveUp.abort()
  }

  #admit(): void {
    const lines = this.#missing
    this.#missing = 0
    this.#push(this.#options.missing?.(lines) ?? `… ${lines} lines are missing here\n`)
  }

  #push(text: string): void {
    this.#waiting.push(text)
    this.#length += text.length
  }

  async #pump(): Promise<void> {
    // What comes in the same turn is written together.
    await nextTurn()
    while (this.#waiting.length > 0 && this.#hasReader) {
      const text = this.#waiting.join('')
      this.#waiting = []
      await this.#writeAll(Buffer.from(text))
      this.#length -= text.length
    }
    this.#pumping = undefined
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const written = await writeSome(this.#fd, bytes, at)
      if (typeof written === 'number') at += written
      else if (written.code === 'EAGAIN') await sleep(this.#clock, PAUSE)
      else return this.#leave(written)
    }
  }

  #leave(error: NodeJS.ErrnoException): void {
    this.#hasReader = false
    this.#waiting = []
    this.#options.onReaderLeft?.(error)
  }
}

/** How many bytes it was, or why there were none. Waits in a thread. */
function writeSome(fd: number, bytes: Buffer, at: number): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => write(fd, bytes, at, (error, written) => resolve(error ?? written)))
}
