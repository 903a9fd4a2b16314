import { type Timer, nextTurn } from '../../base/clock.ts'
import type { FramingError } from '../../base/errors.ts'
import type { Traffic } from '../../base/exit.ts'
import { Tail } from '../../base/tail.ts'
import { type ByteSink, countedSink } from '../../channel/bytes.ts'
import { type ChannelObserver, StreamChannel } from '../../channel/stream-channel.ts'
import { LineDecoder } from '../../framing/lines.ts'
import { LastOutput } from '../../process/last-output.ts'
import type { RunningProcess } from '../../process/launcher.ts'
import { Calls, type CallsOwner, type RpcSettings } from './calls.ts'
import { guard } from './callbacks.ts'
import type { Readiness } from './readiness.ts'
import type { WorkerPlan } from '../spec.ts'
import type { Watchdog } from './watchdog.ts'

/** A reader that has not read for so long is reported, in milliseconds. */
const STALLED_AFTER = 5000
const STDERR_LINE_MAX = 65_536
/** Bytes of stderr. */
const BURST = 65_536

/** Whose streams these are, and who is told what about them. */
export interface StreamsOwner extends CallsOwner {
  readonly self: any
  readonly plan: WorkerPlan
  readonly readiness: Readiness | undefined
  readonly watchdog: Watchdog | undefined
  /** Undefined where nobody calls. */
  readonly rpc: RpcSettings | undefined
}

/** Everything one life of a worker says and hears: its channel, its stderr, and its last words. */
export class Streams implements ChannelObserver {
  readonly channel: StreamChannel<any, any>
  readonly #owner: StreamsOwner
  readonly #process: RunningProcess
  readonly #stdin: ByteSink
  readonly #stdoutTail = new Tail()
  readonly #stderrTail = new Tail()
  /** Only once the process has ended. */
  #lastOutput: LastOutput | undefined
  #open = 2
  #bytesIn = 0
  /** Milliseconds that the pipe has stood still, and since when it does; by the clock. */
  #pausedFor = 0
  #pausedSince: number | undefined
  #stallTimer: Timer | undefined
  #stderrBurst = 0
  #unterminated = false
  #fault: FramingError | undefined
  #calls: Calls | undefined

