import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from './whole-file.ts'

/** Reports that are kept of a fleet; the oldest go. */
const KEPT = 100
/** Reports that wait for the disk; more are not written. */
const WAITING = 50

/** The files in which abnormal exits are explained. */
export class CrashReports {
  readonly #folder: string
  readonly #onOutcome: (error?: unknown) => void
  /** Names of the files there are, oldest first, once somebody has looked. */
  #names: string[] | undefined
  readonly #paths = new Map<string, readonly string[]>()
  #writing: Promise<void> = Promise.resolve()
  #waiting = 0

  /** `folder` is that of the state of a fleet; `onOutcome` hears of each that was written, or why it was not. */
  constructor(folder: string, onOutcome: (error?: unknown) => void) {
    this.#folder = join(folder, 'crashes')
    this.#onOutcome = onOutcome
  }

  /** Writes one in the background, safe from crashes of the machine. `report` is made when its turn has come. */
  add(worker: string, at: number, report: () => unknown): void {
    if (this.#waiting >= WAITING) return
    this.#waiting++
    this.#writing = this.#writing
      .then(() => this.#write(worker, at, report))
      .then(() => this.#onOutcome(), this.#onOutcome)
      .finally(() => this.#waiting--)
  }

  /** Paths of the reports about a worker in this run of the fleet, newest first. */
  of(worker: string): readonly string[] {
    return this.#paths.get(worker) ?? []
  }

  /** Resolves when all are written. */
  settled(): Promise<void> {
    return this.#writing
  }

  async #write(worker: string, at: number, report: () => unknown): Promise<void> {
    const names = (this.#names ??= await this.#look())
    const name = `${new Date(at).toISOString().replaceAll(/[-:.]/g, '')}-${encodeURIComponent(worker).slice(0, 150)}.json`
    const path = join(this.#folder, name)
    await writeWhole(path, `${JSON.stringify(report(), undefined, 2)}\n`)
    names.push(name)
    this.#paths.set(worker, [path, ...this.of(worker)].slice(0, KEPT))
    for (const old of names.splice(0, Math.max(0, names.length - KEPT))) await this.#remove(old)
  }

  async #look(): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const names = await readdir(this.#folder)
    return names.filter((name) => name.endsWith('.json')).toSorted()
  }

  async #remove(name: string): Promise<void> {
    const path = join(this.#folder, name)
    await rm(path, { force: true })
    for (const [worker, paths] of this.#paths)
      if (paths.includes(path))
        this.#paths.set(
          worker,
          paths.filter((other) => other !== path),
        )
  }
}
