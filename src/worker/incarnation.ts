import type { Clock, Timer } from '../base/clock.ts'
import { ExitError, type FramingError, type SpawnError } from '../base/errors.ts'
import type { WorkerEvent } from '../base/events.ts'
import { type Exit, type ExitCause, NO_USAGE, type StopStep } from '../base/exit.ts'
import { Tail } from '../base/tail.ts'
import { type ChannelObserver, StreamChannel } from '../channel/stream-channel.ts'
import type { ResolvedCommand } from '../process/command.ts'
import { type ShutdownPlan, climb } from '../process/ladder.ts'
import type { Launcher, ProcessStatus, RunningProcess } from '../process/launcher.ts'
import type { StartQueue } from '../process/start-queue.ts'
import { type Intent, causeOf } from './exit-cause.ts'
import { LastOutput } from '../process/last-output.ts'
import { Readiness } from './readiness.ts'
import type { WorkerPlan } from './spec.ts'
import { type StderrListener, readStderr } from './stderr-reader.ts'
import { Watchdog } from './watchdog.ts'

/** What an incarnation needs of the worker it is a life of. */
export interface Owner {
  readonly id: string
  readonly clock: Clock
  readonly launcher: Launcher
  readonly starts: StartQueue
  emit(event: WorkerEvent): void
  /** Called once, before anybody else hears of the exit. */
  ended(exit: Exit): void
  /** The worker itself, for callbacks. */
  readonly self: any
}

type AnyChannel = StreamChannel<any, any>

/** A reader that has not read for so long is reported, in milliseconds. */
const STALLED_AFTER = 5000

/** One life of a worker, from its start to its exit. */
export class Incarnation implements ChannelObserver, StderrListener {
  readonly exited: Promise<Exit>
  /** Resolves after `onExit`, which comes after the last message was dealt with. */
  readonly settled: Promise<void>
  readonly #owner: Owner
  readonly #plan: WorkerPlan
  readonly #number: number
  readonly #startedAt: number
  readonly #startedDate: number
  readonly #readiness: Readiness
  readonly #watchdog: Watchdog
  readonly #abort = new AbortController()
  readonly #stdoutTail = new Tail()
  readonly #stderrTail = new Tail()
  readonly #lastOutput: LastOutput
  readonly #resolveExited: (exit: Exit) => void
  readonly #resolveSettled: () => void
  #opened: PromiseWithResolvers<AnyChannel | undefined> | undefined
  #process: RunningProcess | undefined
  #channel: AnyChannel | undefined
  #stallTimer: Timer | undefined
  #status: ProcessStatus | undefined
  #exit: Exit | undefined
  #intent: Intent | undefined
  #stopPlan: ShutdownPlan
  #step: StopStep | undefined
  #fault: FramingError | undefined
  #unterminated = false

