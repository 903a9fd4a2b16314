import { UnknownWorkerError } from '../../../base/errors.ts'
import type { Master } from '../../../master/master.ts'
import type { ActionResult, ApiProblem, TreeNode, WorkerStatus, WorkerStatusState } from '../../api/wire.ts'
import type { EntryPlan, PoolEntry, ProgramPlan } from '../../config/fleet-plan.ts'
import type { Level } from '../units/level.ts'
import type { Handle } from '../units/unit.ts'
import type { Dossier } from '../watch/dossier.ts'
import type { Roster } from '../watch/roster.ts'
import type { Looks } from './looks.ts'
import { treeOf } from './tree.ts'
import { type Keeping, stateOf, statusOf } from './worker-status.ts'

/** Who is in a fleet, and how they are. */
export class Overview {
  readonly #master: Master
  readonly #roster: Roster
  readonly #level: Level
  readonly #looks: Looks

  constructor(master: Master, roster: Roster, level: Level, looks: Looks) {
    this.#master = master
    this.#roster = roster
    this.#level = level
    this.#looks = looks
  }

  /** Everybody the plan names, in its order, with the workers of pools that there are now. */
  present(): readonly Dossier[] {
    const members = Map.groupBy(
      this.#roster.all().filter(({ entry, id }) => entry === undefined && this.#master.hasWorker(id)),
      ({ place }) => place.pool,
    )
    const collect = (entry: EntryPlan): readonly Dossier[] => {
      if (entry.kind === 'group') return entry.children.flatMap(collect)
      if (entry.kind === 'pool') return members.get(entry.id)?.toSorted(byNumber) ?? []
      return [this.#roster.of(entry.id)]
    }
    return this.#level.units().flatMap(({ entry }) => collect(entry))
  }

  /** @throws UnknownWorkerError; `action` is named in it */
  find(id: string, action: string): Dossier {
    const dossier = this.#roster.find(id)
    if (dossier !== undefined) return dossier
    throw new UnknownWorkerError(
      id,
      this.present().map((one) => one.id),
      action,
    )
  }

  states(): ReadonlyMap<string, WorkerStatusState> {
    const keeping = this.#level.childStates()
    return new Map(this.present().map((dossier) => [dossier.id, stateOf(dossier, keeping.get(dossier.id))]))
  }

  stateOf(dossier: Dossier): WorkerStatusState {
    return stateOf(dossier, this.#level.childStates().get(dossier.id))
  }

  /** With what they use, as it was seen within the last half second. */
  async workers(): Promise<readonly WorkerStatus[]> {
    await this.#looks.refresh(this.present())
    const keeping = this.#level.childStates()
    return this.present().map((dossier) => this.#statusOf(dossier, keeping))
  }

  async worker(dossier: Dossier): Promise<WorkerStatus> {
    await this.#looks.refresh(this.present())
    return this.#statusOf(dossier, this.#level.childStates())
  }

  tree(): readonly TreeNode[] {
    const keeping = this.#level.childStates()
    const facts = {
      worker: (id: string) => {
        const dossier = this.#roster.of(id)
        const { pid, isAlive } = dossier
        return { state: stateOf(dossier, keeping.get(id)), ...(isAlive && pid !== undefined ? { pid } : {}) }
      },
      state: (path: string) => this.#level.stateOf(path),
      membersOf: (pool: string) => this.membersOf(pool),
    }
    return this.#level.units().map(({ entry }) => treeOf(entry, facts))
  }

  /** Everything that has a name. */
  handles(): readonly Handle[] {
    const members = this.#roster.all().filter(({ entry, id }) => entry === undefined && this.#master.hasWorker(id))
    return [...this.#level.handles(), ...members.map(handleOf)]
  }

  /** The workers of a pool. */
  membersOf(pool: string): readonly string[] {
    return this.present().flatMap(({ place, id }) => (place.pool === pool ? [id] : []))
  }

  /** The workers something with a name is about. */
  workersOf({ id, workers }: Handle): readonly string[] {
    return workers.length > 0 ? workers : this.membersOf(id)
  }

  /** What a worker runs: its own entry, or that of its pool, says. */
  programOf({ entry, place }: Dossier): ProgramPlan | undefined {
    return (
      entry ??
      poolIn(
        this.#level.units().map((unit) => unit.entry),
        place.pool,
      )?.program
    )
  }

  /** What came of something that was done with a worker. */
  resultOf(id: string, error: ApiProblem | undefined): ActionResult['results'][number] {
    const dossier = this.#roster.of(id)
    const [exit] = dossier.exits
    return {
      worker: id,
      ok: error === undefined,
      state: this.stateOf(dossier),
      ...(exit === undefined ? {} : { exit }),
      ...(error === undefined ? {} : { error }),
    }
  }

  signal(id: string, signal: NodeJS.Signals): void {
    this.#roster.find(id)?.worker?.kill(signal)
  }

  /** Those that should run and do not: who has ended in order does not have to. */
  missing(): readonly string[] {
    const keeping = this.#level.childStates()
    const missing = this.#roster.all().filter((dossier) => {
      const { entry } = dossier
      const isWanted = entry !== undefined && entry.autostart && entry.schedule === undefined
      return isWanted && MISSING.has(stateOf(dossier, keeping.get(entry.id)))
    })
    return missing.map(({ id }) => id)
  }

  #statusOf(dossier: Dossier, keeping: ReadonlyMap<string, Keeping>): WorkerStatus {
    return statusOf(dossier, keeping.get(dossier.id), this.#looks.of(dossier))
  }
}

const MISSING: ReadonlySet<WorkerStatusState> = new Set(['idle', 'starting', 'backoff', 'failed', 'stopping'])

function poolIn(entries: readonly EntryPlan[], id: string | undefined): PoolEntry | undefined {
  for (const entry of entries) {
    if (entry.kind === 'pool' && entry.id === id) return entry
    const found = entry.kind === 'group' ? poolIn(entry.children, id) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** A worker of a pool. When it is stopped another takes its place. */
function handleOf({ place, worker }: Dossier): Handle {
  const { id, group, pool = '' } = place
  const stop = async (): Promise<void> => void (await worker?.stop())
  return {
    id,
    path: `${group === undefined ? '' : `${group}/`}${pool}/${id}`,
    dependsOn: [],
    workers: [id],
    start: async () => {},
    stop,
    restart: stop,
  }
}

/** `calc-2` before `calc-10`. */
function byNumber(a: Dossier, b: Dossier): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true })
}
