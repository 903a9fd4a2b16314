import { readFileSync } from 'node:fs'
import { ClosedError } from '../../base/errors.ts'
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
import { differenceOf } from '../config/difference.ts'
import type { FleetPlan } from '../config/fleet-plan.ts'
import { ifPresent } from '../otel/present.ts'
import { act } from './actions.ts'
import type { Fleet, FleetCall } from './contract.ts'
import { type FleetOptions, Parts } from './parts.ts'
import { checkEntries } from './spec/check-entries.ts'
import { detailOf } from './status/detail.ts'
import { callPool, callWorker, sendTo } from './talk.ts'
import { placeOfCall } from './status/places.ts'
import { resolveTargets } from './targets.ts'

export type { FleetOptions } from './parts.ts'

/**
 * Starts a fleet in this process. Resolves as soon as it exists: how far its start is, its status and its events say.
 *
 * @throws TypeError, RangeError, LimitUnsupportedError for a plan that cannot be; nothing is started then
 */
export async function startFleet(plan: FleetPlan, options: FleetOptions = {}): Promise<Fleet> {
  checkEntries(plan.entries)
  const otel = await ifPresent(() => import('../otel/registered.ts'))
  const propagate = options.propagate ?? otel?.registeredPropagator()
  const fleet = new RunningFleet(plan, { ...options, ...(propagate === undefined ? {} : { propagate }) })
  fleet.begin()
  return fleet
}

class RunningFleet implements Fleet {
  readonly stopped: Promise<void>
  readonly #parts: Parts
  readonly #stateFolder: string
  readonly #ended = Promise.withResolvers<void>()
  #hasBegun = false
  #wasReady = false
  #applying: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | undefined

  constructor(plan: FleetPlan, options: FleetOptions) {
    this.#stateFolder = options.stateFolder ?? ''
    this.#parts = new Parts(plan, options)
    this.stopped = this.#ended.promise
    // Whoever stops it is told; nobody has to watch for that.
    this.stopped.catch(NOTHING)
  }

  begin(): void {
    this.#parts.begin()
    this.#beginAll()
    this.#parts.journal.listen(() => this.#tellWhenReady())
  }

  // ── what it is ──

  status(): FleetStatus {
    const { plan, launcher, since, overview } = this.#parts
    const states: Partial<Record<WorkerStatusState, number>> = {}
    for (const state of overview.states().values()) states[state] = (states[state] ?? 0) + 1
    return {
      schemaVersion: SCHEMA_VERSION,
      name: plan.name,
      file: plan.file,
      pid: process.pid,
      version: VERSION,
      node: process.versions.node,
      launcher: launcher.name,
      startedAt: since.date,
      isReadOnly: false,
      isReady: this.#isReady(),
      isStopping: this.#stopping !== undefined,
      states,
      stateFolder: this.#stateFolder,
    }
  }

  workers(): Promise<readonly WorkerStatus[]> {
    return this.#parts.overview.workers()
  }

  async worker(id: string, { revealEnv }: { readonly revealEnv: boolean }): Promise<WorkerDetail> {
    const { overview, logs, archive } = this.#parts
    const dossier = overview.find(id, 'show')
    const status = await overview.worker(dossier)
    const log = logs.lastOf(id, DETAIL_LINES)
    const program = overview.programOf(dossier)
    return detailOf(dossier, status, { program, revealEnv, log, crashes: archive?.crashes.of(id) ?? [] })
  }

  place(id: string): WorkerPlace | undefined {
    return this.#parts.roster.find(id)?.place
  }

  pools(): readonly PoolStatus[] {
    return this.#parts.level.pools().map(({ id, stats }) => Object.assign({ id }, stats))
  }

  tree(): TreeNode {
    const state = this.#stopping !== undefined ? 'stopping' : this.#isReady() ? 'running' : 'starting'
    const { plan, overview } = this.#parts
    return { kind: 'fleet', id: plan.name, state, pid: process.pid, children: overview.tree() }
  }

  // ── what is done with it ──

  async act(action: Action): Promise<ActionResult> {
    this.#checkOpen(action.action)
    const { level, overview } = this.#parts
    const results = await act(action, overview.handles(), overview)
    if (action.action === 'start' || action.action === 'restart') void level.resume()
    return { schemaVersion: SCHEMA_VERSION, results }
  }

