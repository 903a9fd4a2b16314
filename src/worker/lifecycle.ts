import type { CallHub } from '../base/call-hub.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { AlreadyStartedError, ClosedError, ExitError } from '../base/errors.ts'
import type { WorkerEvent } from '../base/events.ts'
import { type Exit, plainExit } from '../base/exit.ts'
import { Later } from '../base/later.ts'
import { checkCommand } from '../process/command.ts'
import { type Shutdown, planShutdown } from '../process/ladder.ts'
import type { Launcher } from '../process/launcher.ts'
import type { StartQueue } from '../process/start-queue.ts'
import type { ChildContext } from '../supervisor/child.ts'
import type { RestartDecision } from '../supervisor/restart-policy.ts'
import type { Job, Owner, WorkerHost } from './host.ts'
import { withTrace } from './life/carried.ts'
import { Incarnation } from './life/incarnation.ts'
import type { RpcSettings } from './life/calls.ts'
import { runOnce } from './run-once.ts'
import { type WorkerSpec, planWorker } from './spec.ts'
import { type WorkerInput, type WorkerState, nextState } from './state.ts'

/** The lives of one worker, one after the other: who begins the next, and when there is none. */
export class Lifecycle implements Owner {
  readonly id: string
  /** The worker itself, for callbacks. */
  readonly self: unknown
  /** How it is called; undefined while nobody does. */
  rpc: RpcSettings | undefined
  #host: WorkerHost
  /** The path of the supervisor that keeps it: what comes after an end is its decision. */
  #keeper: string | undefined
  #state: WorkerState = 'idle'
  #job: Job | undefined
  #life: Incarnation | undefined
  #lives = 0
  #backoff: Timer | undefined
  /** For who waits before there is a life. */
  readonly #firstExit = new Later<Exit>()
  /** This life was begun by the restart policy, not by a caller. */
  #byPolicy = false
  /** The next end is wanted, or somebody else decides what comes after it: no policy applies. */
  #wanted = false
  /** It has ended, and nobody will start it by himself. */
  #atRest = false
  /** Counts `start` and `stop`: what was asked for last is done. */
  #wishes = 0
  #restarting: { readonly wish: number; readonly done: Promise<void> } | undefined
  #retired = false
  /** Who waits for the next readiness. */
  #nextReady: PromiseWithResolvers<void> | undefined

  constructor(id: string, host: WorkerHost, self: unknown) {
    this.id = id
    this.#host = host
    this.self = self
  }

  get state(): WorkerState {
    return this.#state
  }

  get job(): Job | undefined {
    return this.#job
  }

  get clock(): Clock {
    return this.#host.clock
  }

  get starts(): StartQueue {
    return this.#host.starts
  }

  get calls(): CallHub {
    return this.#host.calls
  }

  get launcher(): Launcher {
    return this.#job?.plan.spec.launcher ?? this.#host.launcher
  }

  /** The current or last life. */
  get life(): Incarnation | undefined {
    return this.#life
  }

  get lives(): number {
    return this.#lives
  }

  get exited(): Promise<Exit> {
    return this.#life?.exited ?? this.#firstExit.promise
  }

  assign(file: string, args: readonly string[], spec: WorkerSpec<any, any>): void {
    checkCommand(this.id, { file, args, cwd: spec.cwd, env: spec.env, inheritEnv: spec.inheritEnv })
    if (this.rpc !== undefined && spec.onMessage !== undefined)
      throw new TypeError(`Cannot start worker "${this.id}" with onMessage: its messages belong to rpc()`)
    this.#job = { file, args: [...args], plan: planWorker(this.id, spec) }
  }

  get keeper(): string | undefined {
    return this.#keeper
  }

  /** Who keeps it, from now on; undefined lets it go. */
  set keeper(keeper: string | undefined) {
    this.#keeper = keeper
    if (keeper === undefined) this.rest()
  }

  /** It stays down for now: nobody needs to wait for it. */
  rest(): void {
    const { life } = this
    if (life !== undefined && life.exit === undefined) return
    const exit = life?.exit ?? this.#neverLived()
    this.#firstExit.resolve(exit)
    this.#atRest = true
    this.#nextReady?.reject(new ExitError('use', exit))
    this.#nextReady = undefined
  }

  /** It gets another host, for its next life. */
  moveTo(host: WorkerHost): void {
    this.#checkFree()
    this.#host = host
  }

