import { type Clock, nextTurn } from '../../base/clock.ts'
import { ExitError, PagentError, toError } from '../../base/errors.ts'
import type { WorkerEvent } from '../../base/events.ts'
import { type Exit, type ExitCause, NO_USAGE, type StopStep, type Usage } from '../../base/exit.ts'
import { Later } from '../../base/later.ts'
import type { StreamChannel } from '../../channel/stream-channel.ts'
import { type ShutdownPlan, climb, heightOf } from '../../process/ladder.ts'
import type { Launcher, ProcessStatus, RunningProcess } from '../../process/launcher.ts'
import type { AppliedLimits } from '../../process/limits.ts'
import { StartTicket } from '../../process/start-queue.ts'
import type { RpcSettings } from './calls.ts'
import { guard } from './callbacks.ts'
import type { Job, Owner } from '../host.ts'
import { type Intent, causeOf } from '../../process/exit-cause.ts'
import { Launching } from './launching.ts'
import { Readiness } from './readiness.ts'
import type { WorkerPlan } from '../spec.ts'
import { Streams, type StreamsOwner } from './streams.ts'
import { Watchdog, needsWatching } from './watchdog.ts'

type AnyChannel = StreamChannel<any, any>

/** Before there is a process. */
export const SILENT = { stdout: '', stderr: '' }

/** One life of a worker, from its start to its exit. */
export class Incarnation implements StreamsOwner {
  /** Undefined where it is ready at once. */
  readonly readiness: Readiness | undefined
  /** Undefined where there is nothing to watch. */
  readonly watchdog: Watchdog | undefined
  readonly #job: Job
  readonly #owner: Owner
  readonly #number: number
  readonly #startedAt: number
  readonly #startedDate: number
  readonly #exited = new Later<Exit>()
  readonly #settled = new Later<void>()
  readonly #opened = new Later<AnyChannel | undefined>()
  /** Withdraws the start while it waits for its turn. */
  #ticket: StartTicket | undefined
  #process: RunningProcess | undefined
  #streams: Streams | undefined
  #status: ProcessStatus | undefined
  #usage = NO_USAGE
  #exit: Exit | undefined
  #intent: Intent | undefined
  #stopPlan: ShutdownPlan
  #killAtBirth: NodeJS.Signals | undefined
  #step: StopStep | undefined
  #farewell: unknown

  constructor(owner: Owner, job: Job, number: number) {
    const { plan } = job
    this.#owner = owner
    this.#job = job
    this.#number = number
    this.#startedAt = owner.clock.now()
    this.#startedDate = owner.clock.date()
    this.readiness = plan.ready === 'spawn' ? undefined : new Readiness(plan.ready)
    this.watchdog = needsWatching(plan) ? new Watchdog(this, plan.limits.master) : undefined
    this.#stopPlan = plan.shutdown
  }

  get plan(): WorkerPlan {
    return this.#job.plan
  }

  get exited(): Promise<Exit> {
    return this.#exited.promise
  }

  /** Resolves after `onExit`, which comes after the last message was dealt with. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  /** The channel as soon as there is a process; undefined when there will be none. */
  get opened(): Promise<AnyChannel | undefined> {
    return this.#opened.promise
  }

  get id(): string {
    return this.#owner.id
  }

  get self(): any {
    return this.#owner.self
  }

  get clock(): Clock {
    return this.#owner.clock
  }

  /** The process id while there is a process. */
  get pid(): number | undefined {
    return this.#exit === undefined ? this.#process?.pid : undefined
  }

  /** What it used when that was asked last, and in the end. */
  get usage(): Usage {
    return this.#status?.usage ?? this.#usage
  }

