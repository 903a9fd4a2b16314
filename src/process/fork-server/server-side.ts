/** Of so many workers the master may open the pipes as soon as it has something to say. */
export const FEW = 16
/** Who says, or is told, much within so many milliseconds is worth a descriptor. */
export const LIVELY = 500

/** What one worker needs of the fork server that has started it. */
export class ServerSide {
  readonly #server: ServerOfMany
  readonly #id: number

  constructor(server: ServerOfMany, id: number) {
    this.#server = server
    this.#id = id
  }

  /** The folder in which its descriptors can be opened by their numbers. */
  get descriptors(): string {
    return this.#server.descriptors
  }

  /** There is no other worker that waits for a turn. */
  get isAlone(): boolean {
    return this.#server.running <= 1
  }

  /** There are so many that a descriptor for each costs more than it saves. */
  get isOneOfMany(): boolean {
    return this.#server.running > FEW
  }

  /** Says something about this worker. */
  tell(command: number, argument: number): void {
    this.#server.tell(command, this.#id, argument)
  }

  /** Says something to this worker: text or bytes, of which there are so many. */
  say(words: string | Uint8Array, length: number): void {
    this.#server.say(this.#id, words, length)
  }

  /** Nothing about this worker is wanted any more. */
  forget(): void {
    this.#server.forget(this.#id)
  }
}

export interface ServerOfMany {
  readonly descriptors: string
  /** How many workers there are. */
  readonly running: number
  tell(command: number, id: number, argument: number): void
  say(id: number, words: string | Uint8Array, length: number): void
  forget(id: number): void
}
