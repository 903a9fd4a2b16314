import { systemClock } from '../base/clock.ts'
import { AlreadyStartedError, ClosedError } from '../base/errors.ts'
import { EventHub } from '../base/event-hub.ts'
import { type Exit, plainExit } from '../base/exit.ts'
import { Later } from '../base/later.ts'
import {
  CHILDREN,
  type Child,
  type ChildContext,
  type ChildOptions,
  type ChildSpec,
  KEEPER,
  type Keeper,
  type Restart,
  type SupervisorHost,
} from './child.ts'
import type { Kept } from './engine/kept.ts'
import { Tenure } from './engine/tenure.ts'
import { type SupervisorPlan, type SupervisorSpec, planChild, planSupervisor, withChildren } from './spec.ts'

/** Where a child is: `restarting` while it waits for its turn or its backoff, `exited` when it stays down. */
export type ChildState = 'idle' | 'starting' | 'running' | 'stopping' | 'restarting' | 'exited'

const NOTHING = (): void => {}

/** One child, as its supervisor sees it. */
export interface ChildStatus {
  readonly id: string
  readonly child: Child
  readonly kind: 'supervisor' | 'worker'
  readonly state: ChildState
  readonly restart: Restart
  readonly significant: boolean
  /** Which life this is, or was, in this life of the supervisor: from 1; 0 before the first. */
  readonly incarnation: number
  /** How often it was restarted because of its own end. */
  readonly restarts: number
  /** How it ended last. */
  readonly exit: Exit | undefined
}

/** How many there are: OTP's `count_children`. */
export interface ChildCounts {
  /** Known, up or down. */
  readonly specs: number
  /** Alive. */
  readonly active: number
  readonly supervisors: number
  /** All others. */
  readonly workers: number
}

/**
 * Keeps children alive, as Erlang/OTP's `supervisor` does: starts them in order, each once the one before is ready;
 * restarts them by its strategy; gives up when they end too often; stops them in reverse order.
 *
 * It is itself a child, so that supervisors form a tree. After it has ended it can be started again, with the children of
 * its spec.
 *
 * ```ts
 * import { supervisor, worker } from 'pagent'
 * const app = supervisor({
 *   id: 'app',
 *   strategy: 'rest-for-one',
 *   children: [worker('db', 'cat'), worker('web', 'cat')],
 * })
 * await app.start()
 * console.log(app.children().map(({ id, state }) => `${id} ${state}`)) // → [ 'db running', 'web running' ]
 * await app.stop()
 * ```
 */
export class Supervisor implements Child, AsyncDisposable {
  readonly id: string
  /** A supervisor has as much time as its children need: OTP's `infinity`. */
  readonly childOptions: ChildOptions = { shutdown: 'infinity' }
  #plan: SupervisorPlan
  readonly #firstExit = new Later<Exit>()
  #keeper: Keeper
  #tenure: Tenure | undefined
  #lives = 0
  /** It has given up, and somebody has taken note of that. */
  #isLetGo = false

  /** Supervisors come from `supervisor(spec)`. */
  constructor(spec: SupervisorSpec, host: SupervisorHost = defaultHost()) {
    this.#plan = planSupervisor(spec)
    this.id = this.#plan.id
    this.#keeper = { path: '', host }
  }

  /** Its id below those of the supervisors above it, as in `'app/db'`. */
  get path(): string {
    return this.#keeper.path === '' ? this.id : `${this.#keeper.path}/${this.id}`
  }

  /** `failed` when it has given up: `start()` revives it, `stop()` lets it go. */
  get state(): 'idle' | 'starting' | 'running' | 'stopping' | 'exited' | 'failed' {
    const tenure = this.#tenure
    if (tenure === undefined) return 'idle'
    return tenure.exit?.kind === 'gave-up' && !this.#isLetGo ? 'failed' : tenure.state
  }

  /** Which life this is, from 1; 0 before the first. */
  get incarnation(): number {
    return this.#lives
  }

  /** The exit of the current life; never rejects. */
  get exited(): Promise<Exit> {
    return this.#tenure?.exited ?? this.#firstExit.promise
  }

  /**
   * Starts all children. Resolves when all are ready.
   *
   * @throws GaveUpError when one cannot be started; those started before were stopped again.
   * @throws ExitError when it is stopped meanwhile.
   * @throws AlreadyStartedError
   * @throws TypeError when another supervisor keeps it.
   */
  async start(): Promise<this> {
    const { path } = this.#keeper
    if (path !== '')
      throw new TypeError(
        `Cannot start supervisor "${this.id}": it is kept by supervisor "${path}"; use its restart("${this.id}")`,
      )
    await this.#begin().start()
    return this
  }

