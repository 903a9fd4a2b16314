import type { EntryPlan } from '../../../control/config/fleet-plan.ts'

/**
 * How long a stop of all of them may take, in milliseconds, when each uses its time to the last: who depends on somebody
 * is stopped before, those of a group one after the other unless they stop together, and everybody else at once.
 */
export function longestStop(entries: readonly EntryPlan[]): number {
  const done = new Map<string, number>()
  for (const entry of entries.toReversed()) {
    const waits = entries.filter((later) => waitsFor(later, entry.id)).map(({ id }) => done.get(id) ?? 0)
    done.set(entry.id, Math.max(0, ...waits) + ownStop(entry))
  }
  return Math.max(0, ...done.values())
}

function waitsFor({ dependsOn, startsAfter = [] }: EntryPlan, id: string): boolean {
  return dependsOn.includes(id) || startsAfter.includes(id)
}

function ownStop(entry: EntryPlan): number {
  if (entry.kind === 'group') {
    const stops = entry.children.map(ownStop)
    return entry.stop === 'together' ? Math.max(0, ...stops) : stops.reduce((sum, each) => sum + each, 0)
  }
  const { eof, grace } = (entry.kind === 'pool' ? entry.program : entry).shutdown
  return eof + grace
}
