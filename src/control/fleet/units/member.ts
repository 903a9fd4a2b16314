import type { Exit } from '../../../base/exit.ts'
import type { Pool } from '../../../pool/pool.ts'
import type { ChildSpec } from '../../../supervisor/child.ts'
import type { ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import type { RestartOptions } from '../../../supervisor/restart-policy.ts'
import type { Worker } from '../../../worker/worker.ts'
import type { EntryPlan } from '../../config/fleet-plan.ts'
import { canPatch, isSameEntry } from '../spec/same.ts'
import { Beginning } from './beginning.ts'
import type { Children } from './children.ts'
import type { PersistentStart } from './persist.ts'
import { Schedule } from './schedule.ts'
import type { Handle, Surroundings } from './unit.ts'

/** A group, as those in it see it. */
export interface Home {
  readonly path: string
  readonly supervisor: Supervisor
  start(this: void): Promise<void>
}

/** What its supervisor keeps. */
export type Kept = Worker<any, any> | Pool | Supervisor

/** A worker, a pool or a group below a supervisor. */
export class Member implements Handle {
  readonly child: Kept
  /** Who is in it: of a group. */
  readonly below: Children | undefined
  #entry: EntryPlan
  readonly #home: Home
  readonly #around: Surroundings
  readonly #schedule: Schedule | undefined
  /** A start that goes on by itself. */
  readonly #beginning: Beginning
  /** It was not begun yet, and its group was. */
  #isNew = true

  constructor(entry: EntryPlan, child: Kept, home: Home, around: Surroundings, below?: Children) {
    this.#entry = entry
    this.child = child
    this.below = below
    this.#home = home
    this.#around = around
    if (entry.kind === 'worker' && entry.schedule !== undefined)
      this.#schedule = new Schedule(entry, entry.schedule, around, () => this)
    this.#beginning = new Beginning(around, () => ({
      name: this.#entry.kind === 'worker' ? { worker: this.id } : { supervisor: this.path },
      workers: this.workers,
      restarts: restartsOf(this.#entry),
      attempt: () => this.#attempt(),
    }))
  }

  get id(): string {
    return this.#entry.id
  }

  get path(): string {
    return `${this.#home.path}/${this.id}`
  }

  get dependsOn(): readonly string[] {
    return this.#entry.dependsOn
  }

  get startsAfter(): readonly string[] {
    return this.#entry.startsAfter ?? []
  }

  get service(): string | undefined {
    return this.#entry.kind === 'worker' ? this.#entry.service : undefined
  }

  get workers(): readonly string[] {
    return this.below?.workers() ?? (this.#entry.kind === 'worker' ? [this.id] : [])
  }

  /** What comes back only when somebody asks for it is not for a schedule to start. */
  get hindrance(): string | undefined {
    return isUp(this.#home.supervisor) ? undefined : 'its group is down'
  }

  /** What is not begun with the others is added when its time comes. */
  get startsWithGroup(): boolean {
    const entry = this.#entry
    return entry.kind !== 'worker' || (entry.autostart && entry.schedule === undefined)
  }

  // ── with its group ──

  /** Its group begins, and what is in it. */
  arm(): void {
    this.#isNew = false
    void this.#beginning.withdraw()
    this.#schedule?.arm()
    this.below?.arm()
  }

  disarm(): void {
    void this.#beginning.withdraw()
    this.#schedule?.disarm()
    this.below?.disarm()
  }

  /** Its group runs: it follows if it is new there, or has failed. Settles when all attempts are over. */
  async begin(): Promise<void> {
    if (!this.#isNew && !this.#beginning.hasFailed) return this.below?.begin()
    this.arm()
    // Why it could not be started is told where that is found out.
    if (this.startsWithGroup) await this.#beginning.begin().last.catch(() => {})
  }

  /** Somebody starts its group, which runs. */
  async wake(): Promise<void> {
    if (this.startsWithGroup) await this.start()
    else this.#schedule?.arm()
  }

  // ── another plan ──

  /** Whether it can become that, and all but those in it go on undisturbed. */
  canBecome(entry: EntryPlan | undefined): boolean {
    if (entry === undefined) return false
    if (isSameEntry(this.#entry, entry)) return true
    if (this.#entry.kind !== 'group' || entry.kind !== 'group' || this.below === undefined) return false
    return this.below.supervisor.state === 'running' && canPatch(this.#entry, entry)
  }

  async makeWay(entry: EntryPlan): Promise<void> {
    if (entry.kind === 'group') await this.below?.makeWay(entry)
  }

  become(entry: EntryPlan): void {
    this.#entry = entry
    if (entry.kind === 'worker') this.#around.roster.of(this.id).entry = entry
    if (entry.kind === 'group') this.below?.become(entry)
  }

  /** Ends it for good, if its group runs: else it has ended with that. */
  async leave(): Promise<void> {
    await this.#end('remove')
  }

  // ── by name ──

  /** Where its group is down all of that is started. */
  async start(): Promise<void> {
    if (!isUp(this.#home.supervisor)) await this.#home.start()
    this.#schedule?.arm()
    const state = this.#state
    if (this.#beginning.isUnderWay || (state !== 'running' && state !== 'starting')) return this.#begin().first
    await this.below?.wake()
  }

  stop(): Promise<Exit | void> {
    return this.#end('terminate')
  }

  async restart(): Promise<void> {
    if (!isUp(this.#home.supervisor)) return this.start()
    if (this.#isKept) void this.#beginning.withdraw()
    else await this.#end('terminate')
    this.#schedule?.arm()
    this.#asked()
    return this.#begin().first
  }

  async #end(how: 'terminate' | 'remove'): Promise<Exit | void> {
    const over = this.#beginning.withdraw()
    this.disarm()
    const { supervisor } = this.#home
    if (!isUp(supervisor)) return
    if (this.#isKept) return void (await supervisor[how](this.id))
    // Its supervisor does not know it before it is ready.
    if (over !== undefined) await this.child.stop()
    await over
  }

  #begin(): PersistentStart {
    this.below?.arm()
    return this.#beginning.begin()
  }

  async #attempt(): Promise<void> {
    const { supervisor } = this.#home
    if (this.#isKept) return supervisor.restart(this.id)
    // What runs at its times is forgotten between them.
    const spec: ChildSpec = { child: this.child, restart: 'temporary' }
    await supervisor.add(this.#schedule === undefined ? this.child : spec)
  }

  get #state(): ChildState | undefined {
    return this.#home.supervisor.children().find(({ id }) => id === this.id)?.state
  }

  get #isKept(): boolean {
    return this.#state !== undefined
  }

  #asked(): void {
    for (const id of this.workers) this.#around.roster.of(id).asked()
  }
}

function isUp({ state }: Supervisor): boolean {
  return state === 'running' || state === 'starting'
}

/** A group is tried as often as it may restart; a pool has tried that often itself. */
function restartsOf(entry: EntryPlan): RestartOptions {
  if (entry.kind === 'worker') return entry
  return { intensity: entry.kind === 'group' ? entry.intensity : { ...entry.intensity, restarts: 0 } }
}
