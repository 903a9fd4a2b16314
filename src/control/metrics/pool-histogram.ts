import type { Histogram, Registry } from '@prometheus-io/client'
import type { Durations } from '../api/wire.ts'

/** Seconds of the first bucket; each is twice the one before. */
const FIRST = 0.00001

interface Value {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Durations that a pool has counted itself. The library's own histogram would want to be told each of them. */
export class PoolHistogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  #values: readonly Value[] = []

  constructor(registry: Registry, name: string, help: string) {
    this.name = name
    this.help = help
    registry.registerMetric(this as unknown as Histogram)
  }

  set(pools: readonly (readonly [pool: string, durations: Durations])[]): void {
    this.#values = pools.flatMap(([pool, durations]) => this.#valuesOf(pool, durations))
  }

  /** As the registry asks for it. */
  async get(): Promise<object> {
    const { name, help, type } = this
    return { name, help, type, values: this.#values }
  }

  #valuesOf(pool: string, { count, sum, buckets }: Durations): readonly Value[] {
    const metricName = `${this.name}_bucket`
    return [
      ...buckets.map((value, index) => ({ metricName, labels: { le: bound(index), pool }, value })),
      { metricName, labels: { le: '+Inf', pool }, value: count },
      { metricName: `${this.name}_sum`, labels: { pool }, value: sum / 1000 },
      { metricName: `${this.name}_count`, labels: { pool }, value: count },
    ]
  }
}

/** `le` of a bucket. */
function bound(index: number): string {
  return String(Number((FIRST * 2 ** index).toPrecision(6)))
}
