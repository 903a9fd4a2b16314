import type { WorkerPlace } from '../wire.ts'

/** Those workers that some names stand for: ids, services, pools, `group:*`, `all`. */
export class Selection {
  readonly #place: (id: string) => WorkerPlace | undefined
  readonly #names: ReadonlySet<string>
  /** `app/` for `app:*`: all that is in it or below. */
  readonly #groups: readonly string[]

  constructor(names: readonly string[], place: (id: string) => WorkerPlace | undefined) {
    this.#names = new Set(names)
    this.#groups = names.filter((name) => name.endsWith(':*')).map((name) => `${name.slice(0, -2)}/`)
    this.#place = place
  }

  /** Of everybody where no names are given. */
  static of(
    names: readonly string[] | undefined,
    place: (id: string) => WorkerPlace | undefined,
  ): Selection | undefined {
    return names === undefined || names.includes('all') ? undefined : new Selection(names, place)
  }

  has(worker: string): boolean {
    if (this.#names.has(worker)) return true
    const place = this.#place(worker)
    if (place === undefined) return false
    if (this.#names.has(place.service) || (place.pool !== undefined && this.#names.has(place.pool))) return true
    return place.group !== undefined && this.#groups.some((group) => `${place.group}/`.startsWith(group))
  }
}
