import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { EventRecord } from '../../src/control/api/wire.ts'
import type { FleetPlan } from '../../src/control/config/fleet-plan.ts'
import type { Fleet } from '../../src/control/fleet/contract.ts'
import { type FleetOptions, startFleet } from '../../src/control/fleet/fleet.ts'
import { assertNothingLeft, holdings } from './processes.ts'

/** A fleet under test, and what has happened in it. */
export interface Staged {
  readonly fleet: Fleet
  readonly seen: readonly EventRecord[]
  /** The first event, past or to come, for which that is true. */
  until(this: void, type: string, match?: (event: EventRecord) => boolean): Promise<EventRecord>
  /** Begins to wait for one that is to come. */
  next(this: void, type: string, match?: (event: EventRecord) => boolean): Promise<EventRecord>
}

/** A test over a real fleet, which ends by asserting that nothing is left of it. */
export function fleetStory(
  title: string,
  plan: FleetPlan,
  tell: (staged: Staged) => Promise<void>,
  options: FleetOptions = {},
): void {
  void test(title, async () => {
    const before = holdings()
    const fleet = await startFleet(plan, options)
    try {
      await tell(stage(fleet))
    } finally {
      await fleet.stop({ hurry: true })
    }
    await turn()
    await assertNothingLeft(before)
  })
}

export function stage(fleet: Fleet): Staged {
  const seen: EventRecord[] = [...fleet.eventsSince(0)]
  const waiting: { match: (event: EventRecord) => boolean; resolve: (event: EventRecord) => void }[] = []
  fleet.onEvent((event) => {
    seen.push(event)
    for (const waiter of waiting) if (waiter.match(event)) waiter.resolve(event)
  })
  const next: Staged['next'] = (type, match = () => true) =>
    new Promise((resolve) => waiting.push({ match: (event) => event.type === type && match(event), resolve }))
  const until: Staged['until'] = async (type, match = () => true) =>
    seen.find((event) => event.type === type && match(event)) ?? next(type, match)
  return { fleet, seen, until, next }
}

/** The pid of each worker. */
export async function pidsOf(fleet: Fleet): Promise<Record<string, number | undefined>> {
  return Object.fromEntries((await fleet.workers()).map(({ id, pid }) => [id, pid]))
}

export async function stateOf(fleet: Fleet, id: string): Promise<string> {
  return (await fleet.worker(id, { revealEnv: false })).state
}
