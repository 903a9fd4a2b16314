import type { Exit } from '../../../base/exit.ts'
import { Pool } from '../../../pool/pool.ts'
import type { Child, ChildSpec } from '../../../supervisor/child.ts'
import { type ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import { worker } from '../../../worker/host.ts'
import type { EntryPlan, GroupEntry, WorkerEntry } from '../../config/fleet-plan.ts'
import { specOfWorker } from '../spec/program.ts'
import { specOfPool } from '../spec/pool-spec.ts'
import { isSameEntry } from '../spec/same.ts'
import { Schedule } from './schedule.ts'
import type { Handle, Surroundings } from './unit.ts'

/** A worker, a pool or a group below a supervisor. */
interface Member {
  readonly entry: EntryPlan
  readonly child: Child
  /** The group it is in, and the path of that. */
  readonly home: GroupEntry
  readonly path: string
  readonly schedule: Schedule | undefined
}

/** The group they all are in. */
export interface Top {
  readonly id: string
  readonly supervisor: Supervisor
  start(): Promise<void>
}

/** Everything below a group at the top of a fleet, through all groups in it. */
export class Children {
  readonly #top: Top
  readonly #around: Surroundings
  readonly #members = new Map<string, Member>()

  constructor(top: Top, around: Surroundings) {
    this.#top = top
    this.#around = around
  }

  /** Of all groups; those of pools come and go. */
  workers(): readonly string[] {
    return [...this.#members.values()].flatMap(({ entry }) => (entry.kind === 'worker' ? [entry.id] : []))
  }

  pools(): readonly Pool[] {
    return [...this.#members.values()].flatMap(({ child }) => (child instanceof Pool ? [child] : []))
  }

  handles(): readonly Handle[] {
    return [...this.#members.values()].map((member) => this.#handle(member))
  }

  arm(): void {
    for (const { schedule } of this.#members.values()) schedule?.arm()
  }

  disarm(): void {
    for (const { schedule } of this.#members.values()) schedule?.disarm()
  }

  /** A supervisor of what the plan says; what stays the same stays the same object, and keeps counting its lives. */
  build(plan: GroupEntry, path: string): Supervisor {
    const members = plan.children.map((entry) => this.enter(entry, plan, path))
    const { id, strategy, stop, intensity } = plan
    const children = members.filter(({ entry }) => startsWith(entry)).map(({ child }) => child)
    return new Supervisor({ id, strategy, stop, intensity, children })
  }

  /** Takes note of one that is in that group from now on. */
  enter(entry: EntryPlan, home: GroupEntry, path: string): Member {
    const known = this.#members.get(entry.id)
    const isSame = known !== undefined && known.path === path && isSameEntry(known.entry, entry)
    if (known !== undefined && !isSame) known.schedule?.disarm()
    const schedule = isSame ? known.schedule : this.#scheduleOf(entry)
    const child = isSame ? known.child : this.#child(entry, path)
    const member = { entry, home, path, child, schedule }
    this.#members.set(entry.id, member)
    return member
  }

  forget(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#members.get(id)?.schedule?.disarm()
      this.#members.delete(id)
      this.#around.roster.forget(id)
    }
  }

  /** Forgets all but these. */
  keepOnly(ids: ReadonlySet<string>): void {
    this.disarm()
    this.forget([...this.#members.keys()].filter((id) => !ids.has(id)))
  }

  #scheduleOf(entry: EntryPlan): Schedule | undefined {
    if (entry.kind !== 'worker' || entry.schedule === undefined) return undefined
    return new Schedule(entry, entry.schedule, this.#around, () => this.#handle(this.#members.get(entry.id)!))
  }

  #child(entry: EntryPlan, path: string): Child {
    if (entry.kind === 'group') return this.build(entry, `${path}/${entry.id}`)
    if (entry.kind === 'pool') return new Pool(specOfPool(entry, this.#around.ears))
    return this.#worker(entry, path)
  }

  #worker(entry: WorkerEntry, path: string): Child {
    const { roster, prober, ears } = this.#around
    const { id, service, file, args, framing } = entry
    const dossier = roster.enter({ id, service, group: path }, entry)
    const one = worker(id, file, args, specOfWorker(entry, dossier, prober, ears))
    // From its first word on: what nobody reads would stop its pipe in the end.
    if (framing === 'json-rpc') one.rpc()
    dossier.worker = one
    return one
  }

  // ── by name ──

  #handle(member: Member): Handle {
    const { entry, path } = member
    return {
      id: entry.id,
      path: `${path}/${entry.id}`,
      dependsOn: entry.dependsOn,
      ...(entry.kind === 'worker' ? { service: entry.service } : {}),
      workers: workersBelow(entry),
      start: () => this.#start(member),
      stop: () => this.#stop(member),
      restart: () => this.#restart(member),
    }
  }

  async #start(member: Member): Promise<void> {
    const { entry, home } = member
    const state = this.#keeperOf(home)
      ?.children()
      .find(({ id }) => id === entry.id)?.state
    if (state !== 'running' && state !== 'starting') await this.#restart(member)
  }

  async #stop({ entry, home, schedule }: Member): Promise<Exit | void> {
    schedule?.disarm()
    const keeper = this.#keeperOf(home)
    const isKept = keeper?.children().some(({ id }) => id === entry.id) === true
    if (keeper !== undefined && isKept && isUp(keeper)) return keeper.terminate(entry.id)
  }

  /** Where its group is down all of that is started. */
  async #restart({ entry, home, schedule, child }: Member): Promise<void> {
    schedule?.arm()
    this.#around.roster.find(entry.id)?.asked()
    const keeper = this.#keeperOf(home)
    if (keeper === undefined || !isUp(keeper)) return this.#top.start()
    if (keeper.children().some(({ id }) => id === entry.id)) return keeper.restart(entry.id)
    // What runs at its times is forgotten between them.
    const spec: ChildSpec = { child, restart: 'temporary' }
    await keeper.add(schedule === undefined ? child : spec)
  }

  /** The supervisor of a group, at the top or below. */
  #keeperOf(home: GroupEntry): Supervisor | undefined {
    if (home.id === this.#top.id) return this.#top.supervisor
    const child = this.#members.get(home.id)?.child
    return child instanceof Supervisor ? child : undefined
  }
}

/** Where everybody below a supervisor is in the eyes of his own. */
export function statesBelow(supervisor: Supervisor): ReadonlyMap<string, ChildState | 'failed'> {
  const states = new Map<string, ChildState | 'failed'>()
  const collect = (keeper: Supervisor): void => {
    const hasFailed = keeper.state === 'failed'
    for (const { id, state, child } of keeper.children()) {
      states.set(id, hasFailed ? 'failed' : state)
      if (child instanceof Supervisor) collect(child)
    }
  }
  collect(supervisor)
  return states
}

/** What is not begun with the others is added when its time comes. */
export function startsWith(entry: EntryPlan): boolean {
  return entry.kind !== 'worker' || (entry.autostart && entry.schedule === undefined)
}

/** Everything in a group, and in the groups in it. */
export function idsBelow({ children }: GroupEntry): readonly string[] {
  return children.flatMap((entry) => [entry.id, ...(entry.kind === 'group' ? idsBelow(entry) : [])])
}

function workersBelow(entry: EntryPlan): readonly string[] {
  if (entry.kind === 'group') return entry.children.flatMap(workersBelow)
  return entry.kind === 'worker' ? [entry.id] : []
}

function isUp({ state }: Supervisor): boolean {
  return state === 'running' || state === 'starting'
}
