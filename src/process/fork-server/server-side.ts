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
    return this.#server.isOfOne
  }

  /** Says something about this worker. */
  tell(command: number, argument: number): void {
    this.#server.tell(command, this.#id, argument)
  }

  /** Nothing about this worker is wanted any more. */
  forget(): void {
    this.#server.forget(this.#id)
  }
}

export interface ServerOfMany {
  readonly descriptors: string
  readonly isOfOne: boolean
  tell(command: number, id: number, argument: number): void
  forget(id: number): void
}
