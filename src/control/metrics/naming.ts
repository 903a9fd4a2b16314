import type { WorkerPlace } from '../api/wire.ts'

/** The labels of a worker: of few values, unless each worker is wanted by itself. */
export class Naming {
  readonly labels: readonly string[]
  readonly #isPerWorker: boolean
  readonly #place: (worker: string) => WorkerPlace | undefined
  /** Also of workers that have left: what was counted of them stays. */
  readonly #known = new Map<string, Readonly<Record<string, string>>>()

  constructor(isPerWorker: boolean, place: (worker: string) => WorkerPlace | undefined) {
    this.#isPerWorker = isPerWorker
    this.#place = place
    this.labels = isPerWorker ? ['group', 'service', 'worker'] : ['group', 'service']
  }

  /** Of a pool, which is as many workers as it has. */
  ofPool({ group = '', service }: WorkerPlace): Readonly<Record<string, string>> {
    return this.#isPerWorker ? { group, service, worker: '' } : { group, service }
  }

  of(worker: string): Readonly<Record<string, string>> {
    const place = this.#place(worker)
    const known = this.#known.get(worker)
    if (place === undefined && known !== undefined) return known
    const { group = '', service = worker } = place ?? {}
    const labels = this.#isPerWorker ? { group, service, worker } : { group, service }
    this.#known.set(worker, labels)
    return labels
  }
}
