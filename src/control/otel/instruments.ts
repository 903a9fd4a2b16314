import type {
  Attributes,
  BatchObservableResult,
  Counter,
  Histogram,
  Meter,
  Observable,
  ObservableCounter,
} from '@opentelemetry/api'
import type { CallEvent } from '../../base/call-hub.ts'
import type { Traffic } from '../../base/exit.ts'
import { CALL_DURATIONS, DURATIONS } from '../metrics/durations.ts'
import { LifeSums, amountsOf } from '../metrics/life-sums.ts'
import type { End, Meters } from '../metrics/lives.ts'
import { MethodNames } from '../metrics/methods.ts'

/** A worker, as it is now. */
export interface Observed {
  readonly id: string
  readonly state: string
  readonly incarnation: number
  /** Bytes, and milliseconds of its present life; undefined where nobody has measured. */
  readonly memory: number | undefined
  readonly cpuTime: number | undefined
  /** Of its present life. */
  readonly traffic: Traffic | undefined
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

/** Counts what happens, and reads the rest when it is exported. */
export class Instruments implements Meters {
  readonly #meter: Meter
  readonly #source: Source
  readonly #sums = new LifeSums()
  /** Whatever a worker asks for, the names of the calls to it are told apart. */
  readonly #methods = { master: new MethodNames('_OTHER'), worker: new MethodNames('_OTHER') }
  readonly #calls: Readonly<Record<CallEvent['from'], Histogram>>
  readonly #notifications: Counter
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
  readonly #io: ObservableCounter
  readonly #backpressure: ObservableCounter
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
    const callDuration = { unit: 's', advice: { explicitBucketBoundaries: CALL_DURATIONS } }
    this.#calls = {
      master: meter.createHistogram('rpc.client.call.duration', callDuration),
      worker: meter.createHistogram('rpc.server.call.duration', callDuration),
    }
    this.#notifications = meter.createCounter('pagent.rpc.notifications', { unit: '{notification}' })
    this.#count = meter.createObservableUpDownCounter('pagent.worker.count', { unit: '{worker}' })
    this.#memory = meter.createObservableUpDownCounter('pagent.worker.memory.usage', { unit: 'By' })
    this.#cpuTime = meter.createObservableCounter('pagent.worker.cpu.time', { unit: 's' })
    this.#io = meter.createObservableCounter('pagent.worker.io', { unit: 'By' })
    this.#backpressure = meter.createObservableCounter('pagent.worker.backpressure.duration', { unit: 's' })
    this.#queue = meter.createObservableUpDownCounter('pagent.pool.queue.length', { unit: '{call}' })
    this.#poolWorkers = meter.createObservableUpDownCounter('pagent.pool.workers', { unit: '{worker}' })
    const sums = [this.#cpuTime, this.#io, this.#backpressure]
    this.#observed = [this.#count, this.#memory, ...sums, this.#queue, this.#poolWorkers]
    meter.addBatchObservableCallback(this.#observe, [...this.#observed])
  }

  begun(worker: string, incarnation: number): void {
    this.#sums.begun(worker, incarnation)
  }

  started(worker: string, took: number): void {
    this.#starts.record(took, this.#source.attributesOf(worker))
  }

  exited(worker: string, { kind, exitCode, signalCode, amounts, incarnation }: End): void {
    this.#sums.ended(worker, incarnation, amounts)
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

  /** As OpenTelemetry's conventions for RPC have it: of calls to workers as their client, of those by workers as their server. */
  called(call: CallEvent, whose: Attributes): void {
    const { kind, from, outcome, duration } = call
    const attributes = {
      ...whose,
      'rpc.system.name': 'jsonrpc',
      'rpc.method': this.#methods[from].of(call),
      ...(outcome === 'ok' ? {} : { 'error.type': outcome }),
    }
    if (kind === 'call') this.#calls[from].record(duration / 1000, attributes)
    else this.#notifications.add(1, { ...attributes, 'pagent.rpc.direction': from === 'master' ? 'out' : 'in' })
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
    const [counts, memory] = [new Sums(), new Sums()]
    for (const { id, state, incarnation, memory: bytes, cpuTime, traffic } of workers) {
      const attributes = this.#source.attributesOf(id)
      counts.add({ ...attributes, 'pagent.worker.state': state }, 1)
      if (bytes !== undefined) memory.add(attributes, bytes)
      this.#sums.seen(id, incarnation, amountsOf(cpuTime, traffic))
    }
    counts.observe(result, this.#count)
    memory.observe(result, this.#memory)
    this.#observeSums(result)
    this.#observePools(result)
  }

  #observeSums(result: BatchObservableResult): void {
    const [cpu, io, still] = [new Sums(), new Sums(), new Sums()]
    for (const [id, { cpuTime, bytesIn, bytesOut, backpressure }] of this.#sums) {
      const attributes = this.#source.attributesOf(id)
      cpu.add(attributes, cpuTime)
      io.add({ ...attributes, 'pagent.io.direction': 'in' }, bytesIn)
      io.add({ ...attributes, 'pagent.io.direction': 'out' }, bytesOut)
      still.add(attributes, backpressure)
    }
    cpu.observe(result, this.#cpuTime)
    io.observe(result, this.#io)
    still.observe(result, this.#backpressure)
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
