import { constants, openSync } from 'node:fs'
import { nextTurn, systemClock } from '../../base/clock.ts'
import type { ByteSource } from '../../channel/bytes.ts'
import { ReadSocket } from '../read-socket.ts'
import { type COMMAND, WISH } from './protocol.ts'
import { LIVELY, type ServerSide } from './server-side.ts'

/** Opened by its path, it is ours alone and may be non-blocking. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK
/** Who says so many bytes before the fork server waits is worth a descriptor and a stream of our own, however long it took. */
const MUCH = 65_536

type Stream = typeof COMMAND.stdout | typeof COMMAND.stderr

/**
 * What a worker writes to one stream. It comes through the fork server, which holds one connection for all workers and waits
 * when some has come, until we ask for more or open the pipe ourselves.
 */
export class RelayedSource implements ByteSource {
  readonly #life: ServerSide
  readonly #stream: Stream
  /** What has come before anybody read, or while its reader was slow: what the fork server passes on at most before we ask. */
  #waiting: Buffer[] | undefined
  #onChunk: ((chunk: Uint8Array) => boolean) | undefined
  #onEnd: (() => void) | undefined
  #isOpen = false
  #held = true
  #ended = false
  /** The number of the descriptor, while the fork server waits. */
  #full: number | undefined
  /** Since we have asked for it the last time: the time, and the bytes. */
  #since = systemClock.now()
  #bytes = 0
  /** The worker has ended: what is left is wanted now. */
  #isLast = false
  /** More at a time is faster, and keeps everybody else waiting for longer. */
  #isWide = false
  /** Once it is ours. */
  #socket: ReadSocket | undefined

  constructor(life: ServerSide, stream: Stream) {
    this.#life = life
    this.#stream = stream
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: () => void): void {
    this.#onChunk = onChunk
    this.#onEnd = onEnd
    // Its first words may have come together with the news of its start: who waits for that hears of it first.
    if (this.#waiting === undefined && this.#full === undefined && !this.#ended) this.#open()
    else void nextTurn().then(this.#open)
  }

  widen(): void {
    this.#isWide = true
  }

  resume(): void {
    if (this.#socket !== undefined) return void this.#socket.resume()
    if (!this.#held || !this.#isOpen) return
    this.#held = false
    this.#flow()
  }

  destroy(): void {
    this.#waiting = this.#full = undefined
    this.#onChunk = () => true
    this.#socket?.destroy()
    this.end()
  }

  // ── what the fork server says ──

  /** The bytes are ours during the call only. */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#held) (this.#waiting ??= []).push(Buffer.from(chunk))
    else this.#give(chunk)
  }

  /** It waits; the number of the descriptor. */
  full(file: number): void {
    this.#full = file
    this.#flow()
  }

  /** The worker has ended; what it wrote may not have come yet. */
  lastWords(): void {
    this.#isLast = true
  }

  end(): void {
    this.#ended = true
    this.#flow()
  }

  readonly #open = (): void => {
    this.#isOpen = true
    this.#held = false
    this.#flow()
  }

  #give(chunk: Buffer): void {
    if (this.#onChunk?.(chunk) === false) this.#held = true
  }

  #flow(): void {
    const waiting = this.#waiting ?? []
    while (!this.#held && waiting.length > 0) this.#give(waiting.shift() as Buffer)
    if (this.#held || this.#socket !== undefined) return
    if (this.#full !== undefined) this.#goOn(this.#full)
    if (this.#ended) this.#finish()
  }

  readonly #finish = (): void => {
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd?.()
  }

  /** As before, or without the fork server in between. */
  #goOn(file: number): void {
    const now = systemClock.now()
    const isWorthIt = this.#isLast || this.#bytes >= MUCH || now - this.#since < LIVELY
    const wish = isWorthIt ? this.#take(file) : WISH.more
    this.#since = now
    this.#bytes = 0
    this.#full = undefined
    this.#life.tell(this.#stream, wish)
  }

  /** Without a descriptor left it goes on as before. */
  #take(file: number): number {
    let fd: number
    try {
      fd = openSync(`${this.#life.descriptors}/${file}`, FLAGS)
    } catch {
      return WISH.more
    }
    this.#socket = new ReadSocket({ fd, readable: true, writable: false })
    this.#socket.on('error', () => {})
    this.#socket.start((chunk) => this.#onChunk?.(chunk) ?? true, this.#finish)
    return this.#isWide || this.#life.isAlone ? WISH.handOverWide : WISH.handOver
  }
}
