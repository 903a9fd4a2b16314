import { Pool } from '../../../pool/pool.ts'
import { CHILDREN, type Child } from '../../../supervisor/child.ts'
import { type ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import { worker } from '../../../worker/host.ts'
import type { EntryPlan, GroupEntry, PoolEntry, WorkerEntry } from '../../config/fleet-plan.ts'
import { specOfPool } from '../spec/pool-spec.ts'
import { specOfWorker } from '../spec/program.ts'
import { type Home, type Kept, Member } from './member.ts'
import type { Handle, Surroundings } from './unit.ts'
import { walkForward } from './walk.ts'

/** Everybody in a group, through all groups in it, and the supervisor that keeps them. */
export class Children implements Home {
  readonly path: string
  readonly start: () => Promise<void>
  readonly #around: Surroundings
  /** In the order of their start. */
  readonly #members = new Map<string, Member>()
  #plan: GroupEntry
  #supervisor: Supervisor

  /** `start` starts all of them. */
  constructor(plan: GroupEntry, path: string, around: Surroundings, start: () => Promise<void>) {
    this.path = path
    this.start = start
    this.#around = around
    this.#plan = plan
    for (const entry of plan.children) this.#members.set(entry.id, this.#make(entry))
    this.#supervisor = this.#build()
  }

  get plan(): GroupEntry {
    return this.#plan
  }

  get supervisor(): Supervisor {
    return this.#supervisor
  }

  /** Those of pools come and go. */
  workers(): readonly string[] {
    return this.#all().flatMap(({ workers }) => workers)
  }

  pools(): readonly Pool[] {
    return this.#all().flatMap(({ child, below }) => (child instanceof Pool ? [child] : (below?.pools() ?? [])))
  }

  handles(): readonly Handle[] {
    return this.#all().flatMap((member) => [member as Handle].concat(member.below?.handles() ?? []))
  }

  /** Where each is in the eyes of its supervisor. */
  states(): ReadonlyMap<string, ChildState | 'failed'> {
    const states = new Map<string, ChildState | 'failed'>()
    collectStates(this.#supervisor, states)
    return states
  }

  arm(): void {
    for (const member of this.#all()) member.arm()
  }

  disarm(): void {
    for (const member of this.#all()) member.disarm()
  }

  /** The group runs: those that are new in it, or have failed. */
  async begin(): Promise<void> {
    await this.#inOrder((member) => member.begin())
  }

  /**
   * Somebody starts the group, which runs: those of it that are down.
   *
   * @throws what kept the first of them from it; the others are started all the same
   */
  async wake(): Promise<void> {
    const errors: unknown[] = []
    await this.#inOrder((member) => member.wake().catch((error: unknown) => void errors.push(error)))
    if (errors.length > 0) throw errors[0]
  }

  /** A supervisor of what the plan says: what was added or removed by hand, the one before does not know. */
  renew(): Supervisor {
    return (this.#supervisor = this.#build())
  }

  // ── another plan ──

  /** Who is not in that plan, or something else there, leaves; nobody else is touched. */
  async makeWay({ children }: GroupEntry): Promise<void> {
    const now = new Map(children.map((entry) => [entry.id, entry]))
    const { stays = [], leaves = [] } = Object.groupBy(this.#all().toReversed(), (member) =>
      member.canBecome(now.get(member.id)) ? 'stays' : 'leaves',
    )
    for (const { id } of leaves) this.#members.delete(id)
    this.#supervisor[CHILDREN](this.#beginners())
    for (const member of leaves) await member.leave()
    for (const member of stays) await member.makeWay(now.get(member.id)!)
  }

  /** Once there is way: takes in who is new; `begin` starts them. */
  become(plan: GroupEntry): void {
    this.#plan = plan
    for (const entry of plan.children) {
      const known = this.#members.get(entry.id)
      known?.become(entry)
      // In the new order.
      this.#members.delete(entry.id)
      this.#members.set(entry.id, known ?? this.#make(entry))
    }
    this.#supervisor[CHILDREN](this.#beginners())
  }

  // ── what they are made of ──

  #all(): readonly Member[] {
    return [...this.#members.values()]
  }

  /** Who depends on one that fails is tried all the same. */
  async #inOrder(visit: (member: Member) => Promise<void>): Promise<void> {
    await walkForward(this.#all(), (member) => ({ begun: Promise.resolve(), done: visit(member).then(() => true) }))
  }

  #beginners(): readonly Child[] {
    return this.#all().flatMap(({ startsWithGroup, child }) => (startsWithGroup ? [child] : []))
  }

  #build(): Supervisor {
    const { id, strategy, stop, intensity } = this.#plan
    return new Supervisor({ id, strategy, stop, intensity, children: this.#beginners() })
  }

  #make(entry: EntryPlan): Member {
    if (entry.kind !== 'group') return new Member(entry, this.#childOf(entry), this, this.#around)
    const below = new Children(entry, `${this.path}/${entry.id}`, this.#around, () => member.start())
    const member = new Member(entry, below.supervisor, this, this.#around, below)
    return member
  }

  #childOf(entry: WorkerEntry | PoolEntry): Kept {
    return entry.kind === 'pool' ? new Pool(specOfPool(entry, this.#around.ears)) : this.#worker(entry)
  }

  #worker(entry: WorkerEntry): Kept {
    const { roster, prober, ears } = this.#around
    const { id, service, file, args, framing } = entry
    const dossier = roster.enter({ id, service, group: this.path }, entry)
    const one = worker(id, file, args, specOfWorker(entry, dossier, prober, ears))
    // From its first word on: what nobody reads would stop its pipe in the end.
    if (framing === 'json-rpc') one.rpc()
    dossier.worker = one
    return one
  }
}

function collectStates(keeper: Supervisor, states: Map<string, ChildState | 'failed'>): void {
  const hasFailed = keeper.state === 'failed'
  for (const { id, state, child } of keeper.children()) {
    states.set(id, hasFailed ? 'failed' : state)
    if (child instanceof Supervisor) collectStates(child, states)
  }
}
