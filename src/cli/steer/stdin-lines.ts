import { createInterface } from 'node:readline'

/** The lines of stdin, until its end or `signal`; a reader that is slow slows whoever writes them. */
export async function* stdinLines(signal?: AbortSignal): AsyncGenerator<string> {
  const reader = createInterface({ input: process.stdin, crlfDelay: Infinity, terminal: false })
  const close = (): void => reader.close()
  signal?.addEventListener('abort', close, { once: true })
  try {
    if (signal?.aborted !== true) yield* reader
  } finally {
    signal?.removeEventListener('abort', close)
    reader.close()
    // A terminal that is still read would keep us alive.
    process.stdin.destroy()
  }
}
