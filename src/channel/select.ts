import { type Clock, type Timer, systemClock } from '../base/clock.ts'
import { TimeoutError } from '../base/errors.ts'
import { type Millis, formatMillis, parseMillis } from '../base/units.ts'
import { type Channel, type Selectable, TAKE, WAIT } from './channel.ts'

type MessageOf<C> = C extends Channel<infer In, infer _Out> ? In : never

/** Which channel was ready, and its message; `value` undefined: that channel has ended. */
export type Selected<C extends Record<string, Channel<any, any>>> = {
  [K in keyof C & string]: { readonly key: K; readonly value: MessageOf<C[K]> | undefined }
}[keyof C & string]

export interface SelectOptions {
  /** Gives up; every message stays where it is. Rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** Longest wait; then rejects with `TimeoutError`. @default none */
  readonly timeout?: Millis | undefined
}

/**
 * Takes one message from whichever channel has one first, and nothing from the others: Go's `select`.
 *
 * Of several that are ready one is chosen at random, so that none can starve another. An ended channel is always
 * ready; leave it out of the next round.
 *
 * ```ts
 * import { channel, select } from 'pagent'
 * const work = channel<string>(1)
 * const quit = channel<boolean>(1)
 * await work.send('job')
 * const next = await select({ work, quit }, { timeout: '1s' })
 * console.log(next.key, next.value) // → work job
 * ```
 *
 * Rejects with the `FramingError` of a channel that broke.
 *
 * @throws TypeError for a channel that `select` cannot watch, or for none at all; RangeError for a bad timeout.
 */
export function select<C extends Record<string, Channel<any, any>>>(
  from: C,
  options: SelectOptions = {},
): Promise<Selected<C>> {
  const entries = Object.entries(from).map(([key, channel]) => ({ key, channel: selectable(key, channel) }))
  if (entries.length === 0) throw new TypeError('Cannot select from no channels: give at least one')
  const timeout = options.timeout === undefined ? undefined : parseMillis(options.timeout, 'timeout')
  if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error)
  return (takeReady(entries) ?? waitForFirst(entries, timeout, options.signal, systemClock)) as Promise<Selected<C>>
}

interface Entry {
  readonly key: string
  readonly channel: Selectable<unknown>
}

function selectable(key: string, channel: Channel<any, any>): Selectable<unknown> {
  if (typeof channel === 'object' && channel !== null && TAKE in channel && WAIT in channel)
    return channel as unknown as Selectable<unknown>
  throw new TypeError(`Cannot select from "${key}": it is not a worker or a channel of this library`)
}

function takeReady(entries: readonly Entry[]): Promise<{ key: string; value: unknown }> | undefined {
  const start = Math.floor(Math.random() * entries.length)
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[(start + i) % entries.length] as Entry
    const taken = entry.channel[TAKE]()
    if (taken.state === 'message') return Promise.resolve({ key: entry.key, value: taken.value })
    if (taken.error !== undefined) return Promise.reject(taken.error)
    if (taken.state === 'ended') return Promise.resolve({ key: entry.key, value: undefined })
  }
  return undefined
}

function waitForFirst(
  entries: readonly Entry[],
  timeout: number | undefined,
  signal: AbortSignal | undefined,
  clock: Clock,
): Promise<{ key: string; value: unknown }> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      for (const forget of forgets) forget()
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
      settle()
    }
    const onAbort = (): void => finish(() => reject(signal?.reason as Error))
    const timer = startTimer(timeout, clock, (error) => finish(() => reject(error)))
    signal?.addEventListener('abort', onAbort, { once: true })
    const forgets = entries.map(({ key, channel }) =>
      channel[WAIT]({
        give(value) {
          finish(() => resolve({ key, value }))
          return true
        },
        fail: (error) => finish(() => reject(error)),
      }),
    )
  })
}

function startTimer(
  after: number | undefined,
  clock: Clock,
  onTimeout: (error: TimeoutError) => void,
): Timer | undefined {
  if (after === undefined) return undefined
  return clock.after(after, () =>
    onTimeout(new TimeoutError(`No channel had a message within ${formatMillis(after)}`, 'select', after)),
  )
}
