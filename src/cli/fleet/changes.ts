import type { ControlClient } from '../../control/client/contract.ts'

/**
 * Yields at once, and again whenever something has happened since; ends with the fleet, or the signal. What happens while the
 * reader looks is one change: a fleet of thousands is looked at a few times while it starts, not thousands of times.
 */
export async function* changes(client: ControlClient, signal: AbortSignal): AsyncGenerator<void> {
  const enough = new AbortController()
  const state = { hasChanged: false, hasEnded: false, wake: (): void => {} }
  const following = follow(client, AbortSignal.any([signal, enough.signal]), state)
  // Whoever reads to the end hears of it.
  following.catch(() => {})
  try {
    for (;;) {
      if (state.hasChanged) {
        state.hasChanged = false
        yield
      } else if (state.hasEnded) return await following
      else await new Promise<void>((resolve) => (state.wake = resolve))
    }
  } finally {
    enough.abort()
  }
}

async function follow(
  client: ControlClient,
  signal: AbortSignal,
  state: { hasChanged: boolean; hasEnded: boolean; wake: () => void },
): Promise<void> {
  try {
    // The first frame says that nothing is missed from here on.
    for await (const _ of client.stream(['event'], { signal })) {
      state.hasChanged = true
      state.wake()
    }
  } finally {
    state.hasEnded = true
    state.wake()
  }
}
