import { type Exit, describeExit, originOf, quoteTail } from './exit.ts'

/** The base of every error thrown at a caller. Misuse is not among them: that is a `TypeError` or a `RangeError`. */
export abstract class PagentError extends Error {
  abstract readonly code: `ERR_PAGENT_${string}`

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }

  /** As `is`: a program may hold two copies of a class, one from `pagent` and one from `pagent/worker`. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    return PagentError.is(value) && (this === PagentError || value.name === this.name)
  }

  /** True for an error of any copy of this package. */
  static is(value: unknown): value is PagentError {
    return value instanceof Error && 'code' in value && String(value.code).startsWith('ERR_PAGENT_')
  }
}

/** Anything can be thrown: an error of it, also of what cannot be made a string. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  try {
    return new Error(String(thrown))
  } catch {
    return new Error('something was thrown that cannot be shown')
  }
}

/** Where a start failed: before the process, or in the kernel. */
export type SpawnStage = 'command' | 'cwd' | 'spawn' | 'keeper' | 'fork-server'

/** Of processes, of file descriptors, of memory. */
const SHORTAGES: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS'])

/** A worker could not be started. */
export class SpawnError extends PagentError {
  readonly code = 'ERR_PAGENT_SPAWN'
  readonly worker: string
  readonly file: string
  readonly stage: SpawnStage
  /** `ENOENT`, `EACCES`, `EAGAIN`… */
  readonly errno: string | undefined

  constructor(
    worker: string,
    file: string,
    stage: SpawnStage,
    why: string,
    options?: ErrorOptions & { errno?: string | undefined },
  ) {
    super(`Cannot start worker "${worker}": ${why}`, options)
    this.worker = worker
    this.file = file
    this.stage = stage
    this.errno = options?.errno
  }

  /** True when the system was short of something that comes back: the same start may succeed later. */
  get passing(): boolean {
    return SHORTAGES.has(this.errno)
  }
}

/** A caller waited for something of a worker that ended first. Carries the exit, and so the cause and the last output. */
export class ExitError extends PagentError {
  readonly code = 'ERR_PAGENT_EXIT'
  readonly worker: string
  readonly exit: Exit

  /** `why` is for an end that is long past, and no fault of who calls. */
  constructor(action: string, exit: Exit, what = 'worker', why = '') {
    super(`Cannot ${action} ${what} "${exit.id}": ${why}it ${describeExit(exit)}${quoteTail(exit)}`, causeOf(exit))
    this.worker = exit.id
    this.exit = exit
  }
}

/** Something was sent to a channel or a worker that takes no more. */
export class ClosedError extends PagentError {
  readonly code = 'ERR_PAGENT_CLOSED'
}

/** Something did not happen in time. */
export class TimeoutError extends PagentError {
  readonly code = 'ERR_PAGENT_TIMEOUT'
  readonly waitingFor: string
  /** Milliseconds. */
  readonly after: number

  constructor(message: string, waitingFor: string, after: number) {
    super(message)
    this.waitingFor = waitingFor
    this.after = after
  }
}

/** What was wrong with a message. `unterminated` is a notice: the message was delivered all the same. */
export type FramingReason = 'too-long' | 'malformed' | 'truncated' | 'unterminated' | 'unencodable'

/** Bytes that are not a message of the framing, or a message that the framing cannot write. */
export class FramingError extends PagentError {
  readonly code = 'ERR_PAGENT_FRAMING'
  readonly framing: string
  readonly reason: FramingReason
  /** Bytes seen of the offending message, where known. */
  readonly length: number | undefined

  constructor(framing: string, reason: FramingReason, message: string, options?: ErrorOptions & { length?: number }) {
    super(message, options)
    this.framing = framing
    this.reason = reason
    this.length = options?.length
  }
}

/** The other side broke the protocol above the framing. */
export class ProtocolError extends PagentError {
  readonly code = 'ERR_PAGENT_PROTOCOL'
}

/** A call was answered with an error: what the function threw on the other side. */
export class RpcError extends PagentError {
  readonly code = 'ERR_PAGENT_RPC'
  /** Who answered: `worker "a"`. */
  readonly peer: string
  readonly method: string
  /** The JSON-RPC code: -32601 for an unknown method, -32000 for a function that threw. */
  readonly rpcCode: number
  /** What came with the error; from our own workers `{ name, stack, code?, data? }` of what was thrown. */
  readonly data: unknown

  constructor(peer: string, method: string, message: string, rpcCode: number, data?: unknown) {
    super(`${method} failed in ${peer}: ${message}`)
    this.peer = peer
    this.method = method
    this.rpcCode = rpcCode
    this.data = data
  }

  /** The stack on the other side, where it was sent. */
  get remoteStack(): string | undefined {
    const { data } = this
    const stack = typeof data === 'object' && data !== null && 'stack' in data ? data.stack : undefined
    return typeof stack === 'string' ? stack : undefined
  }
}

