import type { Pool } from '../../../pool/pool.ts'
import type { ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import type { GroupEntry, PoolEntry } from '../../config/fleet-plan.ts'
import { Beginning } from './beginning.ts'
import { Children } from './children.ts'
import type { PersistentStart } from './persist.ts'
import { canPatch, isSameEntry } from '../spec/same.ts'
import type { Handle, Surroundings, Unit } from './unit.ts'

/** A supervisor at the top of the fleet, with everything below it. A pool at the top is a group of one. */
export class Group implements Unit {
  #entry: GroupEntry | PoolEntry
  readonly #children: Children
  /** It was not begun yet, as what it is now. */
  #isNew = true
  /** A start that goes on by itself. */
  readonly #beginning: Beginning

  constructor(entry: GroupEntry | PoolEntry, around: Surroundings) {
    this.#entry = entry
    this.#children = new Children(groupOf(entry), entry.id, around, () => this.start())
    this.#beginning = new Beginning(around, () => ({
      name: { supervisor: this.id },
      workers: this.workers,
      restarts: { intensity: this.#children.plan.intensity },
      attempt: () => around.master.supervise(this.#children.renew()),
    }))
  }

  get entry(): GroupEntry | PoolEntry {
    return this.#entry
  }

  get id(): string {
    return this.#entry.id
  }

  get path(): string {
    return this.id
  }

  get dependsOn(): readonly string[] {
    return this.#entry.dependsOn
  }

  get startsAfter(): readonly string[] {
    return this.#entry.startsAfter ?? []
  }

  get workers(): readonly string[] {
    return this.#children.workers()
  }

  get supervisor(): Supervisor {
    return this.#children.supervisor
  }

  get isUp(): boolean {
    return this.supervisor.state === 'running'
  }

  pools(): readonly Pool[] {
    return this.#children.pools()
  }

  childStates(): ReadonlyMap<string, ChildState | 'failed'> {
    return this.#children.states()
  }

  handles(): readonly Handle[] {
    return this.#entry.kind === 'pool' ? [this] : [this, ...this.#children.handles()]
  }

  async begin(): Promise<void> {
    // Somebody has stopped it.
    if (this.supervisor.state === 'exited' && !this.#isNew && !this.#beginning.isUnderWay) return
    return this.isUp ? this.#children.begin() : this.#begin().last
  }

  /** Its children follow one after the other. */
  async whenBegun(): Promise<void> {}

  start(): Promise<void> {
    return this.isUp ? this.#children.wake() : this.#begin().first
  }

  async stop(): Promise<void> {
    this.#children.disarm()
    void this.#beginning.withdraw()
    await this.supervisor.stop()
  }

  async restart(): Promise<void> {
    await this.stop()
    return this.start()
  }

  leave(): Promise<void> {
    return this.stop()
  }

  // ── another plan ──

  /** Only the children that differ are stopped, where its strategy allows for that. */
  async makeWay(entry: GroupEntry | PoolEntry): Promise<void> {
    const plan = groupOf(entry)
    if (isSameEntry(this.#children.plan, plan)) return
    this.#isNew = !this.isUp || !canPatch(this.#children.plan, plan)
    if (this.#isNew) await this.stop()
    await this.#children.makeWay(plan)
  }

  become(entry: GroupEntry | PoolEntry): void {
    this.#entry = entry
    this.#children.become(groupOf(entry))
    if (this.#isNew) this.#children.renew()
  }

  #begin(): PersistentStart {
    this.#isNew = false
    this.#children.arm()
    return this.#beginning.begin()
  }
}

/** The supervisor of a pool at the top makes its workers those of the master. How often it is tried is the pool's to say. */
function groupOf(entry: GroupEntry | PoolEntry): GroupEntry {
  if (entry.kind === 'group') return entry
  return {
    kind: 'group',
    id: entry.id,
    dependsOn: entry.dependsOn,
    strategy: 'one-for-one',
    stop: 'one-by-one',
    intensity: { ...entry.intensity, restarts: 0 },
    children: [entry],
  }
}
