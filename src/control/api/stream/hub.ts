import { type Clock, Timers } from '../../../base/clock.ts'
import type { Fleet } from '../../fleet/contract.ts'
import type { EventRecord, LogRecord, StreamTopic, WorkerStatus } from '../wire.ts'

/** Every worker at one moment. */
export interface Sample {
  readonly at: number
  readonly workers: readonly WorkerStatus[]
}

/** Somebody who is told what happens. None of it may take long or throw. */
export interface Listener {
  readonly topics: ReadonlySet<StreamTopic>
  event(event: EventRecord): void
  log(record: LogRecord): void
  metrics(sample: Sample): void
  /** Nothing has happened for a while. */
  heartbeat(): void
  /** Nothing more will happen. */
  end(): void
}

const METRICS_EVERY = 1000
const HEARTBEAT_EVERY = 15_000

/** Asks the fleet once for all who listen, and only while somebody does. */
export class Hub {
  readonly #fleet: Fleet
  readonly #clock: Clock
  readonly #fault: (error: unknown) => void
  /** What slow readers were not told, so far. */
  readonly dropped: Record<StreamTopic, number> = { event: 0, log: 0, metrics: 0 }
  readonly #listeners = new Set<Listener>()
  readonly #ends = new Map<StreamTopic, () => void>()
  #heart: Timers | undefined
  #sample: Sample | undefined
  #isClosed = false

  constructor(fleet: Fleet, clock: Clock, fault: (error: unknown) => void) {
    this.#fleet = fleet
    this.#clock = clock
    this.#fault = fault
  }

  get listeners(): number {
    return this.#listeners.size
  }

  get date(): number {
    return this.#clock.date()
  }

  join(listener: Listener): void {
    if (this.#isClosed) return listener.end()
    this.#listeners.add(listener)
    if (this.#heart === undefined) this.#beat((this.#heart = new Timers(this.#clock)))
    for (const topic of listener.topics) this.#begin(topic)
    if (listener.topics.has('metrics') && this.#sample !== undefined) listener.metrics(this.#sample)
  }

  leave(listener: Listener): void {
    if (!this.#listeners.delete(listener)) return
    for (const topic of listener.topics) if (!this.#isWanted(topic)) this.#end(topic)
    if (this.#listeners.size > 0) return
    this.#heart?.cancel()
    this.#heart = undefined
  }

  /** Ends everybody, behind what they have not read yet. */
  close(): void {
    this.#isClosed = true
    for (const listener of this.#listeners) {
      this.leave(listener)
      listener.end()
    }
  }

  #isWanted(topic: StreamTopic): boolean {
    return [...this.#listeners].some(({ topics }) => topics.has(topic))
  }

  #begin(topic: StreamTopic): void {
    if (!this.#ends.has(topic)) this.#ends.set(topic, this.#subscribe(topic))
  }

  #end(topic: StreamTopic): void {
    this.#ends.get(topic)?.()
    this.#ends.delete(topic)
  }

  #subscribe(topic: StreamTopic): () => void {
    const tell = (say: (listener: Listener) => void): void => {
      for (const listener of this.#listeners) if (listener.topics.has(topic)) say(listener)
    }
    switch (topic) {
      case 'event':
        return this.#fleet.onEvent((event) => tell((listener) => listener.event(event)))
      case 'log':
        return this.#fleet.onLog((record) => tell((listener) => listener.log(record)))
      case 'metrics':
        return this.#measure((sample) => tell((listener) => listener.metrics(sample)))
    }
  }

  /** At once, and a second after the last was known. */
  #measure(tell: (sample: Sample) => void): () => void {
    const timers = new Timers(this.#clock)
    let isOver = false
    const measure = async (): Promise<void> => {
      try {
        const workers = await this.#fleet.workers()
        if (!isOver) tell((this.#sample = { at: this.#clock.date(), workers }))
      } catch (error) {
        this.#fault(error)
      }
      timers.after(METRICS_EVERY, () => void measure())
    }
    void measure()
    return () => {
      isOver = true
      this.#sample = undefined
      timers.cancel()
    }
  }

  #beat(timers: Timers): void {
    timers.after(HEARTBEAT_EVERY, () => {
      for (const listener of this.#listeners) listener.heartbeat()
      this.#beat(timers)
    })
  }
}
