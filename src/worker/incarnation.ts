import type { Clock, Timer } from '../base/clock.ts'
import type { SpawnError } from '../base/errors.ts';
import { ExitError, type FramingError } from '../base/errors.ts'
import type { WorkerEvent } from '../base/events.ts'
import { type Exit, type ExitCause, type LimitName, NO_USAGE, type StopStep } from '../base/exit.ts'
import { Tail } from '../base/tail.ts'
import { StreamChannel } from '../channel/stream-channel.ts'
import { LineDecoder } from '../framing/lines.ts'
import type { ResolvedCommand } from '../process/command.ts'
import { type ShutdownPlan, climb } from '../process/ladder.ts'
import type { Launcher, ProcessStatus, RunningProcess } from '../process/launcher.ts'
import type { StartQueue } from '../process/start-queue.ts'
import { LastOutput } from './last-output.ts'
import { Readiness } from './readiness.ts'
import type { WorkerPlan } from './spec.ts'

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

/** A reader that has not read for so long is reported, in milliseconds. */
const STALLED_AFTER = 5000
const STDERR_LINE_MAX = 65_536

/** One life of a worker, from its start to its exit. */
export class Incarnation {
  readonly number: number
  readonly exited: Promise<Exit>
  /** Resolves after `onExit`, which comes after the last message was dealt with. */
  readonly settled: Promise<void>
  readonly #owner: Owner
  readonly #plan: WorkerPlan
  readonly #startedAt: number
  readonly #startedDate: number
  readonly #readiness: Readiness
  readonly #abort = new AbortController()
  readonly #stdoutTail = new Tail()
  readonly #stderrTail = new Tail()
  readonly #lastOutput: LastOutput
  readonly #resolveExited: (exit: Exit) => void
  readonly #resolveSettled: () => void
  #process: RunningProcess | undefined
  #channel: StreamChannel<any, any> | undefined
  #opened: PromiseWithResolvers<StreamChannel<any, any> | undefined> | undefined
  #timers: Timer[] | undefined
  #stallTimer: Timer | undefined
  #outputBytes = 0
  #lastOutputAt = 0
  #status: ProcessStatus | undefined
  #exit: Exit | undefined
  /** Why we end it, written down before the first rung is tried. */
  #intent: ExitCause | 'stop' | undefined
  #step: StopStep | undefined
  #fault: FramingError | undefined
  #unterminated = false

  constructor(owner: Owner, plan: WorkerPlan, number: number) {
    this.#owner = owner
    this.#plan = plan
    this.number = number
    this.#startedAt = owner.clock.now()
    this.#startedDate = owner.clock.date()
    this.#readiness = new Readiness(plan.ready)
    this.#lastOutput = new LastOutput(owner.clock, 2)
    const exited = Promise.withResolvers<Exit>()
    this.exited = exited.promise
    this.#resolveExited = exited.resolve
    const settled = Promise.withResolvers<void>()
    this.settled = settled.promise
    this.#resolveSettled = settled.resolve
  }

  get pid(): number | undefined {
    return this.#exit === undefined ? this.#process?.pid : undefined
  }

  get channel(): StreamChannel<any, any> | undefined {
    return this.#channel
  }

