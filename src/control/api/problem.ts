import { ControlError, PagentError, toError } from '../../base/errors.ts'
import type { ApiProblem } from './wire.ts'

/** An error as it is answered. */
export interface Answer {
  readonly status: number
  readonly problem: ApiProblem
  /** It is a fault of ours: nobody has foreseen it. */
  readonly isFault: boolean
}

/** What each error of the library is in HTTP. What is not here is in the way of things as they are: 409. */
const STATUS: Readonly<Record<string, number>> = {
  ERR_PAGENT_UNKNOWN_WORKER: 404,
  ERR_PAGENT_FRAMING: 400,
  ERR_PAGENT_RPC: 502,
  ERR_PAGENT_PROTOCOL: 502,
  ERR_PAGENT_OVERLOAD: 503,
  ERR_PAGENT_TIMEOUT: 504,
}

/** Says an error to who asked: its code and its message, never where in the code it happened. */
export function answerOf(thrown: unknown): Answer {
  const error = toError(thrown)
  if (PagentError.is(error)) {
    const { code, message } = error
    const status = (error instanceof ControlError ? error.status : undefined) ?? STATUS[code] ?? 409
    return { status, problem: { code, message }, isFault: false }
  }
  // What is thrown at misuse, such as a signal that does not exist.
  const isMisuse = error instanceof TypeError || error instanceof RangeError
  if (isMisuse && error.message.startsWith('Cannot ') && !isBug(error))
    return { status: 400, problem: { code: 'ERR_PAGENT_BAD_REQUEST', message: error.message }, isFault: false }
  const message = `The fleet has failed to answer, which is a fault of pagent: ${error.message}`
  return { status: 500, problem: { code: 'ERR_PAGENT_INTERNAL', message }, isFault: true }
}

/** The engine begins some of its own messages as we begin ours. */
function isBug({ message }: Error): boolean {
  return /^Cannot (?:read|set|add|delete|assign|redefine|convert|destructure|access|mix|use 'in')\b.*(?:propert|undefined|null|BigInt|initialization|to object|to primitive)/.test(
    message,
  )
}

/** @throws ControlError 400: what was asked is not what can be. */
export function badRequest(message: string): ControlError {
  return new ControlError('ERR_PAGENT_BAD_REQUEST', message, { status: 400 })
}
