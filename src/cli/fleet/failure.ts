import { PagentError } from '../../base/errors.ts'
import { complaint } from '../config/complaint.ts'
import { FAILED, NO_MASTER, NO_SUCH_WORKER, TIMED_OUT, WRONG_USAGE, ofSignal } from '../exit-code.ts'
import { ReaderLeftError } from '../show/screen.ts'
import { OutputError, tell } from '../terminal.ts'

/** A command that could not do what it was asked to, with what to do next in its message. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: number

  constructor(message: string, exitCode: number = FAILED) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What fails on the other side, and what it means for a script. */
const CODES: Readonly<Record<string, number>> = {
  ERR_PAGENT_NO_MASTER: NO_MASTER,
  ERR_PAGENT_UNKNOWN_WORKER: NO_SUCH_WORKER,
  ERR_PAGENT_TIMEOUT: TIMED_OUT,
  ERR_PAGENT_CONFIG: WRONG_USAGE,
  ERR_PAGENT_BAD_REQUEST: WRONG_USAGE,
}

/** Tells what is wrong, and returns the exit code; what is a fault of ours is thrown on. */
export function explainFailure(error: unknown): number {
  if (error instanceof ReaderLeftError) return ofSignal('SIGPIPE')
  if (error instanceof CommandFailure) {
    tell('error', error.message)
    return error.exitCode
  }
  if (error instanceof OutputError) {
    tell('error', error.message)
    return FAILED
  }
  if (!PagentError.is(error)) throw error
  tell('error', error.code === 'ERR_PAGENT_CONFIG' ? complaint(error.message) : error.message)
  return CODES[error.code] ?? FAILED
}
