import type { RestartOptions } from '../../../supervisor/restart-policy.ts'
import { PersistentStart } from './persist.ts'
import type { Surroundings } from './unit.ts'

/** What is started, and how often that is tried. */
export interface Starter {
  /** As events name it. */
  readonly name: { readonly worker: string } | { readonly supervisor: string }
  readonly workers: readonly string[]
  readonly restarts: RestartOptions
  attempt(this: void): Promise<unknown>
}

/** Starts by which something begins, one at a time, whoever asks for it meanwhile. Events and the dossiers of its workers tell how far it is. */
export class Beginning {
  readonly #around: Surroundings
  readonly #starter: () => Starter
  #current: PersistentStart | undefined
  #hasFailed = false

  constructor(around: Surroundings, starter: () => Starter) {
    this.#around = around
    this.#starter = starter
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined
  }

  /** The last start was given up, and nobody has asked for anything else since. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Begins to start it, unless a start is under way. */
  begin(): PersistentStart {
    if (this.#current !== undefined) return this.#current
    this.#ask()
    const start = this.#start()
    this.#current = start
    const over = (): void => {
      if (this.#current === start) this.#current = undefined
    }
    start.last.then(over, over)
    return start
  }

  /** No other attempt is made. Settles when the one that is under way is over; undefined when there is none. */
  withdraw(): Promise<unknown> | undefined {
    const start = this.#current
    this.#current = undefined
    start?.withdraw()
    this.#mark(undefined)
    return start?.last.catch(() => {})
  }

  #start(): PersistentStart {
    const { clock, tell } = this.#around
    const { name, restarts } = this.#starter()
    return new PersistentStart(() => this.#attempt(), {
      clock,
      options: restarts,
      waits: (step) => {
        this.#mark('backoff')
        tell({ type: 'restart-scheduled', ...name, ...step })
      },
      gaveUp: (error) => {
        this.#mark('failed')
        tell({ type: 'start-failed', ...name, error })
      },
    })
  }

  #attempt(): Promise<unknown> {
    this.#mark(undefined)
    return this.#starter().attempt()
  }

  /** The lives to come were asked for: they are no restarts. */
  #ask(): void {
    for (const id of this.#starter().workers) {
      const dossier = this.#around.roster.of(id)
      if (dossier.worker?.state !== 'running') dossier.asked()
    }
  }

  #mark(pending: 'backoff' | 'failed' | undefined): void {
    this.#hasFailed = pending === 'failed'
    for (const id of this.#starter().workers) this.#around.roster.of(id).pending = pending
  }
}