  /** @throws AlreadyStartedError, TypeError when it is not free to be started. */
  checkStart(): void {
    if (this.#keeper !== undefined) throw this.#isKept('start')
    this.#checkFree()
  }

  start(): Promise<void> {
    this.#wishes++
    return this.#live(false)
  }

  ready(): Promise<void> {
    if (this.#state === 'running') return Promise.resolve()
    if (this.#restart !== undefined) return this.#restart.done
    if (this.#atRest) return Promise.reject(new ExitError('use', this.#life?.exit ?? this.#neverLived()))
    if (this.#state === 'idle' && this.#keeper === undefined) return Promise.reject(this.#neverStarted())
    return (this.#nextReady ??= Promise.withResolvers<void>()).promise
  }

  restart(): Promise<void> {
    if (this.#job === undefined) return Promise.reject(this.#nothingToStart())
    if (this.#keeper !== undefined) return Promise.reject(this.#isKept('restart'))
    if (this.#restart !== undefined) return this.#restart.done
    const stopped = this.stop()
    const wish = this.#wishes
    const done = stopped.then((exit) => {
      // Somebody has called stop() or start() since: the last wish counts.
      if (wish !== this.#wishes) throw new ExitError('restart', exit)
      this.#restarting = undefined
      return this.#live(false)
    })
    this.#restarting = { wish, done }
    return done
  }

  /** The restart that is under way, unless something else was asked for since. */
  get #restart(): { readonly done: Promise<void> } | undefined {
    return this.#restarting?.wish === this.#wishes ? this.#restarting : undefined
  }

  /** It was forgotten by its master, which could not end another life of it. */
  retire(): void {
    this.#retired = true
    if (this.#life === undefined) this.#firstExit.resolve(this.#neverLived())
  }

  stop(shutdown?: Shutdown): Promise<Exit> {
    const life = this.#life
    const plan = planShutdown(shutdown ?? this.#host.hurry, this.#job?.plan.spec.shutdown)
    this.#cancelBackoff()
    this.#wishes++
    this.#wanted = true
    if (life === undefined) return Promise.resolve(this.#neverLived())
    if (life.exit !== undefined) {
      this.#restUnlessKept()
      return Promise.resolve(life.exit)
    }
    this.#enter('stop')
    return life.stop(plan)
  }

  /** One life, whose end is the caller's to judge. */
  async run(context: ChildContext): Promise<Exit> {
    if (context.signal.aborted) return this.#life?.exit ?? this.#neverLived()
    try {
      this.#checkFree()
      this.#checkStartable()
    } catch (error) {
      return { ...this.#neverLived(), kind: 'crashed', error: error as Error, stage: 'start' }
    }
    const started = this.#live(false)
    this.#wanted = true
    const stop = (shutdown?: Shutdown): void => void this.stop(shutdown)
    return runOnce(this.#life as Incarnation, started, stop, context)
  }

  #checkFree(): void {
    const { state } = this
    if (state === 'idle' || state === 'exited' || state === 'failed') return
    throw new AlreadyStartedError(this.id, state, this.#life?.pid)
  }

  #checkStartable(): Job {
    if (this.#job === undefined) throw this.#nothingToStart()
    if (!this.#retired) return this.#job
    throw new ClosedError(`Cannot start worker "${this.id}": its master has deleted it; getWorker() another`)
  }

  /** Begins a life; resolves when it is ready. */
  #live(byPolicy: boolean): Promise<void> {
    try {
      const life = this.#begin(this.#checkStartable(), byPolicy)
      return life.start().then(() => this.#begun(life))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #begin(job: Job, byPolicy: boolean): Incarnation {
    this.#enter('start')
    const unread = this.#life?.channel?.unread ?? 0
    if (unread > 0) this.emit({ type: 'left-unread', messages: unread })
    this.#wanted = false
    this.#atRest = false
    this.#byPolicy = byPolicy
    const life = ++this.#lives
    const failed = (error: Error): void => this.emit({ type: 'callback-failed', callback: 'propagate', error })
    return (this.#life = new Incarnation(this, withTrace(job, failed), life))
  }

  #begun(life: Incarnation): void {
    if (this.#life === life && this.#state === 'starting') this.#enter('ready')
    this.#nextReady?.resolve()
    this.#nextReady = undefined
    const { ready, policy } = life.plan
    if (ready !== 'spawn') policy.proved()
  }

  /** The process is gone. What comes next is decided now; it happens after `onExit`. */
  ended(exit: Exit): void {
    this.#firstExit.resolve(exit)
    const failedStart = this.#state === 'starting' && !this.#byPolicy
    const life = this.#life
    this.#enter('exit')
    if (this.#wanted || failedStart || life === undefined) return this.#restUnlessKept()
    const decision = life.plan.policy.decide(exit, this.#host.clock.now(), this.#host.dice())
    void life.settled.then(() => this.#follow(life, decision))
  }

  #follow(life: Incarnation, decision: RestartDecision): void {
    if (this.#life !== life || this.#state !== 'exited' || this.#wanted) return
    if (decision.action === 'finish') return this.#restUnlessKept()
    if (decision.action === 'give-up') {
      this.#enter('give-up')
      this.#restUnlessKept()
      return this.emit({ type: 'gave-up', exits: decision.exits })
    }
    this.#enter('wait')
    const { attempt, after, repeated } = decision
    this.emit({ type: 'restart-scheduled', attempt, after, repeated })
    // A start that fails ends in an exit of its own, which is counted.
    const restart = (): void => void this.#live(true).catch(() => {})
    // A timer takes a millisecond at least.
    if (after === 0) restart()
    else this.#backoff = this.#host.clock.after(after, restart)
  }

  /** Whoever keeps it says so himself. */
  #restUnlessKept(): void {
    if (this.#keeper === undefined) this.rest()
  }

  #cancelBackoff(): void {
    this.#backoff?.cancel()
    this.#backoff = undefined
    if (this.#state === 'backoff') this.#enter('stop')
  }

  #enter(input: WorkerInput): void {
    this.#state = nextState(this.#state, input)
  }

  emit(event: WorkerEvent, incarnation: number = this.#lives): void {
    this.#host.emit({ at: this.#host.clock.date(), worker: this.id, incarnation, ...event })
  }

  /** Whoever has mistaken its name would wait for ever. */
  #neverStarted(): ClosedError {
    return new ClosedError(`Cannot wait for worker "${this.id}": it was not started; start() it first`)
  }

  #neverLived(): Exit {
    return plainExit(this.id, { kind: 'stopped', step: 'eof' }, this.#host.clock.date())
  }

  #isKept(action: string): TypeError {
    return new TypeError(
      `Cannot ${action} worker "${this.id}": supervisor "${this.#keeper}" keeps it; use its restart("${this.id}")`,
    )
  }

  #nothingToStart(): TypeError {
    return new TypeError(`Cannot start worker "${this.id}": it has no command; use start(file, args, options)`)
  }
}
