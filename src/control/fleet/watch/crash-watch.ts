import type { Clock, Timer } from '../../../base/clock.ts'
import { type Exit, describeExit, isAbnormal } from '../../../base/exit.ts'
import type { EventRecord, LogRecord } from '../../api/wire.ts'
import type { LogBook } from '../../logs/log-book.ts'
import type { CrashReports } from '../../state/crash-reports.ts'
import { redacted } from '../status/detail.ts'
import type { Dossier } from './dossier.ts'
import { plain } from './plain.ts'

/** How long it takes at most until it is known whether a worker comes back, in milliseconds. */
const PATIENCE = 1000
/** Lines of its log that go with a report. */
const LINES = 100

interface Crash {
  readonly dossier: Dossier
  readonly exit: Exit
  readonly at: number
  readonly restarts: number
  readonly log: readonly LogRecord[]
  readonly timer: Timer
}

/**
 * Has a report written about each abnormal exit. Of a loop of crashes each step of the backoff gets one: once it waits as long
 * as it ever will, the next is like the last.
 */
export class CrashWatch {
  readonly #reports: CrashReports
  readonly #clock: Clock
  readonly #fleet: { readonly name: string; readonly launcher: string }
  /** Nobody knows yet what follows. */
  readonly #pending = new Map<string, Crash>()

  constructor(reports: CrashReports, clock: Clock, fleet: { readonly name: string; readonly launcher: string }) {
    this.#reports = reports
    this.#clock = clock
    this.#fleet = fleet
  }

  /** Paths of the reports about a worker, newest first. */
  of(worker: string): readonly string[] {
    return this.#reports.of(worker)
  }

  ended(dossier: Dossier, exit: Exit, at: number, logs: LogBook): void {
    const { id, restarts } = dossier
    this.#settle(id)
    if (!isAbnormal(exit)) return
    const timer = this.#clock.after(PATIENCE, () => this.#settle(id))
    this.#pending.set(id, { dossier, exit, at, restarts, log: logs.lastOf(id, LINES), timer })
  }

  /** What follows from an end, among other things. */
  hear({
    worker,
    child = worker,
    repeated,
  }: EventRecord & { readonly child?: string; readonly repeated?: boolean }): void {
    if (child === undefined || repeated === undefined) return
    if (repeated) this.#drop(child)
    else this.#settle(child)
  }

  /** Nothing more will follow. */
  async close(): Promise<void> {
    for (const id of this.#pending.keys()) this.#settle(id)
    await this.#reports.settled()
  }

  #drop(id: string): void {
    this.#pending.get(id)?.timer.cancel()
    this.#pending.delete(id)
  }

  #settle(id: string): void {
    const crash = this.#pending.get(id)
    if (crash === undefined) return
    this.#drop(id)
    this.#reports.add(id, crash.at, () => this.#report(crash))
  }

  #report({ dossier, exit, at, restarts, log }: Crash): unknown {
    const { place, entry, exits } = dossier
    const { usage, stdoutTail, stderrTail, ...cause } = exit
    return {
      schemaVersion: 1,
      fleet: this.#fleet,
      at: new Date(at).toISOString(),
      worker: place,
      text: describeExit(exit),
      exit: plain(cause),
      usage,
      restarts,
      stdoutTail,
      stderrTail,
      spec: entry === undefined ? undefined : plain({ ...entry, env: redacted(entry.env) }),
      exits,
      log,
    }
  }
}
