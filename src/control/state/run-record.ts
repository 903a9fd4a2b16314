import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, type Timer, systemClock } from '../../base/clock.ts'
import { writeWhole } from './whole-file.ts'

/** What runs in a fleet: `state.json`, for whoever finds out that it was killed. */
export interface RunRecord {
  readonly schemaVersion: 1
  readonly name: string
  readonly file: string
  readonly pid: number
  /** Milliseconds since 1970: of the fleet, of this record, and of its end in order. */
  readonly startedAt: number
  readonly at: number
  readonly stoppedAt?: number
  readonly workers: readonly { readonly id: string; readonly pid: number }[]
}

/** So often it is written at most, in milliseconds. */
const PAUSE = 1000

/** Keeps `state.json` up to date, seldom and in the background: what it says may be a second old. */
export class RunRecorder {
  readonly #path: string
  readonly #clock: Clock
  readonly #snapshot: () => RunRecord
  readonly #onOutcome: (error?: unknown) => void
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(
    folder: string,
    snapshot: () => RunRecord,
    onOutcome: (error?: unknown) => void,
    clock: Clock = systemClock,
  ) {
    this.#path = pathIn(folder)
    this.#snapshot = snapshot
    this.#onOutcome = onOutcome
    this.#clock = clock
  }

  /** Something has changed. */
  touch(): void {
    this.#timer ??= this.#clock.after(PAUSE, () => void this.flush())
  }

  /** Writes it now; what cannot be written is told, and does no harm. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const write = (): Promise<void> => writeWhole(this.#path, `${JSON.stringify(this.#snapshot())}\n`)
    this.#writing = this.#writing.then(write).then(() => this.#onOutcome(), this.#onOutcome)
    return this.#writing
  }
}

/** Undefined where there is none that can be read. */
export async function readRunRecord(folder: string): Promise<RunRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(pathIn(folder), 'utf8')) as RunRecord
    return Array.isArray(record.workers) ? record : undefined
  } catch {
    return undefined
  }
}

function pathIn(folder: string): string {
  return join(folder, 'state.json')
}
