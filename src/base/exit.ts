import type { FramingError } from './errors.ts'
import { formatBytes, formatMillis } from './units.ts'

/** What the whole tree of a worker uses or has used. What a launcher cannot measure is 0. */
export interface Usage {
  /** Milliseconds, of those that have ended too. */
  readonly cpuTime: number
  /** Bytes. In a cgroup what is charged to it, else what is resident, where shared pages count once for each process. */
  readonly memory: number
  /** The most bytes: exact in a cgroup, else the largest process or the largest sum that was seen. */
  readonly memoryPeak: number
  readonly processes: number
}

/** Nothing measured. */
export const NO_USAGE: Usage = { cpuTime: 0, memory: 0, memoryPeak: 0, processes: 0 }

/** What has gone through the channel of a worker: its stdout and its stdin. */
export interface Traffic {
  /** Bytes that it has written, and that were read. */
  readonly bytesIn: number
  /** Bytes that were written to it: what only waits to be is not among them. */
  readonly bytesOut: number
  /** Milliseconds that its stdout stood still, since nobody read its messages. */
  readonly pausedFor: number
}

/** Nothing said, nothing heard. */
export const NO_TRAFFIC: Traffic = { bytesIn: 0, bytesOut: 0, pausedFor: 0 }

/** The limits a worker can have; `Limits` holds a value for each. */
export type LimitName =
  | 'memory'
  | 'cpuTime'
  | 'cpus'
  | 'wallTime'
  | 'idle'
  | 'output'
  | 'processes'
  | 'openFiles'
  | 'fileSize'

/** Who enforced a limit. */
export type Enforcer = 'cgroup2' | 'cgroup1' | 'rlimit' | 'sampling' | 'master'

/** A limit that was reached. */
export interface LimitBreak {
  readonly limit: LimitName
  readonly max: number
  readonly observed: number
  readonly enforcedBy: Enforcer
  /** False when it was only watched: by the time it was seen, more may have been used. */
  readonly exact: boolean
}

/** What every exit carries, whatever its cause. */
export interface ExitFacts {
  readonly id: string
  readonly pid?: number
  /** Which life of the worker this was, from 1. */
  readonly incarnation: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Milliseconds. */
  readonly uptime: number
  readonly usage: Usage
  /** What went through its channel; undefined where there was no process. */
  readonly traffic?: Traffic
  /** The name of the framing of its stdout; undefined where there was no process. */
  readonly framing?: string
  /** The last lines of stdout and stderr. */
  readonly stdoutTail: string
  readonly stderrTail: string
  /** True when stdout ended in the middle of a message. */
  readonly unterminated?: boolean
}

/** The one cause of an end. */
export type ExitCause =
  | { readonly kind: 'normal' }
  | { readonly kind: 'failed'; readonly exitCode: number }
  | { readonly kind: 'signaled'; readonly signalCode: NodeJS.Signals; readonly hint?: 'system-oom' }
  | {
      readonly kind: 'stopped'
      readonly step: StopStep
      readonly exitCode?: number
      readonly signalCode?: NodeJS.Signals
    }
  | ({ readonly kind: 'limit' } & LimitBreak)
  | { readonly kind: 'unready'; readonly after: number }
  | { readonly kind: 'unresponsive'; readonly after: number; readonly error?: Error }
  | { readonly kind: 'protocol'; readonly error: FramingError }
  | { readonly kind: 'crashed'; readonly error: Error; readonly stage?: string }
  | { readonly kind: 'gave-up'; readonly exits: readonly Exit[] }
  | { readonly kind: 'lost'; readonly node: string; readonly cause: string }

/** The rung of the stop ladder that ended a worker; `'abort'` for a child that is no process: its `AbortSignal`. */
export type StopStep = 'farewell' | 'eof' | 'abort' | NodeJS.Signals

/** How a child ended, and why: data for whoever decides what comes next. Nothing that ends throws. */
export type Exit = ExitFacts & ExitCause

export const EXIT_KINDS: ReadonlySet<Exit['kind']> = new Set([
  'normal',
  'failed',
  'signaled',
  'stopped',
  'limit',
  'unready',
  'unresponsive',
  'protocol',
  'crashed',
  'gave-up',
  'lost',
])

/** The exit of what is no process, or never became one. `incarnation` 0 for what has not lived. */
export function plainExit(id: string, cause: ExitCause, startedAt: number, incarnation = 0, uptime = 0): Exit {
  return { id, incarnation, startedAt, uptime, usage: NO_USAGE, stdoutTail: '', stderrTail: '', ...cause }
}

/**
 * Whether a `transient` child is started again after this exit: after all but
 * `normal`, `stopped` and `gave-up` (OTP: `normal`, `shutdown`, `{shutdown, _}`).
 */
export function isAbnormal(exit: Pick<Exit, 'kind'>): boolean {
  return exit.kind !== 'normal' && exit.kind !== 'stopped' && exit.kind !== 'gave-up'
}

