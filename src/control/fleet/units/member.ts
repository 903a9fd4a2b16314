import { toError } from '../../../base/errors.ts'
import type { Exit } from '../../../base/exit.ts'
import type { Child, ChildSpec } from '../../../supervisor/child.ts'
import type { ChildState, Supervisor } from '../../../supervisor/supervisor.ts'
import type { EntryPlan } from '../../config/fleet-plan.ts'
import { canPatch, isSameEntry } from '../spec/same.ts'
import type { Children } from './children.ts'
import { Schedule } from './schedule.ts'
import type { Handle, Surroundings } from './unit.ts'

/** A group, as those in it see it. */
export interface Home {
  readonly path: string
  readonly supervisor: Supervisor
  start(this: void): Promise<void>
}

/** A worker, a pool or a group below a supervisor. */
export class Member implements Handle {
  readonly child: Child
  /** Who is in it: of a group. */
  readonly below: Children | undefined
  #entry: EntryPlan
  readonly #home: Home
  readonly #around: Surroundings
  readonly #schedule: Schedule | undefined
  /** It was not begun yet, and its group was. */
  #isNew = true

  constructor(entry: EntryPlan, child: Child, home: Home, around: Surroundings, below?: Children) {
    this.#entry = entry
    this.child = child
    this.below = below
    this.#home = home
    this.#around = around
    if (entry.kind === 'worker' && entry.schedule !== undefined)
      this.#schedule = new Schedule(entry, entry.schedule, around, () => this)
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

  get service(): string | undefined {
    return this.#entry.kind === 'worker' ? this.#entry.service : undefined
  }

  get workers(): readonly string[] {
    return this.below?.workers() ?? (this.#entry.kind === 'worker' ? [this.id] : [])
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
    this.#schedule?.arm()
    this.below?.arm()
  }

  disarm(): void {
    this.#schedule?.disarm()
    this.below?.disarm()
  }

  /** Its group runs. Not being ready yet, or at all, is told by itself. */
  begin(): void {
    if (!this.#isNew) return this.below?.begin()
    this.arm()
    if (!this.startsWithGroup) return
    this.#asked()
    void this.#home.supervisor.add(this.child).catch((error: unknown) => {
      const who = this.#entry.kind === 'worker' ? { worker: this.id } : { supervisor: this.path }
      this.#around.tell({ type: 'start-failed', ...who, error: toError(error) })
    })
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
    this.disarm()
    const { supervisor } = this.#home
    if (isUp(supervisor) && this.#isKept(supervisor)) await supervisor.remove(this.id)
  }

  // ── by name ──

  async start(): Promise<void> {
    const state = this.#state
    if (state !== 'running' && state !== 'starting') await this.restart()
  }

  async stop(): Promise<Exit | void> {
    this.disarm()
    const { supervisor } = this.#home
    if (isUp(supervisor) && this.#isKept(supervisor)) return supervisor.terminate(this.id)
  }

  /** Where its group is down all of that is started. */
  async restart(): Promise<void> {
    this.arm()
    this.#asked()
    const { supervisor, start } = this.#home
    if (!isUp(supervisor)) return start()
    if (this.#isKept(supervisor)) return supervisor.restart(this.id)
    // What runs at its times is forgotten between them.
    const spec: ChildSpec = { child: this.child, restart: 'temporary' }
    await supervisor.add(this.#schedule === undefined ? this.child : spec)
  }

  get #state(): ChildState | undefined {
    return this.#home.supervisor.children().find(({ id }) => id === this.id)?.state
  }

  #isKept(supervisor: Supervisor): boolean {
    return supervisor.children().some(({ id }) => id === this.id)
  }

  #asked(): void {
    for (const id of this.workers) this.#around.roster.of(id).asked()
  }
}

function isUp({ state }: Supervisor): boolean {
  return state === 'running' || state === 'starting'
}
