import { ENDING, type EndingSignal } from '../signals.ts'
import type { Stage } from './stage.ts'
import type { View } from './views/view.ts'

/** Somebody wants the demo to end. */
export interface Interruption {
  readonly signal: AbortSignal
  /** What it was, when it was a signal of the system. */
  readonly signalCode: EndingSignal | undefined
  readonly stop: () => void
  /** Gives the signals back. */
  release(): void
}

/** The first signal ends the demo and everything in it in good order, the second one at once. */
export function takeSignals(stage: Stage, view: View): Interruption {
  const abort = new AbortController()
  let signalCode: EndingSignal | undefined
  const stop = (): void => abort.abort(new Error('the demo was interrupted'))
  const handle = (signal: NodeJS.Signals): void => {
    view.close()
    if (signalCode !== undefined) void stage.close({ eof: 0, grace: 0 })
    signalCode ??= signal as EndingSignal
    stop()
  }
  for (const signal of ENDING) process.on(signal, handle)
  // Ctrl-Z would leave its screen behind.
  process.on('SIGTSTP', ignore)
  return {
    signal: abort.signal,
    get signalCode() {
      return signalCode
    },
    stop,
    release: () => {
      for (const signal of ENDING) process.off(signal, handle)
      process.off('SIGTSTP', ignore)
    },
  }
}

function ignore(): void {}
