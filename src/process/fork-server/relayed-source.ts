import type { ByteSource } from '../../channel/bytes.ts'
import { COMMAND } from './protocol.ts'
import type { ServerSide } from './server-side.ts'

/** The stderr of a worker, which comes through the fork server: one connection for all of them. */
export class RelayedSource implements ByteSource {
  readonly #life: ServerSide
  /** What has come before anybody read, or while its reader was slow; the fork server was told to hold the rest. */
  #waiting: Buffer[] | undefined
  #onChunk: ((chunk: Uint8Array) => boolean) | undefined
  #onEnd: (() => void) | undefined
  #held = true
  #ended = false

  constructor(life: ServerSide) {
    this.#life = life
  }

  start(onChunk: (chunk: Uint8Array) => boolean, onEnd: () => void): void {
    this.#onChunk = onChunk
    this.#onEnd = onEnd
    this.#held = false
    this.#flow()
  }

  resume(): void {
    if (!this.#held || this.#onChunk === undefined) return
    this.#held = false
    this.#read(true)
    this.#flow()
  }

  destroy(): void {
    this.#waiting = undefined
    this.#onChunk = () => true
    this.end()
  }

  /** The bytes are ours during the call only. */
  push(chunk: Buffer): void {
    if (this.#held || this.#onChunk === undefined) (this.#waiting ??= []).push(Buffer.from(chunk))
    else this.#give(chunk)
  }

  end(): void {
    this.#ended = true
    this.#flow()
  }

  #give(chunk: Buffer): void {
    if (this.#onChunk?.(chunk) !== false) return
    this.#held = true
    this.#read(false)
  }

  #read(on: boolean): void {
    this.#life.tell(COMMAND.readStderr, on ? 1 : 0)
  }

  #flow(): void {
    const waiting = this.#waiting ?? []
    while (!this.#held && waiting.length > 0) this.#give(waiting.shift() as Buffer)
    if (!this.#ended || waiting.length > 0 || this.#onEnd === undefined) return
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd()
  }
}
