import { join } from 'node:path'
import type { Clock } from '../../../base/clock.ts'
import { toError } from '../../../base/errors.ts'
import type { Launcher } from '../../../process/launcher.ts'
import type { EventRecord } from '../../api/wire.ts'
import type { FleetPlan } from '../../config/fleet-plan.ts'
import { type DiskNews, LogDisk, type OpenFile } from '../../logs/disk/log-disk.ts'
import { CrashReports } from '../../state/crash-reports.ts'
import { CrashWatch } from './crash-watch.ts'
import { type RunRecord, RunRecorder } from '../../state/run-record.ts'

interface Surroundings {
  readonly clock: Clock
  readonly launcher: Launcher
  readonly openLog: OpenFile | undefined
  tell(this: void, event: { readonly type: string; readonly [more: string]: unknown }): void
}

/** After these another set of workers runs. */
const CHANGES: ReadonlySet<string> = new Set(['spawned', 'exited', 'applied', 'fleet-stopping'])

/** What a fleet keeps on the disk. What cannot be kept is told once, and does no harm. */
export class Archive {
  readonly logs: LogDisk
  readonly crashes: CrashWatch
  readonly #run: RunRecorder
  readonly #tell: Surroundings['tell']
  #isFailing = false

  constructor(folder: string, { name, log }: FleetPlan, snapshot: () => RunRecord, around: Surroundings) {
    const { clock, tell, openLog, launcher } = around
    const onOutcome = (error?: unknown): void => this.#wrote(error)
    this.#tell = tell
    this.logs = new LogDisk(join(folder, 'logs'), log, clock, (news) => this.#hear(news), openLog)
    this.crashes = new CrashWatch(new CrashReports(folder, onOutcome), clock, { name, launcher: launcher.name })
    this.#run = new RunRecorder(folder, snapshot, onOutcome, clock)
  }

  hear(event: EventRecord): void {
    this.crashes.hear(event)
    if (CHANGES.has(event.type)) this.#run.touch()
  }

  /** Everything is on the disk, as far as that takes it. */
  async close(): Promise<void> {
    await this.crashes.close()
    await this.#run.flush()
    await this.logs.close()
  }

  #hear(news: DiskNews): void {
    this.#tell({ type: 'log-dropped', ...news })
  }

  #wrote(error: unknown): void {
    const hasFailed = error !== undefined
    if (hasFailed && !this.#isFailing) this.#tell({ type: 'state-not-written', error: toError(error) })
    if (!hasFailed && this.#isFailing) this.#tell({ type: 'state-written' })
    this.#isFailing = hasFailed
  }
}