  /** Reads at once: messages reach the readiness, then `onMessage` or whoever receives. */
  constructor(owner: StreamsOwner, plan: WorkerPlan, process: RunningProcess) {
    this.#owner = owner
    this.#process = process
    this.#stdin = countedSink(process.stdin)
    this.channel = new StreamChannel(plan.framing, process.stdout, this.#stdin, `worker "${owner.id}"`, this)
    if (plan.spec.stdin === 'inherit') this.channel.closeOutput('its stdin is inherited, not a pipe')
    if (owner.readiness?.watches === true) this.channel.watch(owner.readiness)
    if (owner.rpc === undefined) this.#listen(plan.spec.onMessage)
    else this.openCalls(owner.rpc)
    this.#readStderr(plan.spec.onStderr)
  }

  get tail(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#stdoutTail.toString(), stderr: this.#stderrTail.toString() }
  }

  /** Whether stdout ended in the middle of a message. */
  get unterminated(): boolean {
    return this.#unterminated
  }

  /** What its channel has carried by now. */
  get traffic(): Traffic {
    const now = this.#pausedSince === undefined ? 0 : this.#owner.clock.now() - this.#pausedSince
    return { bytesIn: this.#bytesIn, bytesOut: this.#stdin.bytesWritten ?? 0, pausedFor: this.#pausedFor + now }
  }

  /** What broke the stream of messages. */
  get fault(): FramingError | undefined {
    return this.#fault
  }

  /** From the first call on, every message belongs to calls. */
  openCalls(settings: RpcSettings): Calls {
    return (this.#calls ??= new Calls(this.#owner, this.channel, settings, this.#owner.plan.spec.propagate))
  }

  get calls(): Calls | undefined {
    return this.#calls
  }

  /** The process has ended. Resolves when its last words are in, and releases it: nobody else is heard any more. */
  async close(): Promise<void> {
    this.#lastOutput = new LastOutput(this.#owner.clock, this.#open)
    this.#stallTimer?.cancel()
    this.#flows()
    this.channel.closeOutput('it has ended')
    const complete = this.#lastOutput.wait()
    this.channel.drain()
    await complete
    this.#process.release()
    this.channel.destroy('it has ended')
  }

  /** Calls back when the messages of an ended life were dealt with; tells when that takes long. */
  onceDrained(drained: () => void): void {
    let isDrained = false
    let timer: Timer | undefined
    this.channel.onceDrained(() => {
      isDrained = true
      timer?.cancel()
      drained()
    })
    if (!isDrained) timer = this.#owner.clock.after(STALLED_AFTER, this.#reportStalled)
  }

  // ── ChannelObserver ──

  chunk(bytes: Uint8Array): void {
    this.#bytesIn += bytes.length
    this.#stdoutTail.push(bytes)
    this.#heard(bytes.length)
  }

  notice(notice: FramingError): void {
    if (notice.reason === 'unterminated') this.#unterminated = true
    this.#owner.emit({ type: 'noticed', notice })
  }

  inputEnded(fault: FramingError | undefined): void {
    this.#fault = fault
    if (fault?.reason === 'truncated') this.#unterminated = true
    else if (fault !== undefined) this.#owner.fail({ kind: 'protocol', error: fault })
    this.#ended()
  }

  paused(paused: boolean): void {
    this.#stallTimer?.cancel()
    this.#stallTimer = undefined
    this.#flows()
    if (!paused || this.#lastOutput !== undefined) return
    this.#pausedSince = this.#owner.clock.now()
    this.#stallTimer = this.#owner.clock.after(STALLED_AFTER, this.#reportStalled)
  }

  readonly #reportStalled = (): void => this.#owner.emit({ type: 'stalled', after: STALLED_AFTER })

  /** The pipe stands still no longer. */
  #flows(): void {
    if (this.#pausedSince === undefined) return
    this.#pausedFor += this.#owner.clock.now() - this.#pausedSince
    this.#pausedSince = undefined
  }

  #listen(onMessage: WorkerPlan['spec']['onMessage']): void {
    if (onMessage === undefined) return
    this.channel.listen(
      (message) => onMessage(message, this.#owner.self),
      (error) => this.#owner.fail({ kind: 'crashed', error, stage: 'onMessage' }),
    )
  }

  /** Always read, so that no worker waits for it; cut into lines where somebody wants them. */
  #readStderr(onStderr: WorkerPlan['spec']['onStderr']): void {
    const wanted = onStderr !== undefined || this.#owner.readiness?.watches === true
    const lines = wanted ? this.#stderrLines(onStderr) : undefined
    this.#process.stderr.start(
      (chunk) => {
        this.#stderrTail.push(chunk)
        this.#heard(chunk.length)
        lines?.push(chunk)
        return lines === undefined || this.#goesOn(chunk.length)
      },
      () => {
        lines?.end()
        this.#ended()
      },
    )
  }

  /** Somebody is called for each line: after some, everybody else has a turn. */
  #goesOn(bytes: number): boolean {
    this.#stderrBurst += bytes
    if (this.#stderrBurst < BURST) return true
    this.#stderrBurst = 0
    void nextTurn().then(() => this.#process.stderr.resume())
    return false
  }

  #stderrLines(onStderr: WorkerPlan['spec']['onStderr']): { push(chunk: Uint8Array): void; end(): void } {
    // An unterminated last line of stderr is nothing to tell.
    const onNotice = (notice: FramingError): void => {
      if (notice.reason !== 'unterminated') this.#owner.emit({ type: 'noticed', notice })
    }
    const decoder = new LineDecoder('stderr', STDERR_LINE_MAX, 'cut', onNotice)
    const onLine = (line: string): void => this.#onStderrLine(line, onStderr)
    return { push: (chunk) => decoder.push(chunk, onLine), end: () => decoder.end(onLine) }
  }

  #onStderrLine(line: string, onStderr: WorkerPlan['spec']['onStderr']): void {
    this.#owner.readiness?.line(line)
    if (onStderr === undefined) return
    const failed = (error: Error): void => this.#owner.fail({ kind: 'crashed', error, stage: 'onStderr' })
    guard(() => onStderr(line, this.#owner.self), failed)
  }

  #heard(bytes: number): void {
    this.#lastOutput?.chunk(bytes)
    this.#owner.watchdog?.output(bytes)
  }

  #ended(): void {
    this.#open--
    this.#lastOutput?.ended()
  }
}
