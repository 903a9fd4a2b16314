import { Cron } from 'croner'
import type { Timer } from '../../../base/clock.ts'
import type { SchedulePlan, WorkerEntry } from '../../config/fleet-plan.ts'
import type { Surroundings } from './unit.ts'

/** Whoever runs at the times of a schedule. */
export interface Scheduled {
  /** Why it cannot run now. */
  readonly hindrance?: string | undefined
  start(): Promise<void>
  /** Also while it runs. */
  restart(): Promise<void>
}

/** Longer than that is waited in parts: a machine that slept, or a clock that was set, is noticed. */
const LONGEST_WAIT = 60_000

/** @throws TypeError for times, or a time zone, there are not */
export function readCron(worker: string, { cron, timezone }: SchedulePlan): Cron {
  try {
    const times = new Cron(cron, timezone === undefined ? {} : { timezone })
    // A zone is looked up as late as that.
    times.nextRun()
    return times
  } catch (error) {
    const zone = timezone === undefined ? '' : ` in ${timezone}`
    throw new TypeError(
      `Cannot schedule worker "${worker}" at ${JSON.stringify(cron)}${zone}: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
}

/** Starts a worker at its times, and says when the next is. */
export class Schedule {
  readonly #entry: WorkerEntry
  readonly #plan: SchedulePlan
  readonly #cron: Cron
  readonly #around: Surroundings
  readonly #scheduled: () => Scheduled
  #timer: Timer | undefined

  constructor(entry: WorkerEntry, plan: SchedulePlan, around: Surroundings, scheduled: () => Scheduled) {
    this.#entry = entry
    this.#plan = plan
    this.#around = around
    this.#scheduled = scheduled
    this.#cron = readCron(entry.id, plan)
  }

  arm(): void {
    if (this.#timer === undefined) this.#wait(this.#next())
  }

  disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#note(undefined)
  }

  #next(): number | undefined {
    const next = this.#cron.nextRun(new Date(this.#around.clock.date()))?.getTime()
    this.#note(next)
    return next
  }

  #note(next: number | undefined): void {
    this.#around.roster.of(this.#entry.id).nextRun = next
  }

  #wait(next: number | undefined): void {
    const { clock } = this.#around
    const left = (next ?? Infinity) - clock.date()
    this.#timer = clock.after(Math.max(0, Math.min(left, LONGEST_WAIT)), () => {
      if (next !== undefined && clock.date() >= next) this.#run()
      // Asked anew each time: a clock that was set back makes it earlier.
      this.#wait(this.#next())
    })
  }

  #run(): void {
    const { roster, tell } = this.#around
    const { id } = this.#entry
    const scheduled = this.#scheduled()
    const runs = roster.of(id).isAlive
    const why = runs && this.#plan.overlap === 'skip' ? 'it still runs' : scheduled.hindrance
    if (why !== undefined) return tell({ type: 'schedule-skipped', worker: id, why })
    tell({ type: 'schedule-started', worker: id })
    // Why it did not start is told where that is found out.
    void (runs ? scheduled.restart() : scheduled.start()).catch(() => {})
  }
}
