import { toError } from '../../../base/errors.ts'
import type { Exit } from '../../../base/exit.ts'
import { Pool } from '../../../pool/pool.ts'
import type { Child } from '../../../supervisor/child.ts'
import { type ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import { worker } from '../../../worker/host.ts'
import type { EntryPlan, GroupEntry, PoolEntry, WorkerEntry } from '../../config/fleet-plan.ts'
import { specOfWorker } from '../program.ts'
import { PersistentStart } from './persist.ts'
import { specOfPool } from './pool-spec.ts'
import { canPatch, isSameEntry } from './same.ts'
import { Schedule } from './schedule.ts'
import type { Handle, Surroundings, Unit } from './unit.ts'

/** A worker, a pool or a group below a supervisor. */
interface Member {
  readonly entry: EntryPlan
  readonly child: Child
  /** The group it is in. */
  readonly home: GroupEntry
  /** Path of that. */
  readonly path: string
  readonly schedule?: Schedule | undefined
}

/** A supervisor at the top of the fleet, with everything below it. A pool at the top is a group of one. */
export class Group implements Unit {
  #entry: GroupEntry | PoolEntry
  #plan: GroupEntry
  readonly #around: Surroundings
  readonly #members = new Map<string, Member>()
  #supervisor: Supervisor
  /** It was not begun yet, as what it is now. */
  #isNew = true
  #starting: PersistentStart | undefined

  constructor(entry: GroupEntry | PoolEntry, around: Surroundings) {
    this.#entry = entry
    this.#around = around
    this.#plan = groupOf(entry)
    this.#supervisor = this.#build(this.#plan, this.#plan.id)
  }

  get entry(): GroupEntry | PoolEntry {
    return this.#entry
  }

  get id(): string {
    return this.entry.id
  }

  get path(): string {
    return this.entry.id
  }

  get dependsOn(): readonly string[] {
    return this.entry.dependsOn
  }

  get startsAfter(): readonly string[] {
    return this.entry.startsAfter ?? []
  }

  /** Its children follow one after the other. */
  async whenBegun(): Promise<void> {}

  /** Of all its groups; those of pools come and go. */
  get workers(): readonly string[] {
    return [...this.#members.values()].flatMap(({ entry }) => (entry.kind === 'worker' ? [entry.id] : []))
  }

  get supervisor(): Supervisor {
    return this.#supervisor
  }

  pools(): readonly Pool[] {
    return [...this.#members.values()].flatMap(({ child }) => (child instanceof Pool ? [child] : []))
  }

  /** Where its children are in the eyes of their supervisors, by their ids. */
  childStates(): ReadonlyMap<string, ChildState | 'failed'> {
    const states = new Map<string, ChildState | 'failed'>()
    const collect = (supervisor: Supervisor): void => {
      const hasFailed = supervisor.state === 'failed'
      for (const { id, state, child } of supervisor.children()) {
        states.set(id, hasFailed ? 'failed' : state)
        if (child instanceof Supervisor) collect(child)
      }
    }
    collect(this.#supervisor)
    return states
  }

  handles(): readonly Handle[] {
    const own = [...this.#members.values()].map((member) => this.#handle(member))
    return this.entry.kind === 'pool' ? [this] : [this, ...own]
  }

  async begin(): Promise<void> {
    const { state } = this.#supervisor
    // Somebody has stopped it.
    if (state === 'exited' && !this.#isNew && this.#starting === undefined) return
    for (const { schedule } of this.#members.values()) schedule?.arm()
    if (state !== 'running') return this.#begin().last
  }

  start(): Promise<void> {
    for (const { schedule } of this.#members.values()) schedule?.arm()
    return this.#supervisor.state === 'running' ? Promise.resolve() : this.#begin().first
  }

  async stop(): Promise<void> {
    for (const { schedule } of this.#members.values()) schedule?.disarm()
    this.#withdraw()
    await this.#supervisor.stop()
  }

  async restart(): Promise<void> {
    await this.stop()
    return this.start()
  }

  async leave(): Promise<void> {
    await this.stop()
    this.#keepOnly(new Set())
  }

  /** Becomes what the entry says; only the children that differ are touched, where its strategy allows for that. */
  async change(entry: GroupEntry | PoolEntry): Promise<void> {
    const plan = groupOf(entry)
    const isSame = isSameEntry(this.#plan, plan)
    const isRunning = this.#supervisor.state === 'running'
    if (isRunning && (isSame || canPatch(this.#plan, plan))) return this.#patch(entry)
    this.#isNew ||= !isSame
    if (!isSame) await this.stop()
    this.#entry = entry
    this.#plan = plan
    if (isSame) return
    this.#keepOnly(new Set(idsBelow(plan)))
    this.#supervisor = this.#build(plan, plan.id)
  }

  async #patch(entry: GroupEntry | PoolEntry): Promise<void> {
    const plan = groupOf(entry)
    const before = new Map(this.#plan.children.map((child) => [child.id, child]))
    for (const { id } of this.#plan.children.toReversed())
      if (!plan.children.some((child) => child.id === id)) await this.#removeChild(id)
    this.#entry = entry
    this.#plan = plan
    for (const child of plan.children) {
      const old = before.get(child.id)
      if (old === undefined) await this.#addChild(child)
      else if (!isSameEntry(old, child)) await this.#changeChild(old, child)
      else this.#member(child, plan, plan.id)
    }
  }

  async #removeChild(id: string): Promise<void> {
    const member = this.#members.get(id)
    await this.#takeOut(id)
    for (const below of [id, ...(member?.entry.kind === 'group' ? idsBelow(member.entry) : [])]) this.#forget(below)
  }

  async #takeOut(id: string): Promise<void> {
    this.#members.get(id)?.schedule?.disarm()
    if (this.#supervisor.children().some((child) => child.id === id)) await this.#supervisor.remove(id)
  }

  /** Not being ready yet, or at all, is told by itself. */
  async #addChild(entry: EntryPlan): Promise<void> {
    const { child, schedule } = this.#member(entry, this.#plan, this.#plan.id)
    schedule?.arm()
    if (!startsWith(entry)) return
    this.#around.roster.find(entry.id)?.asked()
    void this.#supervisor.add(child).catch((error: unknown) => {
      this.#around.tell({ type: 'start-failed', ...whoIs(entry), error: toError(error) })
    })
  }

  async #changeChild(old: EntryPlan, entry: EntryPlan): Promise<void> {
    const isAlike = old.kind === entry.kind && old.kind === 'worker'
    await (isAlike ? this.#takeOut(old.id) : this.#removeChild(old.id))
    await this.#addChild(entry)
  }

  #keepOnly(ids: ReadonlySet<string>): void {
    for (const [id, { schedule }] of this.#members) {
      schedule?.disarm()
      if (!ids.has(id)) this.#forget(id)
    }
  }

  #forget(id: string): void {
    this.#members.delete(id)
    this.#around.roster.forget(id)
  }

  #withdraw(): void {
    this.#starting?.withdraw()
    this.#starting = undefined
    this.#mark(undefined)
  }

  #begin(): PersistentStart {
    if (this.#starting !== undefined) return this.#starting
    const { clock, tell, roster } = this.#around
    this.#isNew = false
    for (const id of this.workers) roster.of(id).asked()
    const starting = new PersistentStart(() => this.#attempt(), {
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
    this.#starting = starting
    const over = (): void => {
      if (this.#starting === starting) this.#starting = undefined
    }
    starting.last.then(over, over)
    return starting
  }

  async #attempt(): Promise<void> {
    this.#mark(undefined)
    // Its spec is the plan: what was added or left out by hand is not in the supervisor before.
    this.#supervisor = this.#build(this.#plan, this.#plan.id)
    await this.#around.master.supervise(this.#supervisor)
  }

  #mark(pending: 'backoff' | 'failed' | undefined): void {
    for (const id of this.workers) this.#around.roster.of(id).pending = pending
  }

  // ── its children ──

  #build(plan: GroupEntry, path: string): Supervisor {
    const children = plan.children.map((entry) => this.#member(entry, plan, path))
    const { id, strategy, intensity } = plan
    return new Supervisor({
      id,
      strategy,
      intensity,
      children: children.filter(({ entry }) => startsWith(entry)).map(({ child }) => child),
    })
  }

  /** What stays the same stays the same object, and keeps counting its lives. */
  #member(entry: EntryPlan, home: GroupEntry, path: string): Member {
    const known = this.#members.get(entry.id)
    const isSame = known !== undefined && known.path === path && isSameEntry(known.entry, entry)
    if (known !== undefined && !isSame) known.schedule?.disarm()
    const schedule = isSame ? known.schedule : this.#scheduleOf(entry)
    const child = isSame && entry.kind !== 'group' ? known.child : this.#child(entry, path)
    const member = { entry, home, path, child, schedule }
    this.#members.set(entry.id, member)
    return member
  }

  #scheduleOf(entry: EntryPlan): Schedule | undefined {
    if (entry.kind !== 'worker' || entry.schedule === undefined) return undefined
    return new Schedule(entry, entry.schedule, this.#around, () => this.#handle(this.#members.get(entry.id)!))
  }

  #child(entry: EntryPlan, path: string): Child {
    if (entry.kind === 'group') return this.#build(entry, `${path}/${entry.id}`)
    if (entry.kind === 'pool') return new Pool(specOfPool(entry, this.#around.ears))
    return this.#worker(entry, path)
  }

  #worker(entry: WorkerEntry, path: string): Child {
    const { roster, prober, ears } = this.#around
    const dossier = roster.enter({ id: entry.id, service: entry.service, group: path }, entry)
    const one = worker(entry.id, entry.file, entry.args, specOfWorker(entry, dossier, prober, ears))
    if (entry.framing === 'json-rpc') one.rpc()
    dossier.worker = one
    return one
  }

  #handle(member: Member): Handle {
    const { id } = member.entry
    const { entry, path } = member
    const workers = entry.kind === 'worker' ? [id] : []
    return {
      id,
      path: `${path}/${id}`,
      dependsOn: entry.dependsOn,
      ...(entry.kind === 'worker' ? { service: entry.service } : {}),
      workers: member.child instanceof Supervisor ? this.#below(entry as GroupEntry) : workers,
      start: () => this.#startChild(member),
      stop: () => this.#stopChild(member),
      restart: () => this.#restartChild(member),
    }
  }

  #below({ children }: GroupEntry): readonly string[] {
    return children.flatMap((entry) =>
      entry.kind === 'group' ? this.#below(entry) : entry.kind === 'worker' ? [entry.id] : [],
    )
  }

  async #startChild(member: Member): Promise<void> {
    const state = this.childStates().get(member.entry.id)
    if (state === 'running' || state === 'starting') return
    await this.#restartChild(member)
  }

  async #stopChild({ entry, home, schedule }: Member): Promise<Exit | void> {
    schedule?.disarm()
    const keeper = this.#keeperOf(home)
    const isKnown = keeper?.children().some(({ id }) => id === entry.id) === true
    if (keeper === undefined || !isKnown || keeper.state === 'failed' || keeper.state === 'exited') return
    return keeper.terminate(entry.id)
  }

  async #restartChild({ entry, home, schedule, child }: Member): Promise<void> {
    schedule?.arm()
    this.#around.roster.find(entry.id)?.asked()
    const keeper = this.#keeperOf(home)
    if (keeper === undefined || keeper.state !== 'running') return this.start()
    if (keeper.children().some(({ id }) => id === entry.id)) return keeper.restart(entry.id)
    await keeper.add(schedule === undefined ? child : { child, restart: 'temporary' })
  }

  /** The supervisor of a group, at the top or below. */
  #keeperOf(home: GroupEntry): Supervisor | undefined {
    if (home.id === this.#plan.id) return this.#supervisor
    const child = this.#members.get(home.id)?.child
    return child instanceof Supervisor ? child : undefined
  }
}

function idsBelow({ children }: GroupEntry): readonly string[] {
  return children.flatMap((entry) => [entry.id, ...(entry.kind === 'group' ? idsBelow(entry) : [])])
}

function whoIs({ kind, id }: EntryPlan): { readonly worker: string } | { readonly supervisor: string } {
  return kind === 'worker' ? { worker: id } : { supervisor: id }
}

/** What is not begun with the others is added when its time comes. */
function startsWith(entry: EntryPlan): boolean {
  return entry.kind !== 'worker' || (entry.autostart && entry.schedule === undefined)
}

/** The supervisor of a pool at the top makes its workers those of the master. */
function groupOf(entry: GroupEntry | PoolEntry): GroupEntry {
  if (entry.kind === 'group') return entry
  return {
    kind: 'group',
    id: entry.id,
    dependsOn: entry.dependsOn,
    strategy: 'one-for-one',
    intensity: { restarts: 3, within: 5000 },
    children: [entry],
  }
}
