import type { Timer } from '../base/clock.ts'
import { AlreadyStartedError, ClosedError, type SpawnError } from '../base/errors.ts'
import type { WorkerEvent } from '../base/events.ts'
import { type Exit, NO_USAGE } from '../base/exit.ts'
import {
  type Channel,
  type ReceiveOptions,
  type Selectable,
  TAKE,
  type Taken,
  WAIT,
  messages,
} from '../channel/channel.ts'
import { handled } from '../channel/outbox.ts'
import type { StreamChannel } from '../channel/stream-channel.ts'
import type { Waiter } from '../channel/waiters.ts'
import type { Framing } from '../framing/framing.ts'
import { checkCommand, resolveCommand } from '../process/command.ts'
import { type Shutdown, planShutdown } from '../process/ladder.ts'
import type { Child, ChildContext } from '../supervisor/child.ts'
import type { RestartDecision } from '../supervisor/restart-policy.ts'
import type { WorkerHost } from './host.ts'
import { Incarnation, type Owner } from './incarnation.ts'
import type { AppliedLimits } from './limits.ts'
import { type WorkerPlan, type WorkerSpec, planWorker } from './spec.ts'
import { type WorkerInput, type WorkerState, nextState } from './state.ts'

/** What a worker runs. */
interface Job {
  readonly file: string
  readonly args: readonly string[]
  readonly plan: WorkerPlan
}

/**
 * A program under supervision, as an object: it is started, talked to, and it ends with an explanation.
 *
 * Its channel is that of the current incarnation: iteration ends when the program does, and what is sent between two
 * lives is refused.
 *
 * ```ts
 * import { Master } from 'pagent'
 * const master = new Master()
 * const cat = await master.getWorker('cat').start('cat')
 * await cat.send('hello')
 * console.log(await cat.receive()) // → hello
 * console.log((await cat.stop()).kind) // → stopped
 * await master.stop()
 * ```
 */
export class Worker<In = string, Out = In> implements Channel<In, Out>, Selectable<In>, Child, AsyncDisposable {
  readonly id: string
  readonly #host: WorkerHost
  readonly #defaults: WorkerSpec<any, any>
  #state: WorkerState = 'idle'
  #job: Job | undefined
  #life: Incarnation | undefined
  #lives = 0
  #backoff: Timer | undefined
  #firstLife: PromiseWithResolvers<Incarnation> | undefined
  /** This life was begun by the restart policy, not by a caller. */
  #byPolicy = false
  /** Set by `stop` and `restart`: this end is wanted, and no policy applies. */
  #wanted = false

  /** Workers come from `master.getWorker(id)` or `worker(id, …)`. */
  constructor(id: string, host: WorkerHost, defaults: WorkerSpec<any, any> = {}) {
    this.id = checkId(id)
    this.#host = host
    this.#defaults = defaults
  }

  get state(): WorkerState {
    return this.#state
  }

  /** The process id while there is a process. */
  get pid(): number | undefined {
    return this.#life?.pid
  }

  /** Which life this is, from 1; 0 before the first. */
  get incarnation(): number {
    return this.#lives
  }

  /** The limits in force, and who enforces them. */
  get limits(): AppliedLimits {
    return this.#job?.plan.limits ?? {}
  }

  /** The last output of the current or last life: 4 KiB of each at most. */
  get tail(): { readonly stdout: string; readonly stderr: string } {
    return this.#life?.tail ?? { stdout: '', stderr: '' }
  }

  /** True once stdout has ended in the middle of a message; that message was delivered all the same, where it could be. */
  get unterminated(): boolean {
    return this.#life?.unterminated ?? false
  }

