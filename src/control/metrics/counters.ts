import { Counter, Histogram, type Registry } from '@prometheus-io/client'
import type { FleetCall } from '../fleet/contract.ts'
import { CallCounters } from './call-counters.ts'
import { DURATIONS } from './durations.ts'
import type { LifeSums } from './life-sums.ts'
import type { End, Meters } from './lives.ts'
import type { Naming } from './naming.ts'

/** What has happened, counted. */
export class Counters implements Meters {
  readonly #naming: Naming
  readonly #sums: LifeSums
  readonly #calls: CallCounters
  readonly #starts: Histogram<string>
  readonly #exits: Counter<string>
  readonly #restarts: Counter<string>
  readonly #recoveries: Histogram<string>
  readonly #dropped: Counter<string>
  readonly #stalls: Counter<string>
  readonly #lines: Counter

  constructor(registry: Registry, naming: Naming, sums: LifeSums) {
    this.#naming = naming
    this.#sums = sums
    const counter = (name: string, help: string, ...labels: string[]): Counter<string> =>
      new Counter({ name, help, labelNames: [...naming.labels, ...labels], registers: [registry] })
    const durations = (name: string, help: string): Histogram<string> =>
      new Histogram({ name, help, labelNames: naming.labels, buckets: DURATIONS, registers: [registry] })
    const names = 'pagent_worker'
    this.#starts = durations(`${names}_start_duration_seconds`, 'From the start of a worker until it could be used')
    this.#recoveries = durations(`${names}_recovery_duration_seconds`, 'From an exit until the next life could be used')
    this.#exits = counter(`${names}_exits_total`, 'Lives that have ended, by what ended them', 'kind', 'code', 'signal')
    this.#restarts = counter(
      `${names}_restarts_total`,
      'Lives that followed by themselves, by how the last one ended',
      'reason',
    )
    this.#stalls = counter(`${names}_stalls_total`, 'Times that nobody read what a worker wrote for five seconds')
    this.#calls = new CallCounters(registry, naming.labels)
    this.#lines = new Counter({
      name: 'pagent_log_dropped_lines_total',
      help: 'Lines of the log that could not be written to disk',
      registers: [registry],
    })
    this.#dropped = counter(
      'pagent_channel_dropped_messages_total',
      'Messages of lives that have ended, read by nobody',
    )
  }

  linesDropped(count: number): void {
    this.#lines.inc(count)
  }

  begun(worker: string, incarnation: number): void {
    this.#sums.begun(worker, incarnation)
  }

  started(worker: string, took: number): void {
    this.#starts.observe(this.#naming.of(worker), took)
  }

  exited(worker: string, { kind, exitCode: code, signalCode: signal, amounts, incarnation }: End): void {
    this.#sums.ended(worker, incarnation, amounts)
    this.#exits.inc({ ...this.#naming.of(worker), kind, code, signal })
  }

  called(call: FleetCall): void {
    const { worker, place } = call
    this.#calls.count(call, worker === undefined ? this.#naming.ofPool(place) : this.#naming.of(worker))
  }

  restarted(worker: string, after: End): void {
    this.#restarts.inc({ ...this.#naming.of(worker), reason: after.kind })
  }

  recovered(worker: string, took: number): void {
    this.#recoveries.observe(this.#naming.of(worker), took)
  }

  dropped(worker: string, count: number): void {
    this.#dropped.inc(this.#naming.of(worker), count)
  }

  stalled(worker: string): void {
    this.#stalls.inc(this.#naming.of(worker))
  }
}