/** One sentence without the name: `exited with code 3 after 1.2s`. */
export function describeExit(exit: Exit): string {
  const timeless = exit.kind === 'unready' || exit.kind === 'gave-up'
  return timeless ? describeCause(exit) : `${describeCause(exit)} after ${formatMillis(exit.uptime)}`
}

function describeCause(exit: Exit): string {
  switch (exit.kind) {
    case 'normal':
      return exit.pid === undefined ? 'ended by itself' : 'exited with code 0'
    case 'failed':
      return `exited with code ${exit.exitCode}`
    case 'signaled':
      return `was killed by ${exit.signalCode}${exit.hint === 'system-oom' ? ' (the system ran out of memory)' : ''}`
    case 'stopped':
      return `was stopped by ${describeStep(exit.step)}`
    case 'limit':
      return `was ended at its limit ${exit.limit} (${describeLimit(exit)}, enforced by ${exit.enforcedBy})`
    case 'unready':
      return `was ended because it was not ready within ${formatMillis(exit.after)}`
    case 'unresponsive':
      if (exit.error !== undefined) return `was ended because its alive check failed: ${exit.error.message}`
      return `was ended because it did not answer within ${formatMillis(exit.after)}`
    case 'protocol':
      return `was ended because of its output: ${exit.error.message}${hintOf(exit.error)}`
    case 'crashed':
      return `crashed${exit.stage === undefined ? '' : ` in ${exit.stage}`}: ${exit.error.message}`
    case 'gave-up':
      return describeGivingUp(exit)
    case 'lost':
      return `was lost with node ${exit.node}: ${exit.cause}`
  }
}

/** What it wrote last, for an error: the lines that say what went wrong, where they can be told from those that say where. */
export function quoteTail(exit: Exit): string {
  const { framing = 'lines', stderrTail, stdoutTail } = exit
  if (stderrTail.trim() !== '') return `; its last stderr:\n  ${quote(stderrTail)}`
  // Messages are for programs, and those of calls are somebody else's.
  const isText = framing === 'lines' || framing === 'raw'
  return isText && stdoutTail.trim() !== '' ? `; its last output:\n  ${quote(stdoutTail)}` : ''
}

const QUOTED_LINES = 3
const QUOTED_LENGTH = 600
/** Frames of a stack, marks below a line of source, and what stands around them. */
const NOISE = /^\s*$|^\s+at |^\s*[~^]+$|^Node\.js v/
/** What Node, Java, Go and Rust say behind the error: where it was. */
const WHERE =
  /^\s|^$|^[}\]]|^Node\.js v|^note: |^stack backtrace:|^goroutine \d|^\[signal |^created by |^exit status |^\S+\(.*\)$/
const FRAME = /^\s+at |^Node\.js v|^goroutine \d/

function quote(tail: string): string {
  const lines = tail.trimEnd().split('\n')
  const told = lines.findLastIndex((line) => !WHERE.test(line)) + 1
  const hasStack = lines.slice(told).some((line) => FRAME.test(line))
  const telling = (hasStack ? lines.slice(0, told) : lines).filter((line) => !NOISE.test(line))
  // Of a stack that is longer than the tail there is no more.
  const quoted = telling.length === 0 ? lines : telling
  return quoted.slice(-QUOTED_LINES).join('\n  ').slice(-QUOTED_LENGTH)
}

/** Most often somebody has printed something. */
function hintOf({ reason }: FramingError): string {
  return reason === 'malformed' ? ' (stdout belongs to the messages: what is for people goes to stderr)' : ''
}

/** The end that began it all: of what was kept by supervisors that gave up, one after the other. */
export function originOf(exit: Exit): Exit {
  let origin = exit
  for (
    let last: Exit | undefined = exit;
    last !== undefined;
    last = last.kind === 'gave-up' ? last.exits.at(-1) : undefined
  )
    origin = last
  return origin
}

function describeGivingUp(exit: Exit & { readonly kind: 'gave-up' }): string {
  const origin = originOf(exit)
  if (origin === exit) return 'gave up'
  const count = exit.exits.length === 1 ? ':' : ` after ${exit.exits.length} exits, the last:`
  return `gave up${count} "${origin.id}" ${describeExit(origin)}`
}

function describeStep(step: StopStep): string {
  if (step === 'farewell') return 'its farewell message'
  if (step === 'abort') return 'its abort signal'
  return step === 'eof' ? 'the end of its stdin' : step
}

const TIMES: ReadonlySet<LimitName> = new Set(['cpuTime', 'wallTime', 'idle'])
const COUNTS: ReadonlySet<LimitName> = new Set(['cpus', 'processes', 'openFiles'])

function describeLimit(exit: { limit: LimitName; max: number; observed: number }): string {
  const show = TIMES.has(exit.limit) ? formatMillis : COUNTS.has(exit.limit) ? String : formatBytes
  return `${show(exit.observed)} of ${show(exit.max)}`
}
