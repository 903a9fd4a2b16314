import type { MasterEvent } from '../../../base/events.ts'
import type { Exit } from '../../../base/exit.ts'
import type { Master } from '../../../master/master.ts'
import type { Journal } from './journal.ts'
import type { Dossier } from './dossier.ts'
import { placeInPool } from '../status/places.ts'
import type { Roster } from './roster.ts'

/** Follows the facts of a master: into the dossiers, and into the journal. */
export class Reporter {
  readonly #master: Master
  readonly #roster: Roster
  readonly #journal: Journal
  readonly #onExit: (dossier: Dossier, exit: Exit, at: number) => void
  readonly #events: AsyncIterator<MasterEvent>

  /** Hears what happens from here on. */
  constructor(
    master: Master,
    roster: Roster,
    journal: Journal,
    onExit: (dossier: Dossier, exit: Exit, at: number) => void,
  ) {
    this.#onExit = onExit
    this.#master = master
    this.#roster = roster
    this.#journal = journal
    this.#events = master.events[Symbol.asyncIterator]()
  }

  /** Resolves when there are no more. */
  async follow(): Promise<void> {
    for (let next = await this.#events.next(); next.done !== true; next = await this.#events.next())
      this.#report(next.value)
  }

  #report(event: MasterEvent): void {
    if (event.type === 'events-dropped') this.#catchUp(event.at)
    if (event.worker === undefined) return this.#journal.add(brief(event))
    const dossier = this.#dossierOf(event.worker)
    if (event.type === 'spawned') dossier.spawned(event.pid, event.at)
    if (event.type === 'exited') {
      dossier.exited(event.exit, event.at)
      this.#onExit(dossier, event.exit, event.at)
    }
    this.#journal.add({ ...brief(event), incarnation: dossier.life })
  }

  /** What the events that are missing would have told. */
  #catchUp(at: number): void {
    for (const { id, pid } of this.#master.workers()) {
      const dossier = this.#dossierOf(id)
      if (pid !== undefined && (!dossier.isAlive || dossier.pid !== pid)) dossier.spawned(pid, at)
      if (pid === undefined) dossier.isAlive = false
    }
  }

  /** One that nobody has entered is of a pool. */
  #dossierOf(id: string): Dossier {
    const dossier = this.#roster.of(id)
    if (this.#master.hasWorker(id)) {
      const worker = this.#master.getWorker(id)
      dossier.worker = worker
      if (dossier.entry === undefined && worker.supervisor !== undefined)
        dossier.place = placeInPool(id, worker.supervisor)
    }
    return dossier
  }
}

/** Of what it wrote last so much is remembered with an exit; all of it is in the log. */
const TAIL = 1000

/** Thousands of events are remembered: what is said elsewhere as well is left out. */
function brief(event: MasterEvent): MasterEvent {
  if (event.type === 'exited') return { ...event, exit: withTails(event.exit, TAIL) }
  if (event.type === 'child-exited' || event.type === 'supervisor-exited')
    return { ...event, exit: withTails(event.exit, 0) }
  if (event.type === 'gave-up') return { ...event, exits: event.exits.map((exit) => withTails(exit, 0)) }
  return event
}

function withTails(exit: Exit, length: number): Exit {
  const end = (text: string): string => (length === 0 ? '' : text.slice(-length))
  const tails = { stdoutTail: end(exit.stdoutTail), stderrTail: end(exit.stderrTail) }
  if (exit.kind !== 'gave-up') return { ...exit, ...tails }
  return { ...exit, ...tails, exits: exit.exits.map((each) => withTails(each, 0)) }
}
