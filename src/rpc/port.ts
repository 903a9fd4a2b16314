import type { Channel } from '../channel/channel.ts'

/** Where a peer's messages leave. */
export interface Port {
  /**
   * What is `owed`, since a call or a credit stands behind it, is taken though much waits already.
   *
   * @throws ClosedError, FramingError, OverloadError
   */
  post(message: unknown, owed?: boolean): void
  /** Resolves when what was posted has left; undefined when there is room. Whoever answers waits for it before the next. */
  readonly pressure: Promise<void> | undefined
}

/** A port over any channel; one that is a port says at once what cannot be sent. Another is waited for: `failed` hears of it. */
export function portOf(channel: Channel<any, any>, failed: (message: unknown, error: Error) => void): Port {
  if (isPort(channel)) return channel
  let waiting = 0
  let last: Promise<void> | undefined
  const post = (message: unknown): void => {
    waiting++
    const sent = channel.send(message)
    last = sent
    const left = (): void => void waiting--
    sent.then(left, (error: unknown) => {
      left()
      failed(message, error as Error)
    })
  }
  return {
    post,
    get pressure() {
      return waiting < 1000 ? undefined : last?.catch(() => {})
    },
  }
}

/** Of whichever bundle its class is. */
function isPort(channel: object): channel is Port {
  return 'post' in channel && typeof channel.post === 'function' && 'pressure' in channel
}
