/** What asks us to end. */
export const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type EndingSignal = (typeof ENDING)[number]

/** What means something to the program and nothing to us. */
const FORWARDED = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const

export interface SignalHandlers {
  readonly end: (signal: EndingSignal) => void
  readonly forward: (signal: NodeJS.Signals) => void
}

/** Takes over the signals of this process until the returned function is called. */
export function takeSignals({ end, forward }: SignalHandlers): () => void {
  const taken: [NodeJS.Signals, () => void][] = [
    ...ENDING.map((signal): [NodeJS.Signals, () => void] => [signal, () => end(signal)]),
    ...FORWARDED.map((signal): [NodeJS.Signals, () => void] => [signal, () => forward(signal)]),
  ]
  for (const [signal, handle] of taken) process.on(signal, handle)
  return () => {
    for (const [signal, handle] of taken) process.off(signal, handle)
  }
}