  /** The channel as soon as there is a process; undefined when there will be none. */
  opened(): Promise<StreamChannel<any, any> | undefined> {
    if (this.#channel !== undefined || this.#exit !== undefined) return Promise.resolve(this.#channel)
    return (this.#opened ??= Promise.withResolvers<StreamChannel<any, any> | undefined>()).promise
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

  /** Resolves when it is ready; rejects with `SpawnError` or `ExitError`, after it has ended. */
  async start(command: ResolvedCommand): Promise<void> {
    const process = await this.#launch(command)
    this.#adopt(process, command)
    await this.#untilReady()
    this.#watchAlive()
  }

  /** A life that never came to be: its command could not be found. */
  failed(error: SpawnError): void {
    this.#finish({ kind: 'crashed', error, stage: 'spawn' })
  }

  /** Climbs the ladder. A second call with a shorter one ends it sooner. */
  stop(plan: ShutdownPlan): Promise<Exit> {
    this.#intent ??= 'stop'
    this.#end(plan)
    return this.exited
  }

  kill(killSignal: NodeJS.Signals): void {
    this.#process?.kill(killSignal)
  }

  /** Ends it for a cause of its own. The first cause counts; who has ended already keeps its own. */
  fail(cause: ExitCause): void {
    if (this.#status !== undefined || this.#intent !== undefined) return
    this.#intent = cause
    this.#end({ ...this.#plan.shutdown, farewell: undefined, eof: 0 })
  }

  async #launch(command: ResolvedCommand): Promise<RunningProcess> {
    const { id, launcher, starts } = this.#owner
    const { stdin = 'pipe', stdout = 'pipe', stderr = 'tail' } = this.#plan.spec
    const pipes = { stdin, stdout, stderr: stderr === 'tail' ? 'pipe' : stderr } as const
    try {
      return await starts.run(() => launcher.launch({ worker: id, ...command, ...pipes }), this.#abort.signal)
    } catch (error) {
      if (!this.#abort.signal.aborted) {
        this.#finish({ kind: 'crashed', error: error as Error, stage: 'spawn' })
        throw error
      }
      this.#finish({ kind: 'stopped', step: 'eof' })
      throw new ExitError('start', await this.exited)
    }
  }

  #adopt(process: RunningProcess, command: ResolvedCommand): void {
    this.#process = process
    this.#owner.emit({ type: 'spawned', pid: process.pid, file: command.file })
    this.#lastOutputAt = this.#owner.clock.now()
    this.#openStdout(process)
    this.#openStderr(process)
    this.#watchLimits()
    process.exited.then(
      (status) => this.#onExit(status),
      () => {},
    )
    this.#readiness.probe((probe) => Promise.resolve().then(() => probe(this.#owner.self)))
    // It was stopped between its start and now.
    if (this.#intent === 'stop') this.#end(this.#plan.shutdown)
  }

  #openStdout(process: RunningProcess): void {
    const { id, self } = this.#owner
    const { onMessage } = this.#plan.spec
    this.#channel = new StreamChannel(this.#plan.framing, process.stdout, process.stdin, `worker "${id}"`, this)
    if (this.#readiness.watches) this.#channel.watch(this.#readiness)
    if (onMessage === undefined) return
    this.#channel.listen(
      (message) => onMessage(message, self),
      (error) => this.fail({ kind: 'crashed', error, stage: 'onMessage' }),
    )
  }

  // ── ChannelObserver ──

  chunk(bytes: Uint8Array): void {
    this.#stdoutTail.push(bytes)
    this.#countOutput(bytes.length)
  }

  notice(notice: FramingError): void {
    if (notice.reason === 'unterminated') this.#unterminated = true
    this.#owner.emit({ type: 'noticed', notice })
  }

  inputEnded(fault: FramingError | undefined): void {
    if (fault !== undefined) {
      this.#fault = fault
      this.#unterminated ||= fault.reason === 'truncated'
      if (fault.reason !== 'truncated') this.fail({ kind: 'protocol', error: fault })
    }
    this.#lastOutput.ended()
  }

  paused(paused: boolean): void {
    this.#stallTimer?.cancel()
    this.#stallTimer = undefined
    if (!paused || this.#status !== undefined) return
    this.#stallTimer = this.#owner.clock.after(STALLED_AFTER, () =>
      this.#owner.emit({ type: 'stalled', after: STALLED_AFTER }),
    )
  }

  // ── the rest of a life ──

  #openStderr(process: RunningProcess): void {
    const { onStderr } = this.#plan.spec
    const wanted = onStderr !== undefined || this.#plan.ready instanceof RegExp
    const decoder = wanted
      ? new LineDecoder('stderr', STDERR_LINE_MAX, true, (notice) => this.notice(notice))
      : undefined
    const onLine = (line: string): void => this.#onStderrLine(line)
    process.stderr.start(
      (chunk) => {
        this.#stderrTail.push(chunk)
        this.#countOutput(chunk.length)
        decoder?.push(chunk, onLine)
        return true
      },
      () => {
        decoder?.end(onLine)
        this.#lastOutput.ended()
      },
    )
  }

  #onStderrLine(line: string): void {
    this.#readiness.line(line)
    try {
      this.#plan.spec.onStderr?.(line, this.#owner.self)
    } catch (error) {
      this.fail({ kind: 'crashed', error: error as Error, stage: 'onStderr' })
    }
  }

  #countOutput(bytes: number): void {
    this.#lastOutput.chunk(bytes)
    this.#outputBytes += bytes
    const { output, idle } = this.#plan.limits
    if (idle !== undefined) this.#lastOutputAt = this.#owner.clock.now()
    if (output !== undefined && this.#outputBytes > output.max) this.#breakLimit('output', this.#outputBytes)
  }

  #watchLimits(): void {
    const { wallTime, idle } = this.#plan.limits
    if (wallTime !== undefined) this.#after(wallTime.max, () => this.#breakLimit('wallTime', this.#uptime()))
    if (idle !== undefined) this.#watchIdle(idle.max)
  }

