import { createHash } from 'node:crypto'
import type { EntryPlan, FleetPlan } from './fleet-plan.ts'

/** What is different in a new plan, by ids: groups, workers and pools. */
export interface PlanDifference {
  /** In the order of their start. */
  readonly added: readonly string[]
  /** Needs new processes: anything but whom it depends on is different, or it stands in another group. */
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  readonly unchanged: readonly string[]
}

/**
 * The same for entries that need the same processes, and different for others. Whom an entry depends on is no part of it: that
 * matters when it is started, and changes with the replicas of others. Nor are the members of a group, which have their own.
 */
export function hashOf(entry: EntryPlan): string {
  const { dependsOn: _, startsAfter: __, ...facts } = entry
  const own = facts.kind === 'group' ? { ...facts, children: undefined } : facts
  return createHash('sha256')
    .update(JSON.stringify(sorted(own)))
    .digest('hex')
}

/** Compares two plans of one fleet. A group that has changed takes all its members with it. */
export function differenceOf(before: Pick<FleetPlan, 'entries'>, after: Pick<FleetPlan, 'entries'>): PlanDifference {
  const [old, fresh] = [placesOf(before.entries), placesOf(after.entries)]
  const ids = [...fresh.keys()]
  return {
    added: ids.filter((id) => !old.has(id)),
    changed: ids.filter((id) => old.has(id) && old.get(id) !== fresh.get(id)),
    removed: [...old.keys()].filter((id) => !fresh.has(id)),
    unchanged: ids.filter((id) => old.get(id) === fresh.get(id)),
  }
}

/** What each entry is and where it stands: its own hash behind those of the groups around it. */
function placesOf(entries: readonly EntryPlan[]): ReadonlyMap<string, string> {
  const places = new Map<string, string>()
  const visit = (entry: EntryPlan, around: string): void => {
    const place = `${around}/${hashOf(entry)}`
    places.set(entry.id, place)
    if (entry.kind === 'group') for (const child of entry.children) visit(child, place)
  }
  for (const entry of entries) visit(entry, '')
  return places
}

/** With the keys of every map in one order, and without what is undefined. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)])
}
