import { Socket } from 'node:net'
import type { ByteSource } from '../channel/bytes.ts'

/** Every socket reads into the same memory: a chunk is decoded before the next read can begin. */
const SHARED = Buffer.allocUnsafeSlow(65_536)

/** A socket that is read without an allocation per read. Whoever makes one handles its `error` event. */
export class ReadSocket extends Socket implements ByteSource {
  #onChunk: (chunk: Uint8Array) => boolean = () => false

  constructor(options: { readonly allowHalfOpen: boolean }) {
    super({
      ...options,
      onread: {
        buffer: SHARED,
        callback: (length: number, buffer: Uint8Array) => this.#onChunk(buffer.subarray(0, length)),
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
}