  #watchIdle(max: number): void {
    const silent = this.#owner.clock.now() - this.#lastOutputAt
    if (silent >= max) this.#breakLimit('idle', silent)
    else this.#after(max - silent, () => this.#watchIdle(max))
  }

  #breakLimit(limit: LimitName, observed: number): void {
    const applied = this.#plan.limits[limit]
    if (applied !== undefined) this.fail({ kind: 'limit', limit, observed, ...applied })
  }

  async #untilReady(): Promise<void> {
    if (this.#plan.ready !== 'spawn') await this.#waitReady(this.#plan.readyTimeout)
    if (this.#exit !== undefined) throw new ExitError('start', this.#exit)
    this.#owner.emit({ type: 'ready', after: this.#uptime() })
  }

  async #waitReady(timeout: number): Promise<void> {
    const timer = this.#owner.clock.after(timeout, () => this.fail({ kind: 'unready', after: timeout }))
    const failed = (error: unknown): Promise<Exit> => {
      this.fail({ kind: 'crashed', error: error instanceof Error ? error : new Error(String(error)), stage: 'ready' })
      return this.exited
    }
    const exit = await Promise.race([this.#readiness.reached.then(() => undefined, failed), this.exited])
    timer.cancel()
    if (exit !== undefined) throw new ExitError('start', exit)
  }

  #watchAlive(): void {
    const { alive } = this.#plan
    if (alive !== undefined) this.#after(alive.every, () => void this.#checkAlive(alive))
  }

  async #checkAlive({ timeout, check }: NonNullable<WorkerPlan['alive']>): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = this.#owner.clock.after(timeout, () => late.reject(new Error('no answer')))
    try {
      await Promise.race([check(this.#owner.self), late.promise])
      this.#watchAlive()
    } catch {
      this.fail({ kind: 'unresponsive', after: timeout })
    } finally {
      timer.cancel()
    }
  }

  #end(plan: ShutdownPlan): void {
    this.#abort.abort()
    const process = this.#process
    if (process === undefined || this.#status !== undefined) return
    const channel = this.#channel
    void climb(
      {
        farewell: (message) => void channel?.send(message),
        endInput: () => void channel?.end(),
        kill: (killSignal) => process.kill(killSignal),
        exited: process.exited,
      },
      plan,
      this.#owner.clock,
      (step) => {
        if (this.#status === undefined) this.#step = step
      },
    )
  }

  #onExit(status: ProcessStatus): void {
    this.#status = status
    this.#cancelTimers()
    this.#channel?.closeOutput('it has ended')
    this.#channel?.drain()
    void this.#lastOutput.wait().then(() => {
      this.#process?.release()
      this.#process?.stderr.destroy()
      this.#channel?.destroy('it has ended')
      this.#finish(this.#cause(status))
    })
  }

  #cause(status: ProcessStatus): ExitCause {
    const { exitCode, signalCode } = status
    if (this.#intent === 'stop' && this.#step !== undefined) {
      return { kind: 'stopped', step: this.#step, ...(signalCode ? { signalCode } : { exitCode: exitCode ?? 0 }) }
    }
    if (this.#intent !== undefined && this.#intent !== 'stop') return this.#intent
    if (signalCode !== undefined) return { kind: 'signaled', signalCode }
    if (exitCode !== 0 && exitCode !== undefined) return { kind: 'failed', exitCode }
    return this.#fault === undefined ? { kind: 'normal' } : { kind: 'protocol', error: this.#fault }
  }

  #finish(cause: ExitCause): void {
    this.#cancelTimers()
    const exit = { ...this.#facts(), ...cause } as Exit
    this.#exit = exit
    this.#owner.ended(exit)
    this.#owner.emit({ type: 'exited', exit })
    this.#resolveExited(exit)
    this.#opened?.resolve(undefined)
    if (this.#channel === undefined) this.#callOnExit(exit)
    else this.#channel.onceDrained(() => this.#callOnExit(exit))
  }

  #callOnExit(exit: Exit): void {
    try {
      this.#plan.spec.onExit?.(exit, this.#owner.self)
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      this.#owner.emit({ type: 'callback-failed', callback: 'onExit', error })
      process.emitWarning(
        `onExit of worker "${this.#owner.id}" threw: ${error.stack ?? error.message}`,
        'PagentWarning',
      )
    }
    this.#resolveSettled()
  }

  #facts(): Omit<Exit, 'kind'> {
    const pid = this.#process?.pid
    return {
      id: this.#owner.id,
      ...(pid === undefined ? {} : { pid }),
      incarnation: this.number,
      startedAt: this.#startedDate,
      uptime: this.#uptime(),
      usage: NO_USAGE,
      stdoutTail: this.#stdoutTail.toString(),
      stderrTail: this.#stderrTail.toString(),
      ...(this.#unterminated ? { unterminated: true } : {}),
    }
  }

  #uptime(): number {
    return this.#owner.clock.now() - this.#startedAt
  }

  #after(ms: number, fire: () => void): void {
    if (this.#status !== undefined) return
    ;(this.#timers ??= []).push(this.#owner.clock.after(ms, fire))
  }

  #cancelTimers(): void {
    for (const timer of this.#timers ?? []) timer.cancel()
    this.#timers = undefined
    this.#stallTimer?.cancel()
  }
}
