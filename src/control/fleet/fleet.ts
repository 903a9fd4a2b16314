import { readFileSync } from 'node:fs'
import { type Clock, Since, systemClock } from '../../base/clock.ts'
import { ClosedError } from '../../base/errors.ts'
import { Master } from '../../master/master.ts'
import { defaultLauncher } from '../../process/default-launcher.ts'
import type { Launcher } from '../../process/launcher.ts'
import { differenceOf } from '../config/difference.ts'
import type { FleetPlan } from '../config/fleet-plan.ts'
import type { OpenFile } from '../logs/disk/log-disk.ts'
import { LogBook } from '../logs/log-book.ts'
import type { RunRecord } from '../state/run-record.ts'
import {
  type Action,
  type ActionResult,
  type ApplyResult,
  type CallRequest,
  type EventRecord,
  type FleetStatus,
  type LogQuery,
  type LogRecord,
  type PoolStatus,
  SCHEMA_VERSION,
  type TreeNode,
  type WorkerDetail,
  type WorkerPlace,
  type WorkerStatus,
  type WorkerStatusState,
} from '../api/wire.ts'
import { act } from './actions.ts'
import type { Fleet } from './contract.ts'
import { Prober } from './probes/prober.ts'
import { resolveTargets } from './targets.ts'
import { Overview } from './status/overview.ts'
import { Level } from './units/level.ts'
import { Archive } from './watch/archive.ts'
import type { Dossier } from './watch/dossier.ts'
import { detailOf } from './status/detail.ts'
import { Journal } from './watch/journal.ts'
import { Looks } from './status/looks.ts'
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
}

type Told = { readonly type: string; readonly [more: string]: unknown }

/** Starts a fleet in this process. Resolves as soon as it exists: how far its start is, its status and its events say. */
export async function startFleet(plan: FleetPlan, options: FleetOptions = {}): Promise<Fleet> {
  const fleet = new RunningFleet(plan, options)
  fleet.begin()
  return fleet
}

class RunningFleet implements Fleet {
  readonly stopped: Promise<void>
  #plan: FleetPlan
  readonly #clock: Clock
  readonly #since: Since
  readonly #stateFolder: string
  readonly #launcher: Launcher
  readonly #master: Master
  readonly #prober: Prober
  readonly #roster: Roster
  readonly #journal = new Journal()
  readonly #reporter: Reporter
  readonly #logs: LogBook
  readonly #archive: Archive | undefined
  readonly #level: Level
  readonly #overview: Overview
  readonly #ended = Promise.withResolvers<void>()
  #following: Promise<void> | undefined
  #hasBegun = false
  #wasReady = false
  #applying: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | undefined
  #stoppedAt: number | undefined

