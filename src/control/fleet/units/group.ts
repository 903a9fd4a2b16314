import type { Pool } from '../../../pool/pool.ts'
import type { ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import type { GroupEntry, PoolEntry } from '../../config/fleet-plan.ts'
import { Children } from './children.ts'
import { Beginning, PersistentStart } from './persist.ts'
import { canPatch, isSameEntry } from '../spec/same.ts'
import type { Handle, Surroundings, Unit } from './unit.ts'

/** A supervisor at the top of the fleet, with everything below it. A pool at the top is a group of one. */
export class Group implements Unit {
  #entry: GroupEntry | PoolEntry
  readonly #around: Surroundings
  readonly #children: Children
  /** It was not begun yet, as what it is now. */
  #isNew = true
  /** A start that goes on by itself. */
  readonly #beginning = new Beginning()

  constructor(entry: GroupEntry | PoolEntry, around: Surroundings) {
    this.#entry = entry
    this.#around = around
    this.#children = new Children(groupOf(entry), entry.id, around, () => this.start())
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
    if (this.isUp) return this.#children.begin()
    this.#children.arm()
    return this.#begin().last
  }

  /** Its children follow one after the other. */
  async whenBegun(): Promise<void> {}

  start(): Promise<void> {
    this.#children.arm()
    return this.isUp ? Promise.resolve() : this.#begin().first
  }

  async stop(): Promise<void> {
    this.#children.disarm()
    this.#withdraw()
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

  // ── its start ──

  #withdraw(): void {
    this.#beginning.withdraw()
    this.#mark(undefined)
  }

  #begin(): PersistentStart {
    return this.#beginning.begin(() => this.#start())
  }

  #start(): PersistentStart {
    const { clock, tell, roster } = this.#around
    this.#isNew = false
    for (const id of this.workers) roster.of(id).asked()
    return new PersistentStart(() => this.#attempt(), {
      clock,
      options: { intensity: this.#children.plan.intensity },
      waits: (step) => {
        this.#mark('backoff')
        tell({ type: 'restart-scheduled', supervisor: this.id, ...step })
      },
      gaveUp: (error) => {
        this.#mark('failed')
        tell({ type: 'start-failed', supervisor: this.id, error })
      },
    })
  }

  async #attempt(): Promise<void> {
    this.#mark(undefined)
    await this.#around.master.supervise(this.#children.renew())
  }

  #mark(pending: 'backoff' | 'failed' | undefined): void {
    for (const id of this.workers) this.#around.roster.of(id).pending = pending
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
