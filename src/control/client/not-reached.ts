import { ControlError, toError } from '../../base/errors.ts'

/** Why a fleet does not answer, and what to do. */
export function notReached(socketPath: string, thrown: unknown): ControlError {
  if (thrown instanceof ControlError) return thrown
  const error = toError(thrown) as NodeJS.ErrnoException
  const cause = { cause: error }
  const reason = REASONS[error.code ?? ''] ?? {
    says: (path: string) => `Cannot talk to the fleet at ${path}: ${error.message}`,
  }
  return new ControlError(reason.code ?? 'ERR_PAGENT_CONTROL', reason.says(socketPath), cause)
}

interface Reason {
  readonly code?: 'ERR_PAGENT_NO_MASTER'
  readonly says: (socketPath: string) => string
}

const absent: Reason = {
  code: 'ERR_PAGENT_NO_MASTER',
  says: (path) => `No fleet is running: there is no ${path}; start one by \`pagent up\``,
}
const dead: Reason = {
  code: 'ERR_PAGENT_NO_MASTER',
  says: (path) => `No fleet is running: nobody listens at ${path} any more; start one by \`pagent up\``,
}
const ended: Reason = {
  code: 'ERR_PAGENT_NO_MASTER',
  says: (path) => `The fleet at ${path} has ended before it had answered; start it again by \`pagent up\``,
}
const foreign: Reason = { says: (path) => `Cannot talk to the fleet at ${path}: it belongs to another user` }
const busy: Reason = { says: (path) => `Cannot talk to the fleet at ${path}: too many want to at once; try again` }

const REASONS: Readonly<Record<string, Reason>> = {
  ENOENT: absent,
  ENOTDIR: absent,
  ECONNREFUSED: dead,
  ECONNRESET: ended,
  EPIPE: ended,
  ERR_STREAM_PREMATURE_CLOSE: ended,
  EACCES: foreign,
  EPERM: foreign,
  EAGAIN: busy,
}

/** The connection has ended in the middle of an answer. */
export function isCut(error: unknown): boolean {
  const { code } = toError(error) as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}