  constructor(plan: FleetPlan, options: FleetOptions) {
    const { stateFolder = '', launcher = defaultLauncher(), clock = systemClock, openLog } = options
    const tell = (event: Told): void => this.#reporter.tell(event)
    this.#plan = plan
    this.#clock = clock
    this.#since = new Since(clock)
    this.#stateFolder = stateFolder
    this.#launcher = launcher
    this.stopped = this.#ended.promise
    this.#master = new Master({ launcher, clock })
    this.#prober = new Prober(clock, launcher)
    this.#roster = new Roster(clock, (dossier, error) => this.#checked(dossier, error))
    if (stateFolder !== '')
      this.#archive = new Archive(stateFolder, plan, () => this.#snapshot(), { clock, tell, openLog, launcher })
    this.#logs = new LogBook(this.#since.date, this.#archive?.logs)
    this.#reporter = new Reporter(this.#master, this.#roster, this.#journal, clock, (dossier, exit, at) =>
      this.#archive?.crashes.ended(dossier, exit, at, this.#logs),
    )
    const scribe = new Scribe(clock, this.#roster, (entry) => this.#logs.write(entry))
    const [master, roster, prober] = [this.#master, this.#roster, this.#prober]
    this.#level = new Level(plan.entries, { clock, master, roster, prober, ears: scribe, tell })
    this.#overview = new Overview(this.#master, this.#roster, this.#level, new Looks(clock))
    this.#journal.listen((event) => {
      scribe.remark(event)
      this.#archive?.hear(event)
      this.#tellWhenReady()
    })
  }

  begin(): void {
    this.#following = this.#reporter.follow()
    this.#beginAll()
  }

  // ── what it is ──

  status(): FleetStatus {
    const states: Partial<Record<WorkerStatusState, number>> = {}
    for (const state of this.#overview.states().values()) states[state] = (states[state] ?? 0) + 1
    return {
      schemaVersion: SCHEMA_VERSION,
      name: this.#plan.name,
      file: this.#plan.file,
      pid: process.pid,
      version: VERSION,
      node: process.versions.node,
      launcher: this.#launcher.name,
      startedAt: this.#since.date,
      isReadOnly: false,
      isReady: this.#isReady(),
      isStopping: this.#stopping !== undefined,
      states,
      stateFolder: this.#stateFolder,
    }
  }

  workers(): Promise<readonly WorkerStatus[]> {
    return this.#overview.workers()
  }

  async worker(id: string, { revealEnv }: { readonly revealEnv: boolean }): Promise<WorkerDetail> {
    const dossier = this.#overview.find(id, 'show')
    const status = await this.#overview.worker(dossier)
    return detailOf(dossier, status, {
      revealEnv,
      log: this.#logs.lastOf(id, DETAIL_LINES),
      crashes: this.#archive?.crashes.of(id) ?? [],
    })
  }

  place(id: string): WorkerPlace | undefined {
    return this.#roster.find(id)?.place
  }

  pools(): readonly PoolStatus[] {
    return this.#level.pools().map(({ id, stats }) => Object.assign({ id }, stats))
  }

  tree(): TreeNode {
    const state = this.#stopping !== undefined ? 'stopping' : this.#isReady() ? 'running' : 'starting'
    return { kind: 'fleet', id: this.#plan.name, state, pid: process.pid, children: this.#overview.tree() }
  }

  // ── what is done with it ──

  async act(action: Action): Promise<ActionResult> {
    this.#checkOpen(action.action)
    const results = await act(action, {
      handles: () => this.#level.handles(),
      workersOf: (handle) => this.#overview.workersOf(handle),
      signal: (id, signal) => this.#roster.find(id)?.worker?.kill(signal),
      result: (id, error) => this.#resultOf(id, error),
    })
    return { schemaVersion: SCHEMA_VERSION, results }
  }

  async send(id: string, message: unknown): Promise<void> {
    const dossier = this.#overview.find(id, 'talk to')
    const { worker, entry } = dossier
    if (worker === undefined) throw new ClosedError(`Cannot talk to worker "${id}": it was not started; start it first`)
    if (entry === undefined || entry.framing === 'json-rpc')
      throw new TypeError(`Cannot send to worker "${id}": it serves calls; call one of its methods`)
    if (entry.framing === 'lines' && typeof message !== 'string')
      throw new TypeError(`Cannot send to worker "${id}": it reads lines; send text, not ${JSON.stringify(message)}`)
    await worker.send(message)
    dossier.messagesOut++
  }

  async call(id: string, { method, args, timeout }: CallRequest, signal: AbortSignal): Promise<unknown> {
    const options = { signal, ...(timeout === undefined ? {} : { timeout }) }
    const pool = this.#level.pool(id)
    if (pool !== undefined) return pool.call(method, [...args] as any, options)
    const dossier = this.#overview.find(id, 'call')
    if (dossier.worker === undefined || dossier.entry?.framing !== 'json-rpc')
      throw new TypeError(`Cannot call worker "${id}": it does not serve calls; give it "framing: json-rpc"`)
    dossier.messagesOut++
    const result = (await dossier.worker
      .rpc()
      .with(options)
      .call(method, ...args)) as unknown
    dossier.messagesIn++
    return result
  }

  /** One after the other. Resolves when what has to go is gone, and what is new is being started. */
  apply(plan: FleetPlan): Promise<ApplyResult> {
    const applied = this.#applying.then(() => this.#apply(plan))
    this.#applying = applied.then(NOTHING, NOTHING)
    return applied
  }

  stop({ hurry = false }: { readonly hurry?: boolean } = {}): Promise<void> {
    this.#stopping ??= this.#stop()
    if (hurry) void this.#master.stop({ eof: 0, grace: 0 })
    return this.stopped
  }

  // ── what it says ──

  eventsSince(since: number): readonly EventRecord[] {
    return this.#journal.since(since)
  }

  onEvent(listener: (event: EventRecord) => void): () => void {
    return this.#journal.listen(listener)
  }

  onLog(listener: (record: LogRecord) => void): () => void {
    return this.#logs.listen(listener)
  }

  logs(query: LogQuery): AsyncIterable<LogRecord> {
    const { workers } = query
    const ids =
      workers === undefined
        ? undefined
        : resolveTargets(workers, this.#level.handles(), 'read the log of').flatMap((handle) =>
            this.#overview.workersOf(handle),
          )
    return this.#logs.read({ ...query, workers: ids, lifeOf: (id) => this.#roster.find(id)?.life ?? 0 })
  }

  // ── inside ──

  async #apply(plan: FleetPlan): Promise<ApplyResult> {
    this.#checkOpen('apply')
    if (plan.name !== this.#plan.name)
      throw new TypeError(
        `Cannot apply fleet "${plan.name}" to fleet "${this.#plan.name}": it is another one; start it by itself`,
      )
    const difference = differenceOf(this.#plan, plan)
    this.#hasBegun = false
    await this.#level.apply(plan.entries)
    this.#plan = plan
    this.#reporter.tell({ type: 'applied', ...difference })
    this.#beginAll()
    return { schemaVersion: SCHEMA_VERSION, ...difference }
  }

  #beginAll(): void {
    this.#wasReady = false
    void this.#level.begin().then((isOver) => {
      this.#hasBegun ||= isOver
      this.#tellWhenReady()
    })
  }

  async #stop(): Promise<void> {
    this.#reporter.tell({ type: 'fleet-stopping' })
    await this.#level.stop()
    await this.#master.stop()
    await this.#prober.stop()
    await this.#launcher.close()
    await this.#master[Symbol.asyncDispose]()
    await this.#following
    this.#stoppedAt = this.#clock.date()
    await this.#archive?.close()
    this.#ended.resolve()
  }

  #snapshot(): RunRecord {
    const alive = this.#roster.all().filter(({ isAlive }) => isAlive)
    return {
      schemaVersion: 1,
      name: this.#plan.name,
      file: this.#plan.file,
      pid: process.pid,
      startedAt: this.#since.date,
      at: this.#clock.date(),
      ...(this.#stoppedAt === undefined ? {} : { stoppedAt: this.#stoppedAt }),
      workers: alive.flatMap(({ id, pid }) => (pid === undefined ? [] : [{ id, pid }])),
    }
  }

  #checked({ id, failures }: Dossier, error: unknown): void {
    if (error === undefined) this.#reporter.tell({ type: 'recovered', worker: id })
    else this.#reporter.tell({ type: 'degraded', worker: id, failures, error })
  }

  #resultOf(id: string, error: ActionResult['results'][number]['error']): ActionResult['results'][number] {
    const dossier = this.#roster.of(id)
    const state = this.#overview.stateOf(dossier)
    const [exit] = dossier.exits
    return {
      worker: id,
      ok: error === undefined,
      state,
      ...(exit === undefined ? {} : { exit }),
      ...(error === undefined ? {} : { error }),
    }
  }

  #isReady(): boolean {
    return this.#hasBegun && this.#stopping === undefined && this.#overview.isComplete()
  }

  #tellWhenReady(): void {
    if (this.#wasReady || !this.#isReady()) return
    this.#wasReady = true
    this.#reporter.tell({ type: 'fleet-ready', after: this.#since.age })
  }

  #checkOpen(action: string): void {
    if (this.#stopping === undefined) return
    throw new ClosedError(`Cannot ${action}: fleet "${this.#plan.name}" is being stopped`)
  }
}

const NOTHING = (): void => {}
/** Lines of its log that come with the details of a worker. */
const DETAIL_LINES = 50

const VERSION = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
