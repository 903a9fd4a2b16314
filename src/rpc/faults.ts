import { RpcError, ValidationError } from '../base/errors.ts'
import { CODES, type WireError } from './messages.ts'

/** What an error says of itself beside its message. */
interface ErrorData {
  readonly name?: string
  readonly stack?: string
  /** Such as `ENOENT`. */
  readonly code?: string
  readonly [member: string]: unknown
}

/** An error that a function threw, as it travels. Its own numeric `code` and `data` are kept, its stack is shown. */
export function toWire(thrown: unknown): WireError {
  try {
    if (thrown instanceof ValidationError) return ofInvalid(thrown)
    return thrown instanceof Error ? ofError(thrown) : ofOther(thrown)
  } catch {
    return { code: CODES.failed, message: 'something was thrown that cannot be shown' }
  }
}

/** So many characters of a message fit wherever anything does. */
const BRIEF = 1000

/** The same without what makes it long; undefined when nothing does. */
export function inBrief({ code, message, data }: WireError): WireError | undefined {
  if (message.length > BRIEF) return { code, message: `${message.slice(0, BRIEF - 1)}…` }
  return data === undefined ? undefined : { code, message }
}

/** The error of a caller, from what came. `who` has failed it. */
export function fromWire(who: string, method: string, error: unknown): RpcError {
  const { code, message, data } = (typeof error === 'object' && error !== null ? error : {}) as Partial<WireError>
  const text = typeof message === 'string' ? message : `an error without a message: ${show(error)}`
  return new RpcError(who, method, text, isInteger(code) ? code : CODES.internalError, data)
}

/** For people, whatever it is: a line that is not too long. */
export function show(value: unknown): string {
  const text = shown(value)
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function ofError(error: Error): WireError {
  // Anybody may have put anything there.
  const { code, data, name, message, stack } = error as unknown as Record<string, unknown>
  const own: ErrorData = {
    name: String(name),
    stack: typeof stack === 'string' ? stack : '',
    ...(typeof code === 'string' && { code }),
  }
  const more = data === undefined ? {} : { data: plain(data) }
  return { code: isInteger(code) ? code : CODES.failed, message: String(message), data: { ...own, ...more } }
}

/** Who has called it wrongly is told what was wrong; where our own function stands is nothing to him. */
function ofInvalid({ name, code, why, part, index, issues }: ValidationError): WireError {
  const data = { name, code, data: { part, ...(index === undefined ? {} : { index }), issues } }
  return { code: part === 'argument' ? CODES.invalidParams : CODES.internalError, message: why, data }
}

function ofOther(thrown: unknown): WireError {
  return { code: CODES.failed, message: String(thrown), data: { thrown: plain(thrown) } }
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** What JSON cannot carry must not keep the error itself from arriving. */
function plain(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null')
  } catch {
    return show(value)
  }
}
