import type {
  Attributes,
  BatchObservableResult,
  Counter,
  Histogram,
  Meter,
  Observable,
  ObservableCounter,
} from '@opentelemetry/api'
import { CpuTimes } from '../metrics/cpu-times.ts'
import type { End, Meters } from '../metrics/lives.ts'

/** A worker, as it is now. */
export interface Observed {
  readonly id: string
  readonly state: string
  readonly incarnation: number
  /** Bytes, and milliseconds of its present life; undefined where nobody has measured. */
  readonly memory: number | undefined
  readonly cpuTime: number | undefined
}

/** A pool, as it is now. */
export interface ObservedPool {
  readonly id: string
  readonly queued: number
  readonly workers: number
  readonly busy: number
}

/** What the instruments read. */
export interface Source {
  workers(): Promise<readonly Observed[]>
  pools(): readonly ObservedPool[]
  /** Of few values, unless each worker is wanted by itself. */
  attributesOf(worker: string): Attributes
}

/** Seconds: from a program that merely exists to one that loads a model. */
const DURATIONS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Counts what happens, and reads the rest when it is exported. */
export class Instruments implements Meters {
  readonly #meter: Meter
  readonly #source: Source
  readonly #cpuTimes = new CpuTimes()
  readonly #exits: Counter
  readonly #restarts: Counter
  readonly #dropped: Counter
  readonly #lines: Counter
  readonly #starts: Histogram
  readonly #recoveries: Histogram
  readonly #observed: readonly Observable[]
  readonly #count: Observable
  readonly #memory: Observable
  readonly #cpuTime: ObservableCounter
  readonly #queue: Observable
  readonly #poolWorkers: Observable

  constructor(meter: Meter, source: Source) {
    this.#meter = meter
    this.#source = source
    const duration = { unit: 's', advice: { explicitBucketBoundaries: DURATIONS } }
    this.#exits = meter.createCounter('pagent.worker.exits', { unit: '{exit}', description: 'Lives that have ended' })
    this.#restarts = meter.createCounter('pagent.worker.restarts', { unit: '{restart}' })
    this.#dropped = meter.createCounter('pagent.channel.dropped', { unit: '{message}' })
    this.#lines = meter.createCounter('pagent.log.dropped', { unit: '{line}' })
    this.#starts = meter.createHistogram('pagent.worker.start.duration', duration)
    this.#recoveries = meter.createHistogram('pagent.worker.recovery.duration', duration)
    this.#count = meter.createObservableUpDownCounter('pagent.worker.count', { unit: '{worker}' })
    this.#memory = meter.createObservableUpDownCounter('pagent.worker.memory.usage', { unit: 'By' })
    this.#cpuTime = meter.createObservableCounter('pagent.worker.cpu.time', { unit: 's' })
    this.#queue = meter.createObservableUpDownCounter('pagent.pool.queue.length', { unit: '{call}' })
    this.#poolWorkers = meter.createObservableUpDownCounter('pagent.pool.workers', { unit: '{worker}' })
    this.#observed = [this.#count, this.#memory, this.#cpuTime, this.#queue, this.#poolWorkers]
    meter.addBatchObservableCallback(this.#observe, [...this.#observed])
  }

  started(worker: string, took: number): void {
    this.#starts.record(took, this.#source.attributesOf(worker))
  }

  exited(worker: string, { kind, exitCode, signalCode, cpuTime, incarnation }: End): void {
    this.#cpuTimes.ended(worker, incarnation, cpuTime)
    this.#exits.add(1, {
      ...this.#source.attributesOf(worker),
      'pagent.exit.kind': kind,
      ...(exitCode === '' ? {} : { 'process.exit.code': Number(exitCode) }),
      ...(signalCode === '' ? {} : { 'pagent.exit.signal': signalCode }),
    })
  }

  restarted(worker: string, { kind }: End): void {
    this.#restarts.add(1, { ...this.#source.attributesOf(worker), 'error.type': kind })
  }

  recovered(worker: string, took: number): void {
    this.#recoveries.record(took, this.#source.attributesOf(worker))
  }

  dropped(worker: string, count: number): void {
    this.#dropped.add(count, this.#source.attributesOf(worker))
  }

  linesDropped(count: number): void {
    this.#lines.add(count)
  }

  stalled(): void {}

  /** Nobody is asked any more. */
  close(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, [...this.#observed])
  }

  readonly #observe = async (result: BatchObservableResult): Promise<void> => {
    const workers = await this.#source.workers()
    const [counts, memory, cpuTime] = [new Sums(), new Sums(), new Sums()]
    for (const { id, state, incarnation, memory: bytes, cpuTime: ms } of workers) {
      const attributes = this.#source.attributesOf(id)
      counts.add({ ...attributes, 'pagent.worker.state': state }, 1)
      if (bytes !== undefined) memory.add(attributes, bytes)
      if (ms !== undefined) this.#cpuTimes.seen(id, incarnation, ms / 1000)
    }
    for (const [id, seconds] of this.#cpuTimes) cpuTime.add(this.#source.attributesOf(id), seconds)
    counts.observe(result, this.#count)
    memory.observe(result, this.#memory)
    cpuTime.observe(result, this.#cpuTime)
    this.#observePools(result)
  }

  #observePools(result: BatchObservableResult): void {
    for (const { id, queued, workers, busy } of this.#source.pools()) {
      const pool = { 'pagent.pool': id }
      result.observe(this.#queue, queued, pool)
      result.observe(this.#poolWorkers, busy, { ...pool, 'pagent.pool.state': 'busy' })
      result.observe(this.#poolWorkers, workers - busy, { ...pool, 'pagent.pool.state': 'idle' })
    }
  }
}

/** One sum for all that have the same attributes. */
class Sums {
  readonly #sums = new Map<string, { readonly attributes: Attributes; sum: number }>()

  add(attributes: Attributes, value: number): void {
    const key = JSON.stringify(attributes)
    const known = this.#sums.get(key)
    if (known === undefined) this.#sums.set(key, { attributes, sum: value })
    else known.sum += value
  }

  observe(result: BatchObservableResult, instrument: Observable): void {
    for (const { attributes, sum } of this.#sums.values()) result.observe(instrument, sum, attributes)
  }
}
