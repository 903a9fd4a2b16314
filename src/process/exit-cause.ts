import type { FramingError } from '../base/errors.ts'
import type { ExitCause, StopStep } from '../base/exit.ts'
import type { ProcessStatus } from './launcher.ts'

/** Why we end a worker, written down before the first rung of the ladder is tried. */
export type Intent = ExitCause | 'stop'

/** Everything known when a process has ended. */
export interface Ending {
  readonly status: ProcessStatus
  /** What we were about to do; the rung that was tried last before the end. */
  readonly intent: Intent | undefined
  readonly step: StopStep | undefined
  /** What broke its output. */
  readonly fault: FramingError | undefined
}

/**
 * The one cause of an end. First match wins: a limit that the kernel or the launcher ended it at, an end we wanted, an
 * end we made for a cause, a signal, a code. A worker that ended by itself before a rung was tried keeps its own cause.
 */
export function causeOf({ status, intent, step, fault }: Ending): ExitCause {
  const { exitCode = 0, signalCode, limit, lost } = status
  if (limit !== undefined) return { kind: 'limit', ...limit }
  if (intent === 'stop' && step !== undefined) {
    return { kind: 'stopped', step, ...(signalCode === undefined ? { exitCode } : { signalCode }) }
  }
  if (intent !== undefined && intent !== 'stop') return intent
  if (lost !== undefined) return { kind: 'crashed', error: lost, stage: 'launcher' }
  if (signalCode !== undefined)
    return { kind: 'signaled', signalCode, ...(status.systemOom === true ? { hint: 'system-oom' as const } : {}) }
  if (exitCode !== 0) return { kind: 'failed', exitCode }
  // It says that all is well, but its last message is not whole.
  return fault === undefined ? { kind: 'normal' } : { kind: 'protocol', error: fault }
}
