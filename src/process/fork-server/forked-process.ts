import { constants } from 'node:os'
import { type LimitBreak, type LimitName, NO_USAGE, type Usage } from '../../base/exit.ts'
import type { ByteSink, ByteSource } from '../../channel/bytes.ts'
import { type LaunchCommand, type ProcessStatus, type RunningProcess, noSink, noSource } from '../launcher.ts'
import type { AppliedLimits } from '../limits.ts'
import type { PipeSink } from './pipe-sink.ts'
import { COMMAND, type ExitedFrame } from './protocol.ts'
import { RelayedSource } from './relayed-source.ts'
import type { ServerSide } from './server-side.ts'

/** A process the fork server has started. */
export class ForkedProcess implements RunningProcess {
  readonly pid: number
  readonly stdin: ByteSink
  readonly stdout: ByteSource
  readonly stderr: ByteSource
  readonly limits: AppliedLimits
  readonly exited: Promise<ProcessStatus>
  readonly #input: PipeSink | undefined
  readonly #outputs: readonly (RelayedSource | undefined)[]
  readonly #life: ServerSide
  #settle!: (status: ProcessStatus) => void
  #ended: ProcessStatus | undefined
  #released = false
  #measured: PromiseWithResolvers<Usage> | undefined

  constructor(
    pid: number,
    stdin: PipeSink | undefined,
    command: LaunchCommand,
    limits: AppliedLimits,
    life: ServerSide,
  ) {
    this.pid = pid
    this.limits = limits
    this.#life = life
    this.#input = stdin
    this.stdin = stdin ?? noSink
    const stdout = command.stdout === 'pipe' ? new RelayedSource(life, COMMAND.stdout) : undefined
    const stderr = command.stderr === 'pipe' ? new RelayedSource(life, COMMAND.stderr) : undefined
    this.#outputs = [stdout, stderr]
    this.stdout = stdout ?? noSource
    this.stderr = stderr ?? noSource
    this.exited = new Promise((resolve) => (this.#settle = resolve))
  }

  kill(killSignal: NodeJS.Signals): void {
    if (!this.#released) this.#life.tell(COMMAND.signal, constants.signals[killSignal])
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#life.tell(COMMAND.release, 0)
    this.#life.forget()
    for (const output of this.#outputs) output?.destroy()
  }

  measure(): Promise<Usage> {
    if (this.#ended !== undefined) return Promise.resolve(this.#ended.usage ?? NO_USAGE)
    if (this.#measured === undefined) {
      this.#measured = Promise.withResolvers<Usage>()
      this.#life.tell(COMMAND.measure, 0)
    }
    return this.#measured.promise
  }

  // ── what the fork server says ──

  /** The bytes are ours during the call only. */
  onOutput(stream: number, chunk: Buffer): void {
    this.#outputs[stream]?.push(chunk)
  }

  onOutputFull(stream: number, file: number): void {
    this.#outputs[stream]?.full(file)
  }

  onOutputEnd(stream: number): void {
    this.#outputs[stream]?.end()
  }

  onInput(look: number, unread: number): void {
    this.#input?.heard(look, unread)
  }

  onUsage(usage: Usage): void {
    this.#measured?.resolve(usage)
    this.#measured = undefined
  }

  onExited(frame: ExitedFrame): void {
    for (const output of this.#outputs) output?.lastWords()
    this.#end(statusOf(frame, this.limits))
  }

  /** There is no fork server any more. Its guardian kills the tree, unless it was killed as well. */
  onLost(error: Error): void {
    if (this.#ended === undefined) killGroup(this.pid)
    this.#end({ exitCode: undefined, signalCode: undefined, lost: error })
    for (const output of this.#outputs) output?.end()
  }

  #end(status: ProcessStatus): void {
    if (this.#ended !== undefined) return
    this.#ended = status
    this.onUsage(status.usage ?? NO_USAGE)
    this.#settle(status)
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nobody is left, or nobody we may signal.
  }
}

const SIGNALS = new Map(
  Object.entries(constants.signals)
    .map(([name, number]) => [number, name as NodeJS.Signals] as const)
    .toReversed(),
)

function statusOf({ status, broken, systemOom, usage }: ExitedFrame, limits: AppliedLimits): ProcessStatus {
  const signal = status & 0x7f
  const limit = breakOf(broken, limits) ?? breakBySignal(signal, limits, usage.cpuTime)
  return {
    exitCode: signal === 0 ? (status >> 8) & 0xff : undefined,
    signalCode: signal === 0 ? undefined : (SIGNALS.get(signal) ?? 'SIGKILL'),
    usage,
    ...(limit === undefined ? {} : { limit }),
    ...(systemOom ? { systemOom } : {}),
  }
}

function breakOf(broken: ExitedFrame['broken'], limits: AppliedLimits): LimitBreak | undefined {
  const applied = broken === undefined ? undefined : limits[broken.limit]
  if (broken === undefined || applied === undefined) return undefined
  return {
    ...applied,
    limit: broken.limit,
    observed: broken.observed,
    enforcedBy: broken.enforcedBy ?? applied.enforcedBy,
  }
}

/** What the kernel says about a resource limit by the signal alone. */
function breakBySignal(signal: number, limits: AppliedLimits, cpuTime: number): LimitBreak | undefined {
  const limit: LimitName | undefined =
    signal === constants.signals.SIGXFSZ ? 'fileSize' : signal === constants.signals.SIGXCPU ? 'cpuTime' : undefined
  const applied = limit === undefined ? undefined : limits[limit]
  if (limit === undefined || applied === undefined) return undefined
  const observed = limit === 'cpuTime' ? Math.max(applied.max, cpuTime) : applied.max
  return { limit, max: applied.max, observed, enforcedBy: 'rlimit', exact: true }
}
