import { constants } from 'node:os'
import { LimitUnsupportedError, SpawnError } from '../base/errors.ts'
import type { Exit } from '../base/exit.ts'
import { isTime } from './run/limits.ts'

export const FAILED = 1
export const WRONG_USAGE = 2
/** As LSB says it for services. */
export const NOT_RUNNING = 3
export const NO_SUCH_WORKER = 4
/** No fleet answers. */
export const NO_MASTER = 5
/** Between a fleet's process in the background and whoever starts it: another was faster. As `EX_TEMPFAIL`. */
export const TAKEN = 75
/** As coreutils' `timeout`. */
export const TIMED_OUT = 124
/** As shells and `env`. */
const CANNOT_RUN = 126
const NOT_FOUND = 127

/** The exit code of a command that stands for a program: the program's own, and what shells use for the rest. */
export function exitCodeOf(exit: Exit): number {
  switch (exit.kind) {
    case 'normal':
      return 0
    case 'failed':
      return exit.exitCode
    case 'signaled':
      return ofSignal(exit.signalCode)
    case 'stopped':
      return exit.signalCode === undefined ? (exit.exitCode ?? 0) : ofSignal(exit.signalCode)
    case 'limit':
      return isTime(exit.limit) ? TIMED_OUT : ofSignal('SIGKILL')
    case 'unready':
    case 'unresponsive':
      return TIMED_OUT
    case 'crashed':
      return ofCrash(exit.error)
    case 'gave-up':
      return ofGivingUp(exit.exits)
    case 'protocol':
    case 'lost':
      return FAILED
  }
}

export function ofSignal(signal: NodeJS.Signals): number {
  return 128 + (constants.signals[signal] ?? 0)
}

function ofCrash(error: Error): number {
  if (error instanceof LimitUnsupportedError) return WRONG_USAGE
  if (!(error instanceof SpawnError)) return FAILED
  return error.errno === 'ENOENT' ? NOT_FOUND : CANNOT_RUN
}

/** The last life's, but never 0: what shall run and does no longer has failed, however well its lives ended. */
export function ofGivingUp(exits: readonly Exit[]): number {
  const last = exits.at(-1)
  const code = last === undefined ? FAILED : exitCodeOf(last)
  return code === 0 ? FAILED : code
}