  constructor(owner: Owner, plan: WorkerPlan, number: number) {
    this.#owner = owner
    this.#plan = plan
    this.#number = number
    this.#startedAt = owner.clock.now()
    this.#startedDate = owner.clock.date()
    this.#readiness = new Readiness(plan.ready)
    this.#watchdog = new Watchdog(owner.clock, plan.limits, (cause) => this.#fail(cause))
    this.#lastOutput = new LastOutput(owner.clock, 2)
    this.#stopPlan = plan.shutdown
    ;({ promise: this.exited, resolve: this.#resolveExited } = Promise.withResolvers<Exit>())
    ;({ promise: this.settled, resolve: this.#resolveSettled } = Promise.withResolvers<void>())
  }

  /** The process id while there is a process. */
  get pid(): number | undefined {
    return this.#exit === undefined ? this.#process?.pid : undefined
  }

  get channel(): AnyChannel | undefined {
    return this.#channel
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  get unterminated(): boolean {
    return this.#unterminated
  }

  get tail(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#stdoutTail.toString(), stderr: this.#stderrTail.toString() }
  }

  /** The channel as soon as there is a process; undefined when there will be none. */
  opened(): Promise<AnyChannel | undefined> {
    if (this.#channel !== undefined || this.#exit !== undefined) return Promise.resolve(this.#channel)
    return (this.#opened ??= Promise.withResolvers<AnyChannel | undefined>()).promise
  }

  /** Resolves when it is ready. Rejects with `SpawnError` or `ExitError`, after it has ended. */
  async start(command: ResolvedCommand): Promise<void> {
    this.#adopt(await this.#launch(command), command)
    if (this.#plan.ready !== 'spawn') await this.#untilReady()
    if (this.#exit !== undefined) throw new ExitError('start', this.#exit)
    this.#owner.emit({ type: 'ready', after: this.#uptime() })
    if (this.#plan.alive !== undefined) this.#watchdog.watchAlive(this.#plan.alive, this.#owner.self)
  }

  /** A life that never came to be: its command cannot be run. */
  failed(error: SpawnError): void {
    this.#finish({ kind: 'crashed', error, stage: 'spawn' })
  }

  /** Climbs the ladder. A second call with a shorter one ends it sooner. */
  stop(plan: ShutdownPlan): Promise<Exit> {
    this.#intent ??= 'stop'
    this.#stopPlan = plan
    this.#abort.abort()
    this.#climb(plan)
    return this.exited
  }

  kill(killSignal: NodeJS.Signals): void {
    this.#process?.kill(killSignal)
  }

  // ── its start ──

  async #launch(command: ResolvedCommand): Promise<RunningProcess> {
    const { id, launcher, starts } = this.#owner
    const { stdin = 'pipe', stdout = 'pipe', stderr = 'tail' } = this.#plan.spec
    const streams = { stdin, stdout, stderr: stderr === 'tail' ? 'pipe' : stderr } as const
    try {
      return await starts.run(() => launcher.launch({ worker: id, ...command, ...streams }), this.#abort.signal)
    } catch (error) {
      const aborted = this.#abort.signal.aborted
      this.#finish(
        aborted ? { kind: 'stopped', step: 'eof' } : { kind: 'crashed', error: error as Error, stage: 'spawn' },
      )
      throw aborted ? new ExitError('start', await this.exited) : error
    }
  }

  #adopt(process: RunningProcess, command: ResolvedCommand): void {
    this.#process = process
    this.#watchdog.start()
    this.#openChannel(process)
    readStderr(process.stderr, this.#stderrTail, this)
    void process.exited.then((status) => this.#onProcessEnd(status))
    this.#owner.emit({ type: 'spawned', pid: process.pid, file: command.file })
    this.#readiness.probe((probe) => Promise.resolve().then(() => probe(this.#owner.self)))
    // It was stopped between its start and now.
    if (this.#intent === 'stop') this.#climb(this.#stopPlan)
  }

  #openChannel(process: RunningProcess): void {
    const { id, self } = this.#owner
    const { onMessage } = this.#plan.spec
    const channel: AnyChannel = new StreamChannel(
      this.#plan.framing,
      process.stdout,
      process.stdin,
      `worker "${id}"`,
      this,
    )
    this.#channel = channel
    if (this.#readiness.watches) channel.watch(this.#readiness)
    this.#opened?.resolve(channel)
    if (onMessage === undefined) return
    channel.listen(
      (message) => onMessage(message, self),
      (error) => this.#fail({ kind: 'crashed', error, stage: 'onMessage' }),
    )
  }

  async #untilReady(): Promise<void> {
    const timer = this.#watchdog.watchReady(this.#plan.readyTimeout)
    const failed = (error: unknown): Promise<Exit> => {
      this.#fail({ kind: 'crashed', error: toError(error), stage: 'ready' })
      return this.exited
    }
    const exit = await Promise.race([this.#readiness.reached.then(() => undefined, failed), this.exited])
    timer?.cancel()
    if (exit !== undefined) throw new ExitError('start', exit)
  }

  // ── what its channel and its stderr tell ──

  chunk(bytes: Uint8Array): void {
    this.#stdoutTail.push(bytes)
    this.#lastOutput.chunk(bytes.length)
    this.#watchdog.output(bytes.length)
  }

  stderrChunk(bytes: number): void {
    this.#lastOutput.chunk(bytes)
    this.#watchdog.output(bytes)
  }

  get stderrLine(): ((line: string) => void) | undefined {
    const { onStderr } = this.#plan.spec
    if (onStderr === undefined && !this.#readiness.watches) return undefined
    const failed = (error: Error): void => this.#fail({ kind: 'crashed', error, stage: 'onStderr' })
    return (line) => {
      this.#readiness.line(line)
      guard(() => onStderr?.(line, this.#owner.self), failed)
    }
  }

  notice(notice: FramingError): void {
    if (notice.reason === 'unterminated') this.#unterminated = true
    this.#owner.emit({ type: 'noticed', notice })
  }

  inputEnded(fault: FramingError | undefined): void {
    this.#fault = fault
    if (fault?.reason === 'truncated') this.#unterminated = true
    else if (fault !== undefined) this.#fail({ kind: 'protocol', error: fault })
    this.#lastOutput.ended()
  }

  stderrEnded(): void {
    this.#lastOutput.ended()
  }

  paused(paused: boolean): void {
    this.#stallTimer?.cancel()
    this.#stallTimer = undefined
    if (!paused || this.#status !== undefined) return
    const report = (): void => this.#owner.emit({ type: 'stalled', after: STALLED_AFTER })
    this.#stallTimer = this.#owner.clock.after(STALLED_AFTER, report)
  }

  // ── its end ──

  /** Ends it for a cause of its own. The first cause counts; who has ended already keeps its own. */
  #fail(cause: ExitCause): void {
    if (this.#status !== undefined || this.#intent !== undefined) return
    this.#intent = cause
    this.#climb({ ...this.#plan.shutdown, farewell: undefined, eof: 0 })
  }

  #climb(plan: ShutdownPlan): void {
    const process = this.#process
    if (process === undefined || this.#status !== undefined) return
    const rungs = {
      farewell: (message: unknown) => void this.#channel?.send(message),
      endInput: () => void this.#channel?.end(),
      kill: (killSignal: NodeJS.Signals) => process.kill(killSignal),
      exited: process.exited,
    }
    const onStep = (step: StopStep): void => {
      if (this.#status === undefined) this.#step = step
    }
    void climb(rungs, plan, this.#owner.clock, onStep).then((ended) => {
      if (!ended && this.#status === undefined) this.#abandon(process.pid)
    })
  }

  /** Nothing can end the process, but everybody who waits for its end must hear of one. */
  #abandon(pid: number): void {
    this.#owner.emit({ type: 'abandoned', pid })
    this.#onProcessEnd({ exitCode: undefined, signalCode: undefined })
  }

  #onProcessEnd(status: ProcessStatus): void {
    if (this.#status !== undefined) return
    this.#status = status
    this.#stopWatching()
    this.#channel?.closeOutput('it has ended')
    this.#channel?.drain()
    void this.#lastOutput.wait().then(() => {
      this.#process?.release()
      this.#channel?.destroy('it has ended')
      this.#finish(causeOf({ status, intent: this.#intent, step: this.#step, fault: this.#fault }))
    })
  }

  #finish(cause: ExitCause): void {
    this.#stopWatching()
    const exit = { ...this.#facts(), ...cause } as Exit
    this.#exit = exit
    this.#owner.ended(exit)
    this.#owner.emit({ type: 'exited', exit })
    this.#resolveExited(exit)
    this.#opened?.resolve(this.#channel)
    if (this.#channel === undefined) this.#callOnExit(exit)
    else this.#channel.onceDrained(() => this.#callOnExit(exit))
  }

  #callOnExit(exit: Exit): void {
    const failed = (error: Error): void => {
      this.#owner.emit({ type: 'callback-failed', callback: 'onExit', error })
      const told = error.stack ?? error.message
      process.emitWarning(`onExit of worker "${this.#owner.id}" threw: ${told}`, 'PagentWarning')
    }
    guard(() => this.#plan.spec.onExit?.(exit, this.#owner.self), failed)
    this.#resolveSettled()
  }

  #facts(): Omit<Exit, 'kind'> {
    const pid = this.#process?.pid
    const { stdout, stderr } = this.tail
    return {
      id: this.#owner.id,
      ...(pid === undefined ? {} : { pid }),
      incarnation: this.#number,
      startedAt: this.#startedDate,
      uptime: this.#uptime(),
      usage: NO_USAGE,
      stdoutTail: stdout,
      stderrTail: stderr,
      ...(this.#unterminated ? { unterminated: true } : {}),
    }
  }

  #uptime(): number {
    return this.#owner.clock.now() - this.#startedAt
  }

  #stopWatching(): void {
    this.#watchdog.cancel()
    this.#stallTimer?.cancel()
  }
}

/** Calls back, and catches what it throws, at once or later. */
function guard(callback: () => unknown, failed: (error: Error) => void): void {
  const onError = (error: unknown): void => failed(toError(error))
  try {
    const result = callback()
    if (result instanceof Promise) result.catch(onError)
  } catch (error) {
    onError(error)
  }
}

const toError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)))