  async send(id: string, message: unknown): Promise<void> {
    return sendTo(this.#parts.overview.find(id, 'talk to'), message)
  }

  async call(id: string, request: CallRequest, signal: AbortSignal): Promise<unknown> {
    const { level, overview } = this.#parts
    const pool = level.pool(id)
    return pool === undefined ? callWorker(overview.find(id, 'call'), request, signal) : callPool(pool, request, signal)
  }

  /** One after the other. Resolves when what has to go is gone, and what is new is being started. */
  apply(plan: FleetPlan): Promise<ApplyResult> {
    const applied = this.#applying.then(() => this.#apply(plan))
    this.#applying = applied.then(NOTHING, NOTHING)
    return applied
  }

  stop({ hurry = false }: { readonly hurry?: boolean } = {}): Promise<void> {
    this.#stopping ??= this.#stop()
    if (hurry) void this.#parts.master.stop({ eof: 0, grace: 0 })
    return this.stopped
  }

  // ── what it says ──

  eventsSince(since: number): readonly EventRecord[] {
    return this.#parts.journal.since(since)
  }

  onEvent(listener: (event: EventRecord) => void): () => void {
    return this.#parts.journal.listen(listener)
  }

  onCall(listener: (call: FleetCall) => void): () => void {
    return this.#parts.master.onCall((call) => listener({ ...call, place: placeOfCall(call, this.#parts.roster) }))
  }

  onLog(listener: (record: LogRecord) => void): () => void {
    return this.#parts.logs.listen(listener)
  }

  /** @throws UnknownWorkerError */
  logs(query: LogQuery): AsyncIterable<LogRecord> {
    const { overview, logs, roster } = this.#parts
    const meant = query.workers && resolveTargets(query.workers, overview.handles(), 'read the log of')
    const workers = meant?.flatMap((handle) => overview.workersOf(handle))
    return logs.read({ ...query, workers, lifeOf: (id) => roster.find(id)?.life ?? 0 })
  }

  // ── inside ──

  async #apply(plan: FleetPlan): Promise<ApplyResult> {
    this.#checkOpen('apply')
    const { plan: before, level, archive, tell } = this.#parts
    if (plan.name !== before.name)
      throw new TypeError(
        `Cannot apply fleet "${plan.name}" to fleet "${before.name}": it is another one; start it by itself`,
      )
    checkEntries(plan.entries)
    const difference = differenceOf(before, plan)
    this.#hasBegun = false
    await level.apply(plan.entries)
    this.#checkOpen('apply')
    this.#parts.plan = plan
    archive?.logs.change(plan.log)
    tell({ type: 'applied', ...difference })
    this.#beginAll()
    return { schemaVersion: SCHEMA_VERSION, ...difference }
  }

  #beginAll(): void {
    this.#wasReady = false
    void this.#parts.level.begin().then((isOver) => {
      if (!isOver) return
      this.#hasBegun = true
      this.#tellWhenReady()
      if (!this.#wasReady) this.#tellWhoIsMissing()
    })
  }

  /** The start is over, and did not come to what it should. */
  #tellWhoIsMissing(): void {
    if (this.#stopping !== undefined) return
    this.#parts.tell({ type: 'fleet-incomplete', missing: this.#parts.overview.missing() })
  }

  /** Whatever goes wrong on the way, it ends, and whoever waits for that is told. */
  async #stop(): Promise<void> {
    this.#parts.tell({ type: 'fleet-stopping' })
    await this.#parts.close().then(this.#ended.resolve, this.#ended.reject)
  }

  #isReady(): boolean {
    return this.#hasBegun && this.#stopping === undefined && this.#parts.overview.missing().length === 0
  }

  #tellWhenReady(): void {
    if (this.#wasReady || !this.#isReady()) return
    this.#wasReady = true
    this.#parts.tell({ type: 'fleet-ready', after: this.#parts.since.age })
  }

  #checkOpen(action: string): void {
    if (this.#stopping === undefined) return
    throw new ClosedError(`Cannot ${action}: fleet "${this.#parts.plan.name}" is being stopped`)
  }
}

const NOTHING = (): void => {}
/** Lines of its log that come with the details of a worker. */
const DETAIL_LINES = 50

const VERSION = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
