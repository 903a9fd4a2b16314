import { Registry } from '@prometheus-io/client'
import type { Readers } from '../api/app.ts'
import type { Fleet } from '../fleet/contract.ts'
import { Counters } from './counters.ts'
import { Gauges } from './gauges.ts'
import { LifeSums } from './life-sums.ts'
import { Lives } from './lives.ts'
import { Naming } from './naming.ts'

export interface MetricsOptions {
  /** A label with the id of each worker: as many series as there are workers. @default false */
  readonly perWorker?: boolean
}

/** A fleet in the text format of Prometheus: what was counted from its beginning, and what is when somebody asks. */
export class FleetMetrics {
  readonly #fleet: Fleet
  readonly #registry = new Registry()
  readonly #gauges: Gauges
  readonly #leave: () => void

  constructor(fleet: Fleet, { perWorker = false }: MetricsOptions = {}) {
    this.#fleet = fleet
    const [sums, naming] = [new LifeSums(), new Naming(perWorker, (worker) => fleet.place(worker))]
    this.#gauges = new Gauges(this.#registry, naming, sums)
    const counters = new Counters(this.#registry, naming, sums)
    const lives = new Lives(counters)
    for (const event of fleet.eventsSince(0)) lives.observe(event)
    const leave = [fleet.onEvent((event) => lives.observe(event)), fleet.onCall((call) => counters.called(call))]
    this.#leave = () => leave.forEach((each) => each())
  }

  /** `readers` are those of the control API. */
  async text(readers: Readers): Promise<{ readonly type: string; readonly text: string }> {
    const workers = await this.#fleet.workers()
    this.#gauges.set({ status: this.#fleet.status(), workers, pools: this.#fleet.pools(), readers })
    return { type: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  /** Counts no more. */
  close(): void {
    this.#leave()
  }
}
