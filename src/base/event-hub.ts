import { type Channel as DiagnosticsChannel, channel as diagnosticsChannel } from 'node:diagnostics_channel'
import type { MasterEvent } from './events.ts'
import { Ring } from './queues/ring.ts'

/** Events a subscriber may be behind before the oldest are dropped. */
const BACKLOG = 10_000

/**
 * Fans events out: to every iteration, and to `node:diagnostics_channel` as `pagent:worker:<type>` and
 * `pagent:supervisor:<type>`.
 */
export class EventHub implements AsyncIterable<MasterEvent> {
  readonly #subscribers = new Set<Subscriber>()
  #closed = false

  readonly emit = (event: MasterEvent): void => {
    if (this.#closed) return
    for (const subscriber of this.#subscribers) subscriber.push(event)
    const diagnostics = diagnosticsFor(event)
    if (diagnostics.hasSubscribers) diagnostics.publish(event)
  }

  /** Ends every iteration behind the events so far. */
  close(): void {
    this.#closed = true
    for (const subscriber of this.#subscribers) subscriber.end()
  }

  /** Subscribes at once: what happens from here on is seen by the loop. */
  [Symbol.asyncIterator](): AsyncIterator<MasterEvent> {
    const subscriber = new Subscriber(() => this.#subscribers.delete(subscriber))
    this.#subscribers.add(subscriber)
    if (this.#closed) subscriber.end()
    return subscriber
  }
}

class Subscriber implements AsyncIterator<MasterEvent> {
  readonly #leave: () => void
  readonly #backlog = new Ring<MasterEvent>()
  readonly #readers = new Ring<(result: IteratorResult<MasterEvent>) => void>()
  #dropped = 0
  #ended = false

  constructor(leave: () => void) {
    this.#leave = leave
  }

  push(event: MasterEvent): void {
    const reader = this.#readers.shift()
    if (reader !== undefined) return reader({ done: false, value: event })
    this.#backlog.push(event)
    if (this.#backlog.length <= BACKLOG) return
    this.#backlog.shift()
    this.#dropped++
  }

  end(): void {
    this.#ended = true
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) reader(DONE)
    if (this.#backlog.length === 0) this.#leave()
  }

  next(): Promise<IteratorResult<MasterEvent>> {
    const value = this.#takeNotice() ?? this.#backlog.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.#ended) return this.return()
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  return(): Promise<IteratorResult<MasterEvent>> {
    this.#backlog.clear()
    this.#dropped = 0
    this.end()
    return Promise.resolve(DONE)
  }

  #takeNotice(): MasterEvent | undefined {
    const count = this.#dropped
    if (count === 0) return undefined
    this.#dropped = 0
    return { type: 'events-dropped', at: this.#backlog.peek()?.at ?? 0, count }
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

const diagnostics = new Map<string, DiagnosticsChannel>()

function diagnosticsFor(event: MasterEvent): DiagnosticsChannel {
  const known = diagnostics.get(event.type)
  if (known !== undefined) return known
  const created = diagnosticsChannel(`pagent:${event.supervisor !== undefined ? 'supervisor' : 'worker'}:${event.type}`)
  diagnostics.set(event.type, created)
  return created
}