/** What of a call a schema is for. */
export type CheckedPart = 'argument' | 'result' | 'item'

/** What is wrong with a value, and where in it. */
export interface ValidationIssue {
  readonly message: string
  /** Names and places on the way to it; none for the value itself. */
  readonly path: readonly (string | number)[]
}

/** An argument, a result or an item of a stream is not what its schema allows. */
export class ValidationError extends PagentError {
  readonly code = 'ERR_PAGENT_VALIDATION'
  readonly method: string
  readonly part: CheckedPart
  /** Which argument, from 0. */
  readonly index: number | undefined
  readonly issues: readonly ValidationIssue[]
  /** The message without the name of the method. */
  readonly why: string

  constructor(method: string, part: CheckedPart, index: number | undefined, issues: readonly ValidationIssue[]) {
    const what = index === undefined ? `the ${part}` : `${part} ${index + 1}`
    const shown = issues
      .slice(0, ISSUES_SHOWN)
      .map(({ message, path }) => [path.join('.'), message].filter(Boolean).join(': '))
    const more = issues.length > ISSUES_SHOWN ? `; and ${issues.length - ISSUES_SHOWN} more` : ''
    const why = `${what} does not match its schema: ${shown.join('; ')}${more}`
    super(`Cannot call ${method}: ${why}`)
    this.method = method
    this.part = part
    this.index = index
    this.issues = issues
    this.why = why
  }
}

const ISSUES_SHOWN = 5

/** A queue is full: the caller is faster than the worker. */
export class OverloadError extends PagentError {
  readonly code = 'ERR_PAGENT_OVERLOAD'
  /** Bytes or items waiting. */
  readonly queued: number
  readonly limit: number

  constructor(message: string, queued: number, limit: number) {
    super(message)
    this.queued = queued
    this.limit = limit
  }
}

/** A supervisor could not start its children; those it had started were stopped again. */
export class GaveUpError extends PagentError {
  readonly code = 'ERR_PAGENT_GAVE_UP'
  /** Its path, as in `'app/db'`. */
  readonly supervisor: string
  /** The end that was too much is the last. */
  readonly exits: readonly Exit[]

  constructor(supervisor: string, exits: readonly Exit[]) {
    const last = exits.at(-1)
    const why =
      last === undefined ? 'it gave up' : `its child "${last.id}" ${describeExit(last)}${quoteTail(originOf(last))}`
    super(`Cannot start supervisor "${supervisor}": ${why}`, last === undefined ? undefined : causeOf(last))
    this.supervisor = supervisor
    this.exits = exits
  }
}

/** A limit that this machine or launcher cannot enforce; it is refused rather than ignored. */
export class LimitUnsupportedError extends PagentError {
  readonly code = 'ERR_PAGENT_LIMIT_UNSUPPORTED'
  readonly limit: string

  constructor(worker: string, limit: string, why: string) {
    super(`Cannot start worker "${worker}" with the limit ${limit}: ${why}`)
    this.limit = limit
  }
}

/** No worker of that name. */
export class UnknownWorkerError extends PagentError {
  readonly code = 'ERR_PAGENT_UNKNOWN_WORKER'
  readonly worker: string

  /** `action` is what was to be done with it. */
  constructor(worker: string, known: readonly string[], action = 'delete') {
    const list =
      known.length === 0
        ? 'there are no workers'
        : `known: ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`
    super(`Cannot ${action} worker "${worker}": there is no worker of that name (${list})`)
    this.worker = worker
  }
}

/** `start` of a worker or supervisor that is already started; the first one is left alone. */
export class AlreadyStartedError extends PagentError {
  readonly code = 'ERR_PAGENT_ALREADY_STARTED'
  readonly worker: string

  constructor(worker: string, state: string, pid: number | undefined, what = 'worker') {
    const living = pid === undefined ? '' : ` (pid ${pid})`
    const instead = what === 'worker' ? ', or restart() it' : ''
    super(`Cannot start ${what} "${worker}": it is ${state}${living}; stop() it first${instead}`)
    this.worker = worker
  }
}

/**
 * A fleet in another process has refused or failed to do something, and `code` is that of its error; or nobody answers, and it is
 * `ERR_PAGENT_NO_MASTER`.
 */
export class ControlError extends PagentError {
  readonly code: `ERR_PAGENT_${string}`
  /** Of HTTP; undefined where nobody has answered. */
  readonly status: number | undefined

  constructor(code: `ERR_PAGENT_${string}`, message: string, options?: ErrorOptions & { status?: number }) {
    super(message, options)
    this.code = code
    this.status = options?.status
  }
}

function causeOf(exit: Exit): ErrorOptions | undefined {
  const begun = originOf(exit)
  return begun.kind === 'crashed' || begun.kind === 'protocol' ? { cause: begun.error } : undefined
}
