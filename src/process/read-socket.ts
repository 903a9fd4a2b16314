import { Socket, type SocketConstructorOpts } from 'node:net'
import { nextTurn, systemClock } from '../base/clock.ts'
import type { ByteSource } from '../channel/bytes.ts'

/**
 * Every socket reads into the same memory: a chunk is decoded before the next read can begin. It is larger than what any pipe holds,
 * because Node goes on reading, up to 32 times, from who has filled its buffer: so nobody who writes without pause is read twice
 * before everybody else had a turn.
 */
const SHARED = Buffer.allocUnsafeSlow(524_288)

/** A socket may hold more. Who takes so long over what has come lets everybody else have a turn, in milliseconds. */
const TURN = 5

/** A socket that is read without an allocation per read. Whoever makes one handles its `error` event. */
export class ReadSocket extends Socket implements ByteSource {
  #onChunk: (chunk: Uint8Array) => boolean = () => false
  #spent = 0

  constructor(options: SocketConstructorOpts) {
    super({
      ...options,
      onread: {
        buffer: SHARED,
        callback: (length: number, buffer: Uint8Array) => this.#take(buffer.subarray(0, length)),
      },
    })
    this.pause()
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

  #take(chunk: Uint8Array): boolean {
    const began = systemClock.now()
    const goesOn = this.#onChunk(chunk)
    this.#spent += systemClock.now() - began
    if (!goesOn || this.#spent < TURN) return goesOn
    this.#spent = 0
    void nextTurn().then(() => this.resume())
    return false
  }
}
