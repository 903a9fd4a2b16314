import type { Clock, Timer } from '../base/clock.ts'
import { AlreadyStartedError } from '../base/errors.ts'
import type { WorkerEvent } from '../base/events.ts'
import { type Exit, NO_USAGE } from '../base/exit.ts'
import { type ResolvedCommand, checkCommand, resolveCommand } from '../process/command.ts'
import { type Shutdown, planShutdown } from '../process/ladder.ts'
import type { Launcher } from '../process/launcher.ts'
import type { StartQueue } from '../process/start-queue.ts'
import type { ChildContext } from '../supervisor/child.ts'
import type { RestartDecision } from '../supervisor/restart-policy.ts'
import type { WorkerHost } from './host.ts'
import { Incarnation, type Owner } from './incarnation.ts'
import { type WorkerPlan, type WorkerSpec, planWorker } from './spec.ts'
import { type WorkerInput, type WorkerState, nextState } from './state.ts'

/** What a worker runs. */
interface Job {
  readonly file: string
  readonly args: readonly string[]
  readonly plan: WorkerPlan
}

/** The lives of one worker, one after the other: who begins the next, and when there is none. */
export class Lifecycle implements Owner {
  readonly id: string
  /** The worker itself, for callbacks. */
  readonly self: unknown
  readonly #host: WorkerHost
  #state: WorkerState = 'idle'
  #job: Job | undefined
  #life: Incarnation | undefined
  #lives = 0
  #backoff: Timer | undefined
  #firstLife: PromiseWithResolvers<Incarnation> | undefined
  /** This life was begun by the restart policy, not by a caller. */
  #byPolicy = false
  /** The next end is wanted, or somebody else decides what comes after it: no policy applies. */
  #wanted = false

  constructor(id: string, host: WorkerHost, self: unknown) {
    this.id = id
    this.#host = host
    this.self = self
  }

  get state(): WorkerState {
    return this.#state
  }

  get file(): string {
    return this.#job?.file ?? ''
  }

  get clock(): Clock {
    return this.#host.clock
  }

  get starts(): StartQueue {
    return this.#host.starts
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

  get plan(): WorkerPlan | undefined {
    return this.#job?.plan
  }

  get exited(): Promise<Exit> {
    if (this.#life !== undefined) return this.#life.exited
    return (this.#firstLife ??= Promise.withResolvers<Incarnation>()).promise.then((life) => life.exited)
  }

  assign(file: string, args: readonly string[], spec: WorkerSpec<any, any>): void {
    checkCommand(this.id, { file, args, cwd: spec.cwd, env: spec.env })
    this.#job = { file, args: [...args], plan: planWorker(this.id, spec) }
  }

  /** `prepare` runs once it is certain that the worker is free. */
  async start(prepare: () => void): Promise<void> {
    const { state } = this
    if (state === 'starting' || state === 'running' || state === 'stopping' || state === 'backoff') {
      throw new AlreadyStartedError(this.id, state, this.#life?.pid)
    }
    prepare()
    await this.#live(false)
  }

  async restart(): Promise<void> {
    if (this.#job === undefined) throw this.#nothingToStart()
    await this.stop()
    await this.#live(false)
  }

  stop(shutdown?: Shutdown): Promise<Exit> {
    const life = this.#life
    const plan = planShutdown(shutdown, this.#job?.plan.spec.shutdown)
    this.#cancelBackoff()
    this.#wanted = true
    if (life === undefined) return Promise.resolve(this.#neverLived())
    if (life.exit !== undefined) return Promise.resolve(life.exit)
    this.#enter('stop')
    return life.stop(plan)
  }

  /** One life, whose end is the caller's to judge. */
  async run(context: ChildContext): Promise<Exit> {
    if (context.signal.aborted) return this.#life?.exit ?? this.#neverLived()
    const stop = (): void => void this.stop()
    context.signal.addEventListener('abort', stop, { once: true })
    const started = this.start(() => {})
    this.#wanted = true
    await started.then(
      () => context.ready(),
      () => {},
    )
    const exit = await this.exited
    context.signal.removeEventListener('abort', stop)
    return exit
  }

  /** Begins a life; resolves when it is ready. */
  async #live(byPolicy: boolean): Promise<void> {
    const job = this.#job
    if (job === undefined) throw this.#nothingToStart()
    this.#enter('start')
    this.#wanted = false
    this.#byPolicy = byPolicy
    const life = new Incarnation(this, job.plan, ++this.#lives)
    this.#life = life
    this.#firstLife?.resolve(life)
    await life.start(() => this.#resolve(job))
    if (this.#life === life && this.#state === 'starting') this.#enter('ready')
    if (job.plan.ready !== 'spawn') job.plan.policy.proved()
  }

  #resolve({ file, args, plan }: Job): ResolvedCommand {
    return resolveCommand(this.id, { file, args, cwd: plan.spec.cwd, env: plan.spec.env })
  }

  /** The process is gone. What comes next is decided now; it happens after `onExit`. */
  ended(exit: Exit): void {
    const failedStart = this.#state === 'starting' && !this.#byPolicy
    const life = this.#life
    this.#enter('exit')
    if (this.#wanted || failedStart || life === undefined) return
    const decision = life.plan.policy.decide(exit, this.#host.clock.now(), this.#host.dice())
    void life.settled.then(() => this.#follow(life, decision))
  }

  #follow(life: Incarnation, decision: RestartDecision): void {
    if (this.#life !== life || this.#state !== 'exited' || this.#wanted || decision.action === 'finish') return
    if (decision.action === 'give-up') {
      this.#enter('give-up')
      return this.emit({ type: 'gave-up', exits: decision.exits })
    }
    this.#enter('wait')
    this.emit({ type: 'restart-scheduled', attempt: decision.attempt, after: decision.after })
    this.#backoff = this.#host.clock.after(decision.after, () => {
      // A start that fails ends in an exit of its own, which is counted.
      this.#live(true).catch(() => {})
    })
  }

  #cancelBackoff(): void {
    this.#backoff?.cancel()
    this.#backoff = undefined
    if (this.#state === 'backoff') this.#enter('stop')
  }

  #enter(input: WorkerInput): void {
    this.#state = nextState(this.#state, input)
  }

  emit(event: WorkerEvent): void {
    this.#host.emit({ at: this.#host.clock.date(), worker: this.id, incarnation: this.#lives, ...event })
  }

  #neverLived(): Exit {
    const facts = { id: this.id, incarnation: 0, startedAt: this.#host.clock.date(), uptime: 0, usage: NO_USAGE }
    return { ...facts, stdoutTail: '', stderrTail: '', kind: 'stopped', step: 'eof' }
  }

  #nothingToStart(): TypeError {
    return new TypeError(`Cannot start worker "${this.id}": it has no command; use start(file, args, options)`)
  }
}
