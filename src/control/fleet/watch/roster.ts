import type { Clock } from '../../../base/clock.ts'
import type { WorkerEntry } from '../../config/fleet-plan.ts'
import { Dossier, type Place } from './dossier.ts'

/** Everybody in the fleet, those of pools among them. */
export class Roster {
  readonly #clock: Clock
  readonly #dossiers = new Map<string, Dossier>()
  readonly #checked: (dossier: Dossier, error?: unknown) => void

  constructor(clock: Clock, checked: (dossier: Dossier, error?: unknown) => void) {
    this.#clock = clock
    this.#checked = checked
  }

  /** Somebody the plan names, from now on with this entry. */
  enter(place: Place, entry?: WorkerEntry): Dossier {
    const dossier = this.#dossiers.get(place.id) ?? new Dossier(place, this.#clock, this.#checked)
    dossier.place = place
    dossier.entry = entry
    this.#dossiers.set(place.id, dossier)
    return dossier
  }

  /** Of a worker, also of one that nobody has entered. */
  of(id: string): Dossier {
    return this.#dossiers.get(id) ?? this.enter({ id, service: id })
  }

  find(id: string): Dossier | undefined {
    return this.#dossiers.get(id)
  }

  /** Forgets whom the plan does not name any more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const { id, entry } of this.all()) if (entry !== undefined && !ids.has(id)) this.#dossiers.delete(id)
  }

  /** Everybody who has a process now. */
  alive(): readonly { readonly id: string; readonly pid: number }[] {
    return this.all().flatMap(({ id, pid, isAlive }) => (isAlive && pid !== undefined ? [{ id, pid }] : []))
  }

  all(): readonly Dossier[] {
    return [...this.#dossiers.values()]
  }
}