  /** The limits in force, once there is a process. */
  get limits(): AppliedLimits {
    return { ...this.#process?.limits, ...this.plan.limits.master }
  }

  get channel(): AnyChannel | undefined {
    return this.#streams?.channel
  }

  get launcher(): Launcher {
    return this.#owner.launcher
  }

  get rpc(): RpcSettings | undefined {
    return this.#owner.rpc
  }

  /** What it says and hears, once there is a process. */
  get streams(): Streams | undefined {
    return this.#streams
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  /** Asks what it uses now. */
  async measure(): Promise<Usage> {
    if (this.#process === undefined || this.#exit !== undefined) return this.usage
    return (this.#usage = await this.#process.measure())
  }

  /** Resolves when it is ready. Rejects with `SpawnError` or `ExitError`, after it has ended. */
  async start(): Promise<void> {
    const ticket = (this.#ticket = new StartTicket())
    const launching = new Launching(this.#owner, this.#job)
    const started = this.#owner.starts.run(() => launching.launch(), ticket)
    this.#adopt(await started.catch((error) => this.#notLaunched(launching.explained(error), ticket)))
    this.#ticket = undefined
    if (this.readiness !== undefined) await this.#untilReady(this.readiness)
    // Also one that is being ended: its last words may have looked like readiness.
    if (this.#exit !== undefined || this.#intent !== undefined) throw new ExitError('start', await this.exited)
    this.emit({ type: 'ready', after: this.#uptime() })
    if (this.plan.alive !== undefined) this.watchdog?.watchAlive(this.plan.alive)
  }

  /** Climbs the ladder. A second call with a shorter one ends it sooner. */
  stop(plan: ShutdownPlan): Promise<Exit> {
    this.#intent ??= 'stop'
    this.#stopPlan = plan
    this.#ticket?.withdraw()
    this.#climb(plan)
    return this.exited
  }

  /** Before there is a process it is remembered. */
  kill(killSignal: NodeJS.Signals): void {
    if (this.#process === undefined && this.#exit === undefined) this.#killAtBirth = killSignal
    this.#process?.kill(killSignal)
  }

  /** Ends it for a cause of its own. The first cause counts; who has ended already keeps its own. */
  fail(cause: ExitCause): void {
    // What its last output shows counts too, until its exit is told.
    if (this.#exit !== undefined || this.#intent !== undefined) return this.#tooLate(cause)
    if (this.#status !== undefined && cause.kind === 'protocol') return
    this.#intent = cause
    this.#climb({ ...this.plan.shutdown, farewell: undefined, eof: 0 })
  }

  emit(event: WorkerEvent): void {
    this.#owner.emit(event, this.#number)
  }

  async #notLaunched(error: unknown, { isWithdrawn }: StartTicket): Promise<never> {
    this.#finish(
      isWithdrawn ? { kind: 'stopped', step: 'eof' } : { kind: 'crashed', error: toError(error), stage: 'spawn' },
    )
    this.#ticket = undefined
    throw isWithdrawn ? new ExitError('start', await this.exited) : error
  }

  #adopt(process: RunningProcess): void {
    this.#process = process
    this.watchdog?.start()
    this.#streams = new Streams(this, this.plan, process)
    this.#opened.resolve(this.channel)
    void process.exited.then((status) => this.#onProcessEnd(status))
    this.emit({ type: 'spawned', pid: process.pid, file: this.#job.file })
    this.readiness?.probe((probe) => Promise.resolve().then(() => probe(this.self)))
    // It was killed or stopped between its start and now.
    if (this.#killAtBirth !== undefined) process.kill(this.#killAtBirth)
    if (this.#intent === 'stop' && this.#step === undefined) this.#climb(this.#stopPlan)
  }

  async #untilReady(readiness: Readiness): Promise<void> {
    const timer = this.watchdog?.watchReady(this.plan.readyTimeout)
    const failed = (error: unknown): Promise<Exit> => {
      this.fail({ kind: 'crashed', error: toError(error), stage: 'ready' })
      return this.exited
    }
    const exit = await Promise.race([readiness.reached.then(() => undefined, failed), this.exited])
    timer?.cancel()
    if (exit !== undefined) throw new ExitError('start', exit)
  }

  #climb(plan: ShutdownPlan): void {
    const process = this.#process
    if (process === undefined || this.#status !== undefined) return
    const rungs = {
      farewell: (farewell: unknown) => this.#sayFarewell(farewell),
      endInput: () => void this.channel?.end(),
      kill: (killSignal: NodeJS.Signals) => process.kill(killSignal),
      exited: process.exited,
    }
    const onStep = (step: StopStep): void => {
      // Of two ladders at once the higher rung is the one that worked.
      if (this.#status === undefined && heightOf(step) >= heightOf(this.#step)) this.#step = step
    }
    // What is not ours to write cannot be ended either.
    const asked = this.plan.spec.stdin === 'inherit' ? { ...plan, farewell: undefined, eof: 0 } : plan
    void climb(rungs, asked, this.clock, onStep).then((ended) => {
      if (!ended && this.#status === undefined) this.#abandon(process.pid)
    })
  }

  /** Once, also where it is stopped twice. A worker that ends before it has heard all of it does what it should. */
  #sayFarewell(farewell: unknown): void {
    if (farewell === this.#farewell) return
    this.#farewell = farewell
    if (typeof farewell !== 'function') return void this.channel?.send(farewell)
    const say = async (): Promise<unknown> => (farewell as (worker: unknown) => unknown)(this.self)
    say().catch((error: unknown) => {
      if (!PagentError.is(error)) this.#callbackFailed('shutdown.farewell', toError(error))
    })
  }

  /** Nothing can end the process, but everybody who waits for its end must hear of one. */
  #abandon(pid: number): void {
    this.emit({ type: 'abandoned', pid })
    this.#onProcessEnd({ exitCode: undefined, signalCode: undefined })
  }

  #onProcessEnd(status: ProcessStatus): void {
    if (this.#status !== undefined) return
    this.#status = status
    this.watchdog?.cancel()
    void this.#streams?.close().then(async () => {
      // Its last words may make it ready; a probe needs a moment to say so.
      if (this.readiness !== undefined) await nextTurn()
      const fault = this.#streams?.fault
      this.#finish(causeOf({ status, intent: this.#intent, step: this.#step, fault }))
    })
  }

  #finish(cause: ExitCause): void {
    const exit = { ...this.#facts(), ...cause } as Exit
    this.#exit = exit
    this.#streams?.calls?.close(new ExitError('call', exit))
    this.#owner.ended(exit)
    this.emit({ type: 'exited', exit })
    this.#exited.resolve(exit)
    this.#opened.resolve(this.channel)
    if (this.channel === undefined) this.#callOnExit(exit)
    else this.#streams?.onceDrained(() => this.#callOnExit(exit))
  }

  /** The cause of the end is another, but an error in somebody's callback is never silent. */
  #tooLate(cause: ExitCause): void {
    if (cause.kind === 'crashed' && cause.stage?.startsWith('on') === true)
      this.#callbackFailed(cause.stage, cause.error)
  }

  #callbackFailed(callback: string, error: Error): void {
    this.emit({ type: 'callback-failed', callback, error })
    process.emitWarning(`${callback} of worker "${this.id}" threw: ${error.stack ?? error.message}`, 'PagentWarning')
  }

  #callOnExit(exit: Exit): void {
    guard(
      () => this.plan.spec.onExit?.(exit, this.self),
      (error) => this.#callbackFailed('onExit', error),
    )
    this.#settled.resolve()
  }

  #facts(): Omit<Exit, 'kind'> {
    const { stdout, stderr } = this.#streams?.tail ?? SILENT
    return {
      id: this.id,
      ...(this.#process === undefined ? {} : { pid: this.#process.pid }),
      incarnation: this.#number,
      startedAt: this.#startedDate,
      uptime: this.#uptime(),
      usage: this.usage,
      ...(this.#streams === undefined ? {} : { traffic: this.#streams.traffic, framing: this.plan.framing.name }),
      stdoutTail: stdout,
      stderrTail: stderr,
      ...(this.#streams?.unterminated === true ? { unterminated: true } : {}),
    }
  }

  #uptime(): number {
    return this.clock.now() - this.#startedAt
  }
}