  /** How its messages are written. */
  get framing(): Framing<In, Out> {
    return (this.#job?.plan ?? planWorker(this.id, {})).framing
  }

  /** The exit of the current incarnation; never rejects. */
  get exited(): Promise<Exit> {
    if (this.#life !== undefined) return this.#life.exited
    return (this.#firstLife ??= Promise.withResolvers<Incarnation>()).promise.then((life) => life.exited)
  }

  /** Resolves when both directions of the current incarnation have ended. */
  get closed(): Promise<void> {
    return this.exited.then(() => {})
  }

  /**
   * Starts a program, or the last one again when none is named. Resolves when it is ready.
   *
   * A start that fails is not tried again by itself; what ends after it was ready follows its restart policy.
   *
   * @throws AlreadyStartedError when it is started already; that one is left alone.
   * @throws SpawnError when the program, or its directory, cannot be used.
   * @throws ExitError when it ended before it was ready; carries the exit.
   * @throws TypeError, RangeError, LimitUnsupportedError for options that cannot be.
   */
  async start<I = In, O = Out>(
    file?: string,
    args: readonly string[] = [],
    spec: WorkerSpec<I, O> = {},
  ): Promise<Worker<I, O>> {
    if (
      this.#state === 'starting' ||
      this.#state === 'running' ||
      this.#state === 'stopping' ||
      this.#state === 'backoff'
    ) {
      throw new AlreadyStartedError(this.id, this.#state, this.pid)
    }
    if (file !== undefined) this.assign(file, args, spec)
    await this.#live()
    return this as unknown as Worker<I, O>
  }

  /** Takes a command without starting it. */
  assign(file: string, args: readonly string[], spec: WorkerSpec<any, any>): void {
    const whole = { ...this.#defaults, ...spec }
    checkCommand(this.id, { file, args, cwd: whole.cwd, env: whole.env })
    this.#job = { file, args: [...args], plan: planWorker(this.id, whole) }
  }

  /** The name this has in the original; the same as `send`. */
  input(message: Out): Promise<void> {
    return this.send(message)
  }

  /**
   * Sends one message. Resolves when it has left the master's queue.
   *
   * @throws ClosedError when the worker is not running, or ends first.
   * @throws FramingError when the framing cannot carry the message.
   * @throws OverloadError when 16 MiB already wait for the worker to read.
   */
  send(message: Out): Promise<void> {
    const channel = this.#channel
    return channel === undefined ? this.#whenOpen((opened) => opened.send(message)) : channel.send(message)
  }

  /** Sends what `framing.encode` returned, for a message that goes to many. */
  sendEncoded(frame: string | Uint8Array): Promise<void> {
    const channel = this.#channel
    return channel === undefined ? this.#whenOpen((opened) => opened.sendEncoded(frame)) : channel.sendEncoded(frame)
  }

  /**
   * The next message of the current incarnation; undefined when there will be no more.
   *
   * @throws FramingError when its output was not of its framing.
   * @throws TypeError when the worker has an `onMessage`, which gets them all.
   */
  receive(options?: ReceiveOptions): Promise<In | undefined> {
    const { id } = this
    if (this.#job?.plan.spec.onMessage !== undefined) {
      return Promise.reject(
        new TypeError(`Cannot receive from worker "${id}": its onMessage gets every message; use one or the other`),
      )
    }
    if (this.#life?.exit !== undefined && this.#channel === undefined) return Promise.resolve(undefined)
    return this.#channel?.receive(options) ?? this.#whenOpen((opened) => opened.receive(options))
  }

  /** Ends the worker's stdin behind what was sent. Many programs finish then. */
  end(): Promise<void> {
    return this.#channel?.end() ?? this.#whenOpen((opened) => opened.end())
  }

  /**
   * Ends this life, if there is one, and begins another with the same command. No restart budget is charged.
   *
   * @throws what `start` throws.
   */
  async restart(): Promise<void> {
    if (this.#job === undefined) throw this.#nothingToStart()
    await this.stop()
    await this.#live()
  }

  /**
   * Asks it to end, then makes it: farewell, end of stdin, SIGTERM, SIGKILL to its whole tree. Always settles within the
   * times of its ladder. Its restart policy does not apply. Calling it again with a shorter ladder ends it sooner.
   */
  stop(shutdown?: Shutdown): Promise<Exit> {
    const life = this.#life
    const plan = planShutdown(shutdown, this.#job?.plan.spec.shutdown)
    this.#cancelBackoff()
    if (life === undefined) return Promise.resolve(this.#neverLived())
    if (life.exit !== undefined) return this.#rest(life.exit)
    this.#wanted = true
    this.#enter('stop')
    return life.stop(plan)
  }

  /**
   * Sends an OS signal to the worker's whole tree. An end by it is `signaled`, not `stopped`: the restart policy applies.
   *
   * @throws TypeError for a signal this system does not know.
   */
  kill(killSignal: NodeJS.Signals = 'SIGKILL'): void {
    this.#life?.kill(killSignal)
  }

  /** One life under a supervisor: from the start to the exit. */
  async run(context: ChildContext): Promise<Exit> {
    const stop = (): void => void this.stop()
    context.signal.addEventListener('abort', stop, { once: true })
    try {
      if (context.signal.aborted) return this.#life?.exit ?? this.#neverLived()
      const started = this.start()
      // Whoever runs it decides what comes after this life.
      this.#wanted = true
      await started.then(
        () => context.ready(),
        () => {},
      )
      return await this.exited
    } finally {
      context.signal.removeEventListener('abort', stop)
    }
  }

  [TAKE](): Taken<In> {
    return this.#channel?.[TAKE]() ?? { state: this.#state === 'starting' ? 'empty' : 'ended' }
  }

  [WAIT](waiter: Waiter<In>): () => void {
    if (this.#channel !== undefined) return this.#channel[WAIT](waiter)
    let forget: (() => void) | undefined
    let wanted = true
    void this.#life?.opened().then((channel) => {
      if (wanted && channel === undefined) waiter.give(undefined)
      else if (wanted) forget = watchAgain(channel as Selectable<In>, waiter)
    })
    return () => {
      wanted = false
      forget?.()
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<In> {
    return messages(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Begins a life; resolves when it is ready. */
  async #live(byPolicy = false): Promise<void> {
    const job = this.#job
    if (job === undefined) throw this.#nothingToStart()
    this.#enter('start')
    this.#wanted = false
    this.#byPolicy = byPolicy
    const life = new Incarnation(this.#owner(job), job.plan, ++this.#lives)
    this.#life = life
    this.#firstLife?.resolve(life)
    await this.#begin(life, job)
  }

  async #begin(life: Incarnation, { file, args, plan }: Job): Promise<void> {
    let command
    try {
      command = resolveCommand(this.id, { file, args, cwd: plan.spec.cwd, env: plan.spec.env })
    } catch (error) {
      life.failed(error as SpawnError)
      throw error
    }
    await life.start(command)
    if (this.#life === life && this.#state === 'starting') this.#enter('ready')
    if (plan.ready !== 'spawn') plan.policy.proved()
  }

  /** The process is gone. What comes next is decided now; it happens after `onExit`. */
  #onExit(plan: WorkerPlan, exit: Exit): void {
    const failedStart = this.#state === 'starting' && !this.#byPolicy
    const life = this.#life
    this.#enter('exit')
    if (this.#wanted || failedStart || life === undefined) return
    const decision = plan.policy.decide(exit, this.#host.clock.now(), this.#host.dice())
    void life.settled.then(() => this.#follow(life, decision))
  }

  #follow(life: Incarnation, decision: RestartDecision): void {
    if (this.#life !== life || this.#state !== 'exited' || this.#wanted || decision.action === 'finish') return
    if (decision.action === 'give-up') {
      this.#enter('give-up')
      return this.#emit({ type: 'gave-up', exits: decision.exits })
    }
    this.#enter('wait')
    this.#emit({ type: 'restart-scheduled', attempt: decision.attempt, after: decision.after })
    this.#backoff = this.#host.clock.after(decision.after, () => {
      // A failed start ends in an exit of its own, which is counted.
      this.#live(true).catch(() => {})
    })
  }

  #cancelBackoff(): void {
    this.#backoff?.cancel()
    this.#backoff = undefined
    if (this.#state === 'backoff') this.#enter('stop')
  }

  /** Nothing runs; nothing shall be started again either. */
  #rest(exit: Exit): Promise<Exit> {
    this.#wanted = true
    return Promise.resolve(exit)
  }

  #enter(input: WorkerInput): void {
    this.#state = nextState(this.#state, input)
  }

  #emit(event: WorkerEvent): void {
    this.#host.emit({ at: this.#host.clock.date(), worker: this.id, incarnation: this.#lives, ...event })
  }

  #owner(job: Job): Owner {
    const { clock, launcher, starts } = this.#host
    return {
      id: this.id,
      clock,
      launcher: job.plan.spec.launcher ?? launcher,
      starts,
      self: this,
      emit: (event) => this.#emit(event),
      ended: (exit) => this.#onExit(job.plan, exit),
    }
  }

  /** The channel of the current or last life. */
  get #channel(): StreamChannel<In, Out> | undefined {
    return this.#life?.channel
  }

  /** Does it as soon as the process that is being started exists, in the order of the calls. */
  #whenOpen<T>(action: (channel: StreamChannel<In, Out>) => Promise<T>): Promise<T> {
    const life = this.#state === 'starting' ? this.#life : undefined
    if (life === undefined) return this.#refused()
    return handled(life.opened().then((channel) => (channel === undefined ? this.#refused() : action(channel))))
  }

  #refused(): Promise<never> {
    const hint = this.#state === 'idle' ? 'start() it first' : `it is ${this.#state}`
    return handled(Promise.reject(new ClosedError(`Cannot talk to worker "${this.id}": ${hint}`)))
  }

  #neverLived(): Exit {
    const facts = { id: this.id, incarnation: 0, startedAt: this.#host.clock.date(), uptime: 0, usage: NO_USAGE }
    return { ...facts, stdoutTail: '', stderrTail: '', kind: 'stopped', step: 'eof' }
  }

  #nothingToStart(): TypeError {
    return new TypeError(`Cannot start worker "${this.id}": it has no command; use start(file, args, options)`)
  }
}

function checkId(id: unknown): string {
  if (typeof id === 'string' && id !== '' && id.length <= 200 && !/[\0-\x1f\x7f]/.test(id)) return id
  throw new TypeError(
    `Cannot name a worker ${JSON.stringify(id)}: expected 1 to 200 characters without control characters`,
  )
}

/** The channel came to be after the waiter: what it has by now goes to the waiter. */
function watchAgain<T>(channel: Selectable<T>, waiter: Waiter<T>): () => void {
  const taken = channel[TAKE]()
  if (taken.state === 'empty') return channel[WAIT](waiter)
  waiter.give(taken.state === 'message' ? taken.value : undefined)
  return () => {}
}