  /**
   * Stops all children in reverse order, each by its own ladder. Resolves with its exit; at once when it does not run. One that
   * has given up is let go: its master forgets it, and its workers.
   */
  async stop(): Promise<Exit> {
    const exit = (await this.#tenure?.stop()) ?? this.#neverLived()
    if (this.state === 'failed' && this.#keeper.path === '') {
      this.#isLetGo = true
      this.#keeper.host.letGo?.(this)
    }
    return exit
  }

  /** One life below another supervisor. */
  async run({ signal, kill, ready }: ChildContext): Promise<Exit> {
    const tenure = this.#begin()
    const stop = (): void => void tenure.stop()
    const destroy = (): void => tenure.destroy()
    signal.addEventListener('abort', stop, { once: true })
    kill.addEventListener('abort', destroy, { once: true })
    void tenure.start().then(() => ready(), NOTHING)
    if (signal.aborted) stop()
    const exit = await tenure.exited
    signal.removeEventListener('abort', stop)
    kill.removeEventListener('abort', destroy)
    return exit
  }

  /** Its children in the order of their start; after its end, as it left them. */
  children(): readonly ChildStatus[] {
    return [...(this.#tenure?.children.values() ?? [])].map(statusOf)
  }

  /** How many children there are, of which kind. */
  count(): ChildCounts {
    const all = [...(this.#tenure?.children.values() ?? [])]
    const supervisors = all.filter(({ child }) => child instanceof Supervisor).length
    const active = all.filter(({ life }) => life !== undefined).length
    return { specs: all.length, active, supervisors, workers: all.length - supervisors }
  }

  /**
   * Adds a child and starts it, as the last in order. Resolves when it is ready. It is forgotten when the supervisor ends.
   *
   * @throws ExitError when it could not be started; it is not added then.
   * @throws TypeError for a name that is taken, or options that cannot be.
   * @throws ClosedError when the supervisor does not run.
   */
  async add(child: Child | ChildSpec): Promise<void> {
    const plan = planChild(this.id, this.#plan.rules, child)
    await this.#running('add', plan.child.id).byHand.add(plan)
  }

  /**
   * Stops a child. It stays known, and down until `restart`, or until it is restarted together with its siblings. A
   * temporary child is forgotten. No budget is charged.
   *
   * @throws RangeError for a child there is not.
   */
  async terminate(id: string): Promise<Exit> {
    const tenure = this.#running('terminate', id)
    return tenure.byHand.terminate(this.#find(tenure, 'terminate', id))
  }

  /**
   * Starts a child that is down, at once if it waits for its restart; stops it first when it runs. Resolves when it is
   * ready. No budget is charged. When it fails it stays down.
   *
   * @throws ExitError when it could not be started.
   * @throws RangeError for a child there is not.
   */
  async restart(id: string): Promise<void> {
    const tenure = this.#running('restart', id)
    await tenure.byHand.restart(this.#find(tenure, 'restart', id))
  }

  /**
   * Stops a child and forgets it.
   *
   * @throws RangeError for a child there is not.
   */
  async remove(id: string): Promise<void> {
    const tenure = this.#running('remove', id)
    await tenure.byHand.remove(this.#find(tenure, 'remove', id))
  }

  /** For who keeps it: a supervisor, or a master, which has no path. */
  [KEEPER](keeper: Keeper | undefined): void {
    if (keeper !== undefined && this.#keeper.path !== '')
      throw new TypeError(
        `Cannot keep supervisor "${this.id}" twice: supervisor "${this.#keeper.path}" keeps it already`,
      )
    this.#keeper = keeper ?? { path: '', host: this.#keeper.host }
  }

  /** For who keeps it by a plan that changes: whom it begins its next life with. */
  [CHILDREN](children: SupervisorSpec['children']): void {
    this.#plan = withChildren(this.#plan, children)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #begin(): Tenure {
    const { state } = this
    if (state !== 'idle' && state !== 'exited' && state !== 'failed')
      throw new AlreadyStartedError(this.id, state, undefined, 'supervisor')
    const tenure = this.#admitted(() => new Tenure(this.#plan, this.#lives + 1, this.path, this.#keeper.host))
    this.#lives++
    this.#isLetGo = false
    this.#tenure = tenure
    const { path, host } = this.#keeper
    void tenure.exited.then((exit) => {
      this.#firstExit.resolve(exit)
      if (path === '') host.release?.(this, 'ended')
    })
    return tenure
  }

  /** The topmost is taken in by the host itself, and let go when its children are refused. */
  #admitted(begin: () => Tenure): Tenure {
    const { path, host } = this.#keeper
    if (path !== '') return begin()
    host.adopt?.(this)
    try {
      return begin()
    } catch (error) {
      host.release?.(this, 'ended')
      throw error
    }
  }

  #running(action: string, child: string): Tenure {
    const tenure = this.#tenure
    if (tenure !== undefined && tenure.exit === undefined) return tenure
    throw new ClosedError(`Cannot ${action} child "${child}": supervisor "${this.id}" does not run; start() it first`)
  }

  #find(tenure: Tenure, action: string, id: string): Kept {
    const kept = tenure.children.get(id)
    if (kept !== undefined) return kept
    const known = [...tenure.children.keys()].slice(0, 10).join(', ')
    throw new RangeError(
      `Cannot ${action} child "${id}": supervisor "${this.id}" has none of that name (it has ${known === '' ? 'none' : known})`,
    )
  }

  #neverLived(): Exit {
    return plainExit(this.id, { kind: 'stopped', step: 'abort' }, this.#keeper.host.clock.date())
  }
}

/**
 * Describes a supervisor; nothing is started yet. See `Supervisor`.
 *
 * @throws TypeError, RangeError for a spec that cannot be.
 */
export function supervisor(spec: SupervisorSpec): Supervisor {
  return new Supervisor(spec)
}

function defaultHost(): SupervisorHost {
  return { clock: systemClock, dice: Math.random, emit: new EventHub().emit }
}

function statusOf(kept: Kept): ChildStatus {
  const { id, child, restart, significant, lives, restarts, exit } = kept
  const kind = child instanceof Supervisor ? 'supervisor' : 'worker'
  return { id, child, kind, state: stateOf(kept), restart, significant, incarnation: lives, restarts, exit }
}

function stateOf({ life, coming, lives }: Kept): ChildState {
  if (life !== undefined) return life.asked ? 'stopping' : life.isReady ? 'running' : 'starting'
  return coming ? 'restarting' : lives === 0 ? 'idle' : 'exited'
}
