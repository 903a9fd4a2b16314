import type { Clock } from '../../../base/clock.ts'
import type { Exit } from '../../../base/exit.ts'
import type { Master } from '../../../master/master.ts'
import type { EntryPlan } from '../../config/fleet-plan.ts'
import type { Ears } from '../spec/program.ts'
import type { Prober } from '../probes/prober.ts'
import type { Roster } from '../watch/roster.ts'

/** What all units of a fleet share. */
export interface Surroundings {
  readonly clock: Clock
  readonly master: Master
  readonly roster: Roster
  readonly prober: Prober
  readonly ears: Ears
  /** Tells everybody, and the log of that worker. */
  tell(this: void, event: { readonly type: string; readonly [more: string]: unknown }): void
}

/** What can be started and stopped by name: a worker, a pool, a group. It may be asked at any time; what is asked twice is done once. */
export interface Handle {
  readonly id: string
  /** Its id behind those of the groups it is in. */
  readonly path: string
  /** Undefined for what is not a worker. */
  readonly service?: string | undefined
  readonly dependsOn: readonly string[]
  readonly startsAfter?: readonly string[]
  /** Ids of the workers it is about, as far as the plan names them. */
  readonly workers: readonly string[]
  /** Resolves when it is ready; at once when it runs. Rejects when the first attempt fails; others may follow. */
  start(): Promise<void>
  /** Resolves when it is down. */
  stop(): Promise<Exit | void>
  restart(): Promise<void>
}

/** An entry of the plan that runs. */
export interface Unit extends Handle {
  readonly entry: EntryPlan
  /** Whether it is ready, or has done what it had to do. */
  readonly isUp: boolean
  /** Its part of the start of the fleet: settles when all attempts are over. What has a schedule waits for its time. */
  begin(): Promise<void>
  /** Resolves when its process exists, ready or not. */
  whenBegun(): Promise<void>
  /** Ends it for good. */
  leave(): Promise<void>
  /** Everything in it that has a name, and itself. */
  handles(): readonly Handle[]
}
