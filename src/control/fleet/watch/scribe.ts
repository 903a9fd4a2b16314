import type { Clock } from '../../../base/clock.ts'
import type { EventRecord, LogRecord } from '../../api/wire.ts'
import { CrashLoops } from './crash-loops.ts'
import type { Dossier } from './dossier.ts'
import type { Roster } from './roster.ts'

/** A record before it has its number. */
type Entry = Omit<LogRecord, 'seq'>

/** Who speaks. */
interface Speaker {
  readonly id: string
  readonly pid: number | undefined
}

/** Turns what workers write, and what happens to them, into records of the log. */
export class Scribe {
  readonly #clock: Clock
  readonly #roster: Roster
  readonly #write: (entry: Entry) => void
  /** First words of lives that have not been told of yet: events come a little later than output. */
  readonly #early = new Map<string, Entry[]>()
  readonly #loops = new CrashLoops()

  constructor(clock: Clock, roster: Roster, write: (entry: Entry) => void) {
    this.#clock = clock
    this.#roster = roster
    this.#write = write
  }

  heard({ id, pid }: Speaker, stream: 'out' | 'err', msg: string): void {
    const dossier = this.#roster.of(id)
    const level = stream === 'out' ? 30 : 40
    const entry = { time: this.#clock.date(), ...whoOf(dossier), stream, level, msg } as const
    const isEarly = pid !== undefined && (!dossier.isAlive || dossier.pid !== pid)
    if (isEarly) this.#early.set(id, [...(this.#early.get(id) ?? []), entry])
    else this.#write(entry)
  }

  /** What happens to a worker stands among what it writes. */
  remark(event: EventRecord): void {
    const who = event.type === 'restart-planned' ? (event['child'] as string) : (event.worker ?? event.supervisor)
    if (who === undefined) return
    const said = this.#loops.remarkOn(who, event)
    const dossier = this.#roster.find(who)
    const from = dossier === undefined ? { worker: who, incarnation: 0 } : whoOf(dossier)
    if (event.type === 'exited' && dossier !== undefined) this.#writeEarly(dossier)
    if (said !== undefined) this.#write({ time: event.at, ...from, stream: 'pagent', ...said })
    if (event.type === 'spawned' && dossier !== undefined) this.#writeEarly(dossier)
  }

  #writeEarly(dossier: Dossier): void {
    const early = this.#early.get(dossier.id) ?? []
    this.#early.delete(dossier.id)
    for (const entry of early) this.#write({ ...entry, ...whoOf(dossier) })
  }
}

function whoOf({ id, life, pid }: Dossier): Pick<Entry, 'worker' | 'incarnation' | 'pid'> {
  return { worker: id, incarnation: life, ...(pid === undefined ? {} : { pid }) }
}
