import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { Readers } from '../api/app.ts'
import type { FleetStatus, PoolStatus, WorkerStatus } from '../api/wire.ts'
import { type LifeSums, amountsOf } from './life-sums.ts'
import type { Naming } from './naming.ts'
import { PoolHistogram } from './pool-histogram.ts'

/** All of it at one moment. */
export interface Snapshot {
  readonly status: FleetStatus
  readonly workers: readonly WorkerStatus[]
  readonly pools: readonly PoolStatus[]
  readonly readers: Readers
}

/** What is as it is when somebody asks. */
export class Gauges {
  readonly #naming: Naming
  readonly #sums: LifeSums
  readonly #registry: Registry
  readonly #workers: Gauge<string>
  readonly #memory: Gauge<string>
  readonly #processes: Gauge<string>
  readonly #cpuTime: Counter<string>
  readonly #io: Counter<string>
  readonly #backpressure: Counter<string>
  readonly #pools: Readonly<Record<'workers' | 'ready' | 'busy' | 'queued', Gauge<string>>>
  readonly #poolTotals: Readonly<Record<'calls' | 'deaths', Counter<string>>>
  readonly #waits: PoolHistogram
  readonly #runs: PoolHistogram
  readonly #build: Gauge<string>
  readonly #isReady: Gauge
  readonly #startedAt: Gauge
  readonly #readers: Gauge
  readonly #dropped: Counter<string>

  constructor(registry: Registry, naming: Naming, sums: LifeSums) {
    this.#registry = registry
    this.#naming = naming
    this.#sums = sums
    const { labels } = naming
    this.#workers = this.#gauge('pagent_workers', 'Workers by their state', [...labels, 'state'])
    this.#memory = this.#gauge('pagent_worker_memory_bytes', 'What their process trees use', labels)
    this.#processes = this.#gauge('pagent_worker_processes', 'Processes in their trees', labels)
    this.#cpuTime = this.#counter('pagent_worker_cpu_seconds_total', 'CPU time of all lives of their trees', labels)
    this.#io = this.#counter('pagent_worker_io_bytes_total', 'Bytes of stdout (in) and stdin (out)', [
      ...labels,
      'direction',
    ])
    this.#backpressure = this.#counter(
      'pagent_worker_backpressure_seconds_total',
      'How long nobody read what they wrote, so that they had to wait',
      labels,
    )
    this.#pools = {
      workers: this.#gauge('pagent_pool_workers', 'Workers of a pool', ['pool']),
      ready: this.#gauge('pagent_pool_ready_workers', 'Workers of a pool that can be called', ['pool']),
      busy: this.#gauge('pagent_pool_busy_workers', 'Workers of a pool that are being called', ['pool']),
      queued: this.#gauge('pagent_pool_queue_length', 'Calls that wait for a worker', ['pool']),
    }
    this.#poolTotals = {
      calls: this.#counter('pagent_pool_calls_total', 'Calls that were begun', ['pool']),
      deaths: this.#counter('pagent_pool_worker_deaths_total', 'Workers that ended when they should not have', [
        'pool',
      ]),
    }
    this.#waits = new PoolHistogram(registry, 'pagent_pool_queue_wait_seconds', 'How long calls waited for a worker')
    this.#runs = new PoolHistogram(registry, 'pagent_pool_call_duration_seconds', 'How long calls took in their worker')
    this.#build = this.#gauge('pagent_build_info', 'What runs the fleet', ['version', 'node', 'launcher'])
    this.#isReady = this.#gauge('pagent_fleet_ready', '1 when all that should run are ready', [])
    this.#readers = this.#gauge('pagent_control_stream_readers', 'Readers of streams of the control API', [])
    this.#dropped = this.#counter('pagent_control_dropped_total', 'What slow readers of streams were not told', [
      'topic',
    ])
    this.#startedAt = this.#gauge('pagent_fleet_start_time_seconds', 'When the fleet was started, since 1970', [])
  }

  /** All at once: nobody reads half of it. */
  set({ status, workers, pools, readers }: Snapshot): void {
    this.#setFleet(status)
    this.#setWorkers(workers)
    this.#setPools(pools)
    this.#readers.set(readers.count)
    this.#dropped.reset()
    for (const [topic, count] of Object.entries(readers.dropped)) this.#dropped.inc({ topic }, count)
  }

  #setFleet({ version, node, launcher, isReady, startedAt }: FleetStatus): void {
    this.#build.set({ version, node, launcher }, 1)
    this.#isReady.set(isReady ? 1 : 0)
    this.#startedAt.set(startedAt / 1000)
  }

  #setWorkers(workers: readonly WorkerStatus[]): void {
    for (const gauge of [this.#workers, this.#memory, this.#processes]) gauge.reset()
    for (const { id, state, memory = 0, processes = 0, cpuTime, traffic, incarnation } of workers) {
      const labels = this.#naming.of(id)
      this.#workers.inc({ ...labels, state }, 1)
      this.#memory.inc(labels, memory)
      this.#processes.inc(labels, processes)
      this.#sums.seen(id, incarnation, amountsOf(cpuTime, traffic))
    }
    this.#setSums()
  }

  #setSums(): void {
    for (const counter of [this.#cpuTime, this.#io, this.#backpressure]) counter.reset()
    for (const [id, { cpuTime, bytesIn, bytesOut, backpressure }] of this.#sums) {
      const labels = this.#naming.of(id)
      this.#cpuTime.inc(labels, cpuTime)
      this.#io.inc({ ...labels, direction: 'in' }, bytesIn)
      this.#io.inc({ ...labels, direction: 'out' }, bytesOut)
      this.#backpressure.inc(labels, backpressure)
    }
  }

  #setPools(pools: readonly PoolStatus[]): void {
    for (const metric of [...Object.values(this.#pools), ...Object.values(this.#poolTotals)]) metric.reset()
    for (const status of pools) {
      const labels = { pool: status.id }
      for (const key of ['workers', 'ready', 'busy', 'queued'] as const) this.#pools[key].set(labels, status[key])
      for (const key of ['calls', 'deaths'] as const) this.#poolTotals[key].inc(labels, status[key])
    }
    this.#waits.set(pools.map(({ id, wait }) => [id, wait]))
    this.#runs.set(pools.map(({ id, run }) => [id, run]))
  }

  #gauge(name: string, help: string, labelNames: readonly string[]): Gauge<string> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] })
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter<string> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] })
  }
}
