import type { Clock } from '../../../base/clock.ts'
import { type Exit, describeExit, isAbnormal } from '../../../base/exit.ts'
import type { Worker } from '../../../worker/worker.ts'
import type { ExitSummary, WorkerPlace } from '../../api/wire.ts'
import type { WorkerEntry } from '../../config/fleet-plan.ts'

/** Exits that are remembered of each worker. */
const EXITS = 20

/** Who it is, and where it belongs. */
export interface Place extends WorkerPlace {
  readonly id: string
}

/** What is known of one worker through all its lives, also those of another `Worker` object of its name. */
export class Dossier {
  place: Place
  /** Undefined for a worker of a pool. */
  entry: WorkerEntry | undefined
  /** The object there is now. */
  worker: Worker<any, any> | undefined
  /** Which life this is, or was, from 1. */
  life = 0
  /** Of the current or last life. */
  pid: number | undefined
  startedAt: number | undefined
  /** By the clock that nobody can set. */
  #since = 0
  isAlive = false
  restarts = 0
  messagesIn = 0
  messagesOut = 0
  /** Checks of `alive` that have failed in a row. */
  failures = 0
  /** Where its first start stands, while the master knows nothing of it: it waits to be tried again, or was given up. */
  pending: 'backoff' | 'failed' | undefined
  /** When its schedule starts it next, in milliseconds since 1970. */
  nextRun: number | undefined
  /** Newest first. */
  exits: readonly ExitSummary[] = []
  /** Somebody has asked for so many of the lives to come: they are no restarts. */
  #asked = 0
  #nextLife: PromiseWithResolvers<void> | undefined
  readonly #clock: Clock
  readonly #checked: (dossier: Dossier, error?: unknown) => void

  /** `checked` hears when checks of `alive` begin to fail, with the error, and when they have recovered. */
  constructor(place: Place, clock: Clock, checked: (dossier: Dossier, error?: unknown) => void) {
    this.place = place
    this.#clock = clock
    this.#checked = checked
  }

  get id(): string {
    return this.place.id
  }

  /** Milliseconds of the current life. */
  get uptime(): number | undefined {
    return this.isAlive ? this.#clock.now() - this.#since : undefined
  }

  /** Resolves when it has a process. */
  whenAlive(): Promise<void> {
    return this.isAlive ? Promise.resolve() : (this.#nextLife ??= Promise.withResolvers<void>()).promise
  }

  /** Somebody starts it: the next life is no restart. */
  asked(): void {
    this.#asked = 1
  }

  spawned(pid: number | undefined, at: number): void {
    if (this.life > 0 && this.#asked === 0) this.restarts++
    this.#asked = 0
    this.life++
    this.pid = pid
    this.startedAt = at
    this.#since = this.#clock.now()
    this.isAlive = true
    this.failures = 0
    this.#nextLife?.resolve()
    this.#nextLife = undefined
  }

  exited(exit: Exit, at: number): ExitSummary {
    // One that never became a process is a life all the same.
    if (!this.isAlive) this.spawned(undefined, at)
    this.isAlive = false
    const summary = {
      at,
      kind: exit.kind,
      text: describeExit(exit),
      isAbnormal: isAbnormal(exit),
      incarnation: this.life,
      uptime: exit.uptime,
    }
    this.exits = [summary, ...this.exits].slice(0, EXITS)
    return summary
  }

  /** A check has failed; returns how many have in a row. */
  failedCheck(error: unknown): number {
    this.failures++
    if (this.failures === 1) this.#checked(this, error)
    return this.failures
  }

  passedCheck(): void {
    if (this.failures === 0) return
    this.failures = 0
    this.#checked(this)
  }
}
