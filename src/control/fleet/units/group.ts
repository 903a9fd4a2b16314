import { toError } from '../../../base/errors.ts'
import type { Pool } from '../../../pool/pool.ts'
import type { ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import type { EntryPlan, GroupEntry, PoolEntry } from '../../config/fleet-plan.ts'
import { Children, idsBelow, startsWith, statesBelow } from './children.ts'
import { Beginning, PersistentStart } from './persist.ts'
import { canPatch, isSameEntry } from '../spec/same.ts'
import type { Handle, Surroundings, Unit } from './unit.ts'

/** A supervisor at the top of the fleet, with everything below it. A pool at the top is a group of one. */
export class Group implements Unit {
  #entry: GroupEntry | PoolEntry
  #plan: GroupEntry
  readonly #around: Surroundings
  readonly #children: Children
  #supervisor: Supervisor
  /** It was not begun yet, as what it is now. */
  #isNew = true
  /** A start that goes on by itself. */
  readonly #beginning = new Beginning()

  constructor(entry: GroupEntry | PoolEntry, around: Surroundings) {
    this.#entry = entry
    this.#around = around
    this.#plan = groupOf(entry)
    this.#children = new Children(this, around)
    this.#supervisor = this.#children.build(this.#plan, this.id)
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
    return this.#supervisor
  }

  get isUp(): boolean {
    return this.#supervisor.state === 'running'
  }

  pools(): readonly Pool[] {
    return this.#children.pools()
  }

  childStates(): ReadonlyMap<string, ChildState | 'failed'> {
    return statesBelow(this.#supervisor)
  }

  handles(): readonly Handle[] {
    return this.#entry.kind === 'pool' ? [this] : [this, ...this.#children.handles()]
  }

  async begin(): Promise<void> {
    // Somebody has stopped it.
    if (this.#supervisor.state === 'exited' && !this.#isNew && !this.#beginning.isUnderWay) return
    this.#children.arm()
    if (!this.isUp) return this.#begin().last
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
    await this.#supervisor.stop()
  }

  async restart(): Promise<void> {
    await this.stop()
    return this.start()
  }

  async leave(): Promise<void> {
    await this.stop()
    this.#children.keepOnly(new Set())
  }

  // ── another plan ──

  /** Becomes what the entry says; only the children that differ are touched, where its strategy allows for that. */
  async change(entry: GroupEntry | PoolEntry): Promise<void> {
    const plan = groupOf(entry)
    const isSame = isSameEntry(this.#plan, plan)
    if (this.isUp && (isSame || canPatch(this.#plan, plan))) return this.#patch(entry)
    this.#isNew ||= !isSame
    if (!isSame) await this.stop()
    this.#entry = entry
    this.#plan = plan
    if (isSame) return
    this.#children.keepOnly(new Set(idsBelow(plan)))
    this.#supervisor = this.#children.build(plan, this.id)
  }

  async #patch(entry: GroupEntry | PoolEntry): Promise<void> {
    const plan = groupOf(entry)
    const before = new Map(this.#plan.children.map((child) => [child.id, child]))
    for (const old of this.#plan.children.toReversed())
      if (!plan.children.some(({ id }) => id === old.id)) await this.#removeChild(old)
    this.#entry = entry
    this.#plan = plan
    for (const child of plan.children) {
      const old = before.get(child.id)
      if (old === undefined) this.#addChild(child)
      else if (!isSameEntry(old, child)) await this.#changeChild(old, child)
      else this.#children.enter(child, plan, this.id)
    }
  }

  async #removeChild(entry: EntryPlan): Promise<void> {
    await this.#takeOut(entry.id)
    this.#children.forget([entry.id, ...(entry.kind === 'group' ? idsBelow(entry) : [])])
  }

  async #takeOut(id: string): Promise<void> {
    if (this.#supervisor.children().some((child) => child.id === id)) await this.#supervisor.remove(id)
  }

  /** A worker is the same under its new entry. */
  async #changeChild(old: EntryPlan, entry: EntryPlan): Promise<void> {
    const isAlike = old.kind === entry.kind && old.kind === 'worker'
    await (isAlike ? this.#takeOut(old.id) : this.#removeChild(old))
    this.#addChild(entry)
  }

  /** Not being ready yet, or at all, is told by itself. */
  #addChild(entry: EntryPlan): void {
    const { child, schedule } = this.#children.enter(entry, this.#plan, this.id)
    schedule?.arm()
    if (!startsWith(entry)) return
    this.#around.roster.find(entry.id)?.asked()
    void this.#supervisor.add(child).catch((error: unknown) => {
      const who = entry.kind === 'worker' ? { worker: entry.id } : { supervisor: `${this.id}/${entry.id}` }
      this.#around.tell({ type: 'start-failed', ...who, error: toError(error) })
    })
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
      options: { intensity: this.#plan.intensity },
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
    // Its spec is the plan: what was added or removed by hand, the supervisor before does not know.
    this.#supervisor = this.#children.build(this.#plan, this.id)
    await this.#around.master.supervise(this.#supervisor)
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
