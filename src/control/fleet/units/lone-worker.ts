import type { Exit } from '../../../base/exit.ts'
import type { Worker } from '../../../worker/worker.ts'
import type { WorkerEntry } from '../../config/fleet-plan.ts'
import { specOfWorker } from '../spec/program.ts'
import { Beginning } from './beginning.ts'
import type { PersistentStart } from './persist.ts'
import { isSameEntry } from '../spec/same.ts'
import { Schedule } from './schedule.ts'
import type { Surroundings, Unit } from './unit.ts'

/** A worker that no group keeps: its master does, with a budget of its own. */
export class LoneWorker implements Unit {
  #entry: WorkerEntry
  readonly #around: Surroundings
  #schedule: Schedule | undefined
  /** It was not begun yet, as what it is now. */
  #isNew = true
  /** A start that goes on by itself. */
  readonly #beginning: Beginning

  constructor(entry: WorkerEntry, around: Surroundings) {
    this.#entry = entry
    this.#around = around
    this.#beginning = new Beginning(around, () => ({
      name: { worker: this.id },
      workers: this.workers,
      restarts: this.#entry,
      attempt: () => this.#attempt(),
    }))
    this.#enter()
  }

  get entry(): WorkerEntry {
    return this.#entry
  }

  get id(): string {
    return this.entry.id
  }

  get workers(): readonly string[] {
    return [this.id]
  }

  get isUp(): boolean {
    const { state } = this.#worker
    return state === 'running' || (state === 'exited' && this.#around.roster.of(this.id).exits[0]?.kind === 'normal')
  }

  get path(): string {
    return this.entry.id
  }

  get service(): string {
    return this.entry.service
  }

  get dependsOn(): readonly string[] {
    return this.entry.dependsOn
  }

  get startsAfter(): readonly string[] {
    return this.entry.startsAfter ?? []
  }

  whenBegun(): Promise<void> {
    return this.#schedule === undefined ? this.#around.roster.of(this.id).whenAlive() : Promise.resolve()
  }

  handles(): readonly Unit[] {
    return [this]
  }

  async begin(): Promise<void> {
    if (this.#schedule !== undefined) return this.#beginSchedule(this.#schedule)
    if (!this.#beginning.isUnderWay && !this.#isNew) return this.#whenReady()
    return this.#begin().last
  }

  /** Once: it goes on by itself then, unless somebody has stopped it. */
  #beginSchedule(schedule: Schedule): void {
    if (this.#isNew) schedule.arm()
    this.#isNew = false
  }

  /** Whatever it has done, or somebody has done with it, since it was begun first. */
  #whenReady(): Promise<void> {
    const { state } = this.#worker
    if (state === 'exited') return Promise.resolve()
    return state === 'idle' || state === 'failed' ? this.#begin().last : this.#worker.ready()
  }

  start(): Promise<void> {
    this.#schedule?.arm()
    const { state } = this.#worker
    if (!this.#beginning.isUnderWay && (state === 'running' || state === 'starting')) return this.#worker.ready()
    return this.#begin().first
  }

  async stop(): Promise<Exit | void> {
    this.#schedule?.disarm()
    return this.halt()
  }

  /** Its schedule goes on. */
  async halt(): Promise<Exit | void> {
    void this.#beginning.withdraw()
    const worker = this.#worker
    if (worker.state !== 'idle') return worker.stop()
  }

  async restart(): Promise<void> {
    await this.halt()
    return this.start()
  }

  /** It is stopped when it becomes something else. */
  async makeWay(entry: WorkerEntry): Promise<void> {
    if (!isSameEntry(this.#entry, entry)) await this.stop()
    // Its messages belong to calls, once and for all.
    if (this.#entry.framing !== entry.framing && this.#entry.framing === 'json-rpc') await this.leave()
  }

  become(entry: WorkerEntry): void {
    const isSame = isSameEntry(this.#entry, entry)
    this.#entry = entry
    if (isSame) this.#around.roster.of(this.id).entry = entry
    else this.#enter()
  }

  async leave(): Promise<void> {
    this.#schedule?.disarm()
    void this.#beginning.withdraw()
    if (this.#around.master.hasWorker(this.id)) await this.#around.master.delWorker(this.id)
    this.#around.roster.of(this.id).worker = undefined
  }

  #enter(): void {
    this.#isNew = true
    const { roster, master } = this.#around
    const { id, service, schedule } = this.#entry
    roster.enter({ id, service }, this.#entry).worker = master.getWorker(id)
    this.#schedule = schedule === undefined ? undefined : new Schedule(this.#entry, schedule, this.#around, () => this)
  }

  get #worker(): Worker<any, any> {
    const { master, roster } = this.#around
    return roster.of(this.id).worker ?? master.getWorker(this.id)
  }

  #begin(): PersistentStart {
    this.#isNew = false
    return this.#beginning.begin()
  }

  async #attempt(): Promise<void> {
    const { master, roster, prober, ears } = this.#around
    const { file, args, framing } = this.entry
    const dossier = roster.of(this.id)
    const worker = (dossier.worker ??= master.getWorker(this.id))
    if (worker.state === 'running') return
    // It waits to be started by its policy, or is on its way out.
    if (worker.state === 'backoff' || worker.state === 'stopping') await worker.stop()
    worker.assign(file, args, specOfWorker(this.entry, dossier, prober, ears))
    // From its first word on: what nobody reads would stop its pipe in the end.
    if (framing === 'json-rpc') worker.rpc()
    await worker.start()
  }
}
