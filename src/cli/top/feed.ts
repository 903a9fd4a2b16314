import { type Clock, sleep } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { LogQuery, LogRecord, StreamFrame } from '../../control/api/wire.ts'
import type { ControlClient } from '../../control/client/contract.ts'

/** A fleet that is away is looked for so often, in milliseconds. */
const RETRY = 1000

export interface FeedListener {
  readonly frame: (frame: StreamFrame) => void
  /** Nothing comes any more; it is tried again. */
  readonly lost: (reason: string) => void
}

/** Follows what a fleet says, through its ends and its returns; resolves when `signal` is aborted. */
export async function follow(
  client: ControlClient,
  workers: readonly string[] | undefined,
  listener: FeedListener,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const options = { ...(workers === undefined ? {} : { workers }), signal }
  while (!signal.aborted) {
    let reason = 'the fleet has ended'
    try {
      for await (const frame of client.stream(['event', 'metrics'], options)) listener.frame(frame)
    } catch (error) {
      reason = toError(error).message
    }
    if (signal.aborted) return
    listener.lost(reason)
    await sleep(clock, RETRY, signal).catch(() => {})
  }
}

/** Nobody reads more lines than that in so many milliseconds; what a flood has beyond them, the fleet leaves out and counts. */
const MOST = 1000
const SPAN = 250

/** Reads the lines that are looked at, and only those; a flood of them no faster than they can be seen. */
export class LogTail {
  readonly #client: ControlClient
  readonly #clock: Clock
  readonly #take: (record: LogRecord) => void
  readonly #failed: (reason: string) => void
  #reading: AbortController | undefined
  #key = ''

  constructor(
    client: ControlClient,
    take: (record: LogRecord) => void,
    failed: (reason: string) => void,
    clock: Clock,
  ) {
    this.#client = client
    this.#clock = clock
    this.#take = take
    this.#failed = failed
  }

  /** True when they are others than before: what was read is over. */
  show(query: LogQuery): boolean {
    const key = JSON.stringify(query)
    if (key === this.#key) return false
    this.#key = key
    this.#reading?.abort()
    const reading = (this.#reading = new AbortController())
    void this.#read(query, reading.signal)
    return true
  }

  /** Reads them anew when they are asked for the next time: the fleet has come back. */
  reset(): void {
    this.#key = ''
  }

  close(): void {
    this.#reading?.abort()
  }

  async #read(query: LogQuery, signal: AbortSignal): Promise<void> {
    let [count, since] = [0, this.#clock.now()]
    try {
      for await (const record of this.#client.logs(query, signal)) {
        if (signal.aborted) return
        this.#take(record)
        if (++count < MOST) continue
        await sleep(this.#clock, Math.max(0, since + SPAN - this.#clock.now()), signal)
        ;[count, since] = [0, this.#clock.now()]
      }
    } catch (error) {
      if (!signal.aborted) this.#failed(toError(error).message)
    }
  }
}
