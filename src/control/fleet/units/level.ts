import type { Pool } from '../../../pool/pool.ts'
import type { ChildState } from '../../../supervisor/supervisor.ts'
import {
  type EntryPlan,
  type GroupEntry,
  type PoolEntry,
  type WorkerEntry,
  workersOf,
} from '../../config/fleet-plan.ts'
import { Group } from './group.ts'
import { LoneWorker } from './lone-worker.ts'
import type { Handle, Surroundings } from './unit.ts'
import { type Dependent, type Visit, walkBackward, walkForward } from './walk.ts'

type AnyUnit = LoneWorker | Group

/** What stands at the top of a fleet: starts it in the order of its dependencies, and stops it the other way round. */
export class Level {
  readonly #around: Surroundings
  readonly #units = new Map<string, AnyUnit>()
  /** Those that were not begun, since something they depend on did not start. */
  readonly #leftOut = new Set<AnyUnit>()
  /** The start that is under way. */
  #beginning = new AbortController()
  #isOver = false

  constructor(entries: readonly EntryPlan[], around: Surroundings) {
    this.#around = around
    for (const entry of entries) this.#units.set(entry.id, this.#make(entry))
  }

  /** In the order of start. */
  units(): readonly AnyUnit[] {
    return [...this.#units.values()]
  }

  handles(): readonly Handle[] {
    return this.units().flatMap((unit) => unit.handles())
  }

  groups(): readonly Group[] {
    return this.units().filter((unit) => unit instanceof Group)
  }

  pools(): readonly Pool[] {
    return this.groups().flatMap((group) => group.pools())
  }

  pool(id: string): Pool | undefined {
    return this.pools().find((pool) => pool.id === id)
  }

  /** Of a group or a pool, by its path. */
  stateOf(path: string): string {
    const [top = '', ...below] = path.split('/')
    const unit = this.#units.get(top)
    if (!(unit instanceof Group)) return 'idle'
    return below.length === 0 ? unit.supervisor.state : (unit.childStates().get(below.at(-1) ?? '') ?? 'idle')
  }

  /** Of everybody in a group. */
  childStates(): ReadonlyMap<string, ChildState | 'failed'> {
    return new Map(this.groups().flatMap((group) => Array.from(group.childStates())))
  }

  /**
   * Starts everything that starts by itself, or that something else needs. Resolves when nothing more will happen by that;
   * with false when another start has taken its place.
   */
  async begin(): Promise<boolean> {
    if (this.#isOver) return false
    this.#beginning.abort()
    const { signal } = (this.#beginning = new AbortController())
    this.#leftOut.clear()
    const needed = neededOf(this.units().map(({ entry }) => entry))
    const wanted = this.units().filter(({ id }) => needed.has(id))
    await walkForward(wanted.map(dependent), ({ unit }, failed) => this.#beginOne(unit, failed, signal))
    return !signal.aborted
  }

  /** Begins those that were left out, now that what they depend on is there. */
  async resume(): Promise<void> {
    const { signal } = this.#beginning
    // Somebody has started them all the same.
    for (const unit of this.#leftOut) if (unit.isUp) this.#leftOut.delete(unit)
    const waiting = this.units().filter((unit) => this.#leftOut.has(unit))
    await walkForward(waiting.map(dependent), ({ unit, dependsOn }, failed) => {
      const isHeld = failed.length > 0 || dependsOn.some((id) => this.#units.get(id)?.isUp === false)
      if (isHeld || !this.#leftOut.delete(unit)) return NOT_BEGUN
      return this.#beginOne(unit, [], signal)
    })
  }

  /** In reverse order of start; what is being started is not waited for. */
  async stop(): Promise<void> {
    this.#isOver = true
    this.#beginning.abort()
    await walkBackward(this.units().map(dependent), async ({ unit }) => unit.stop())
  }

  /**
   * Becomes what the entries say, and touches only what differs. Resolves when what has to go is gone, and calls for `begin`
   * then.
   */
  async apply(entries: readonly EntryPlan[]): Promise<void> {
    this.#beginning.abort()
    const now = new Map(entries.map((entry) => [entry.id, entry]))
    // All of them first: who moves is gone where it was before it is anywhere else.
    await walkBackward(this.units().map(dependent), async ({ unit }) => this.#makeWay(unit, now.get(unit.id)))
    for (const entry of entries) {
      const unit = this.#become(entry)
      // In the new order.
      this.#units.delete(entry.id)
      this.#units.set(entry.id, unit)
    }
    this.#around.roster.keepOnly(new Set(workersOf(entries).map(({ id }) => id)))
  }

  #beginOne(unit: AnyUnit, failed: readonly string[], signal: AbortSignal): Visit {
    if (signal.aborted) return NOT_BEGUN
    if (failed.length > 0) {
      this.#leftOut.add(unit)
      this.#around.tell({ type: 'dependency-failed', ...nameOf(unit), dependsOn: failed })
      return NOT_BEGUN
    }
    // Who could not be started has said so.
    const done = unit.begin().then(
      () => true,
      () => false,
    )
    return { begun: unit.whenBegun(), done }
  }

  async #makeWay(unit: AnyUnit, entry: EntryPlan | undefined): Promise<void> {
    if (entry === undefined || isWorker(unit.entry) !== isWorker(entry)) return this.#dismiss(unit)
    return unit instanceof LoneWorker
      ? unit.makeWay(entry as WorkerEntry)
      : unit.makeWay(entry as GroupEntry | PoolEntry)
  }

  async #dismiss(unit: AnyUnit): Promise<void> {
    await unit.leave()
    this.#leftOut.delete(unit)
    this.#units.delete(unit.id)
  }

  #become(entry: EntryPlan): AnyUnit {
    const unit = this.#units.get(entry.id) ?? this.#make(entry)
    if (unit instanceof LoneWorker) unit.become(entry as WorkerEntry)
    else unit.become(entry as GroupEntry | PoolEntry)
    return unit
  }

  #make(entry: EntryPlan): AnyUnit {
    return entry.kind === 'worker' ? new LoneWorker(entry, this.#around) : new Group(entry, this.#around)
  }
}

const NOT_BEGUN: Visit = { begun: Promise.resolve(), done: Promise.resolve(false) }

interface DependentUnit extends Dependent {
  readonly unit: AnyUnit
}

function isWorker({ kind }: EntryPlan): boolean {
  return kind === 'worker'
}

function dependent(unit: AnyUnit): DependentUnit {
  const { id, dependsOn, startsAfter } = unit
  return { id, dependsOn, startsAfter, unit }
}

function nameOf(unit: AnyUnit): { readonly worker: string } | { readonly supervisor: string } {
  return unit instanceof LoneWorker ? { worker: unit.id } : { supervisor: unit.id }
}

/** What starts with the fleet: what says so, and all they depend on. */
function neededOf(entries: readonly EntryPlan[]): ReadonlySet<string> {
  const needed = new Set<string>()
  for (const entry of entries.toReversed()) {
    const starts = entry.kind !== 'worker' || entry.autostart
    if (starts || needed.has(entry.id))
      for (const id of [entry.id, ...entry.dependsOn, ...(entry.startsAfter ?? [])]) needed.add(id)
  }
  return needed
}
