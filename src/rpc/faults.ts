import { RpcError } from '../base/errors.ts'
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
  if (!(thrown instanceof Error))
    return { code: CODES.failed, message: String(thrown), data: { thrown: plain(thrown) } }
  const { code, data } = thrown as { code?: unknown; data?: unknown }
  const own: ErrorData = { name: thrown.name, stack: thrown.stack ?? '', ...(typeof code === 'string' && { code }) }
  const more = data === undefined ? {} : { data: plain(data) }
  return { code: isInteger(code) ? code : CODES.failed, message: thrown.message, data: { ...own, ...more } }
}

/** The error of a caller, from what came. `who` has failed it. */
export function fromWire(who: string, method: string, error: unknown): RpcError {
  const { code, message, data } = (typeof error === 'object' && error !== null ? error : {}) as Partial<WireError>
  const text = typeof message === 'string' ? message : `an error without a message: ${JSON.stringify(error)}`
  return new RpcError(who, method, text, isInteger(code) ? code : CODES.internalError, data)
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** What JSON cannot carry must not keep the error itself from arriving. */
function plain(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null')
  } catch {
    return String(value)
  }
}
