import { AlreadyStartedError } from '../base/errors.ts'
import { type Child, KEEPER, type SupervisorHost } from '../supervisor/child.ts'
import type { SupervisorSpec } from '../supervisor/spec.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import type { WorkerHost } from '../worker/host.ts'
import type { WorkerSpec } from '../worker/spec.ts'
import { ADOPT, Worker } from '../worker/worker.ts'

/** The supervisors of a master, and which of its workers they keep. */
export class Supervision {
  readonly #workers: Map<string, Worker<any, any>>
  readonly #workerHost: WorkerHost
  readonly #defaults: WorkerSpec<any, any>
  readonly #check: (what: 'worker' | 'supervisor', id: string) => void
  readonly #host: SupervisorHost
  /** The topmost: those that run, and those that have given up. */
  readonly #supervisors = new Map<string, Supervisor>()
  /**
   * Whose a worker is: the id of its topmost supervisor. Also while a supervisor between them is down, so that nobody else
   * takes its name, and everybody sees how it ended.
   */
  readonly #owners = new Map<Worker<any, any>, string>()

  /** `workers` are those of the master; `check` throws when there is no room for one more. */
  constructor(
    workers: Map<string, Worker<any, any>>,
    workerHost: WorkerHost,
    defaults: WorkerSpec<any, any>,
    check: (what: 'worker' | 'supervisor', id: string) => void,
  ) {
    this.#workers = workers
    this.#workerHost = workerHost
    this.#defaults = defaults
    this.#check = check
    this.#host = {
      clock: workerHost.clock,
      dice: workerHost.dice,
      emit: workerHost.emit,
      calls: workerHost.calls,
      keepsContext: defaults.propagate !== undefined,
      adopt: (child) => this.#adopt(child),
      release: (child, why) => this.#release(child, why),
      letGo: (child) => this.#forgetIfTopmost(child),
    }
  }

  async start(spec: SupervisorSpec | Supervisor): Promise<Supervisor> {
    const supervisor = spec instanceof Supervisor ? spec : new Supervisor(spec)
    const { id, state } = supervisor
    if (state === 'starting' || state === 'running' || state === 'stopping')
      throw new AlreadyStartedError(id, state, undefined, 'supervisor')
    supervisor[KEEPER]({ path: '', host: this.#host })
    return supervisor.start()
  }

  supervisors(): IterableIterator<Supervisor> {
    return this.#supervisors.values()
  }

  /** The path of the supervisor that keeps it, or the topmost above it while that one is down. */
  keeperOf(worker: Worker<any, any>): string | undefined {
    return worker.supervisor ?? this.#owners.get(worker)
  }

  /** Who keeps it, and how to get it from there. */
  describeKeeper({ id }: Worker<any, any>, keeper: string): string {
    const [topmost = '', ...below] = keeper.split('/')
    const top = this.#supervisors.get(topmost)
    if (top?.state === 'failed')
      return `supervisor "${topmost}", which has given up, keeps it; its start() revives it, its stop() lets it go`
    if (top !== undefined && !(childAt(top, below) instanceof Supervisor))
      return `pool "${keeper}" keeps it, and replaces it when it ends; stop() or kill() it`
    return `supervisor "${keeper}" keeps it; use its remove("${id}")`
  }

  /** The newest is asked first, and none waits for another. */
  async stop(): Promise<void> {
    const all = [...this.#supervisors.values()].toReversed()
    await Promise.all(all.map((supervisor) => supervisor.stop()))
    for (const { id } of all) this.#forget(id)
  }

  #adopt(child: Child): void {
    if (child instanceof Worker) this.#adoptWorker(child)
    else if (child instanceof Supervisor && child.path === child.id) this.#adoptTopmost(child)
  }

  #adoptTopmost(supervisor: Supervisor): void {
    const { id } = supervisor
    this.#check('supervisor', id)
    const known = this.#supervisors.get(id)
    if (known !== supervisor && known !== undefined) this.#replace(known)
    this.#supervisors.set(id, supervisor)
  }

  #replace({ id, state }: Supervisor): void {
    if (state !== 'failed' && state !== 'exited')
      throw new TypeError(`Cannot start supervisor "${id}": there is another of that name; stop() that one first`)
    this.#forget(id)
  }

  #adoptWorker(worker: Worker<any, any>): void {
    const { id } = worker
    const known = this.#workers.get(id)
    if (known === undefined) this.#check('worker', id)
    else if (known !== worker) throw this.#isTaken(known)
    worker[ADOPT](this.#workerHost, this.#defaults)
    this.#workers.set(id, worker)
    this.#owners.set(worker, worker.supervisor?.split('/', 1)[0] ?? '')
  }

  #isTaken(known: Worker<any, any>): TypeError {
    const { id } = known
    const keeper = this.keeperOf(known)
    const [whose, how] =
      keeper === undefined
        ? ['the master has', `delWorker("${id}") first`]
        : [`supervisor "${keeper}" has`, `its remove("${id}") or its stop() first`]
    return new TypeError(`Cannot supervise worker "${id}": ${whose} one of that name; ${how}`)
  }

  #release(child: Child, why: 'forgotten' | 'ended'): void {
    if (child instanceof Worker && why === 'forgotten') this.#forgetWorker(child)
    if (child instanceof Supervisor && why === 'forgotten') this.#forgetBelow(child)
    if (child instanceof Supervisor && child.state !== 'failed') this.#forgetIfTopmost(child)
  }

  /** Those of a supervisor that will not come again, unless somebody else keeps them by now. */
  #forgetBelow(supervisor: Supervisor): void {
    for (const { child } of supervisor.children())
      if (!(child instanceof Worker) || child.supervisor === undefined) this.#release(child, 'forgotten')
  }

  #forgetIfTopmost(child: Child): void {
    if (this.#supervisors.get(child.id) === child) this.#forget(child.id)
  }

  /** A topmost supervisor, and everything below it. */
  #forget(id: string): void {
    this.#supervisors.delete(id)
    for (const [worker, owner] of this.#owners) if (owner === id) this.#forgetWorker(worker)
  }

  #forgetWorker(worker: Worker<any, any>): void {
    this.#owners.delete(worker)
    if (this.#workers.get(worker.id) === worker) this.#workers.delete(worker.id)
  }
}

/** Who is found there, going down from the topmost. */
function childAt(top: Supervisor, path: readonly string[]): Child | undefined {
  let at: Child | undefined = top
  for (const name of path)
    at = at instanceof Supervisor ? at.children().find(({ id }) => id === name)?.child : undefined
  return at
}
