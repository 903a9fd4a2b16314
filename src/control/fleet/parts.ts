import { type Clock, Since, systemClock } from '../../base/clock.ts'
import { Master } from '../../master/master.ts'
import { defaultLauncher } from '../../process/default-launcher.ts'
import type { Launcher } from '../../process/launcher.ts'
import type { Propagate } from '../../rpc/messages.ts'
import { type EventRecord, SCHEMA_VERSION } from '../api/wire.ts'
import type { FleetPlan } from '../config/fleet-plan.ts'
import type { OpenFile } from '../logs/disk/log-disk.ts'
import { LogBook } from '../logs/log-book.ts'
import type { RunRecord } from '../state/run-record.ts'
import { Prober } from './probes/prober.ts'
import { Looks } from './status/looks.ts'
import { Overview } from './status/overview.ts'
import { Level } from './units/level.ts'
import { Archive } from './watch/archive.ts'
import { Journal } from './watch/journal.ts'
import { Reporter } from './watch/reporter.ts'
import { Roster } from './watch/roster.ts'
import { Scribe } from './watch/scribe.ts'

/** How a fleet runs here. */
export interface FleetOptions {
  /** Where it keeps logs, crash reports and what it was: see `claimFleet`. @default nothing is kept */
  readonly stateFolder?: string
  /** How processes come to be. @default as `Master` has it */
  readonly launcher?: Launcher
  /** For tests that turn time by hand. @default the machine's */
  readonly clock?: Clock
  /** What log lines are appended to: for tests of disks that are full, slow or gone. @default files */
  readonly openLog?: OpenFile
  /** Asked at each start and each call for the trace it belongs to. @default OpenTelemetry's, where a propagator is registered */
  readonly propagate?: Propagate
}

/** What a fleet is made of, and how it is put together and taken apart. */
export class Parts {
  readonly clock: Clock
  readonly since: Since
  readonly launcher: Launcher
  readonly master: Master
  readonly roster: Roster
  readonly journal = new Journal()
  readonly logs: LogBook
  readonly archive: Archive | undefined
  readonly level: Level
  readonly overview: Overview
  /** What it is by now. */
  plan: FleetPlan
  readonly #ownsLauncher: boolean
  readonly #prober: Prober
  readonly #reporter: Reporter
  #following: Promise<void> | undefined
  #stoppedAt: number | undefined

  constructor(plan: FleetPlan, options: FleetOptions) {
    const { stateFolder = '', launcher, clock = systemClock, openLog, propagate } = options
    this.plan = plan
    this.clock = clock
    this.since = new Since(clock)
    this.launcher = launcher ?? defaultLauncher()
    this.#ownsLauncher = launcher === undefined
    const defaults = propagate === undefined ? {} : { propagate }
    this.master = new Master({ launcher: this.launcher, clock, defaults })
    this.#prober = new Prober(clock, this.launcher)
    this.roster = new Roster(clock, ({ id, failures }, error) =>
      this.tell({ type: error === undefined ? 'recovered' : 'degraded', worker: id, failures, error }),
    )
    const { tell } = this
    if (stateFolder !== '')
      this.archive = new Archive(stateFolder, plan, () => this.#snapshot(), {
        clock,
        tell,
        openLog,
        launcher: this.launcher,
      })
    this.logs = new LogBook(this.since.date, this.archive?.logs)
    this.#reporter = new Reporter(this.master, this.roster, this.journal, (dossier, exit, at) =>
      this.archive?.crashes.ended(dossier, exit, at, this.logs),
    )
    const scribe = new Scribe(clock, this.roster, (entry) => this.logs.write(entry))
    const [master, roster, prober] = [this.master, this.roster, this.#prober]
    this.level = new Level(plan.entries, { clock, master, roster, prober, ears: scribe, tell })
    this.overview = new Overview(master, roster, this.level, new Looks(clock))
    this.journal.listen((event) => this.#record(event, scribe))
  }

  /** Tells something of the fleet itself. */
  readonly tell = (event: { readonly type: string; readonly [more: string]: unknown }): void => {
    this.journal.add({ at: this.clock.date(), ...event })
  }

  /** Hears of its workers from here on. */
  begin(): void {
    this.#following = this.#reporter.follow()
  }

  /** Ends everything, in order, and what is to be said about that is said. */
  async close(): Promise<void> {
    await this.level.stop()
    await this.master.stop()
    await this.#prober.stop()
    if (this.#ownsLauncher) await this.launcher.close()
    await this.master[Symbol.asyncDispose]()
    await this.#following
    this.#stoppedAt = this.clock.date()
    await this.archive?.close()
  }

  #record(event: EventRecord, scribe: Scribe): void {
    scribe.remark(event)
    this.archive?.hear(event)
  }

  #snapshot(): RunRecord {
    const { name, file } = this.plan
    const stopped = this.#stoppedAt === undefined ? {} : { stoppedAt: this.#stoppedAt }
    const facts = { schemaVersion: SCHEMA_VERSION, name, file, pid: process.pid, startedAt: this.since.date } as const
    return { ...facts, at: this.clock.date(), ...stopped, workers: this.roster.alive() }
  }
}
