import { hashOf } from '../../config/difference.ts'
import type { EntryPlan, GroupEntry } from '../../config/fleet-plan.ts'

/** Whether what runs by one entry can be left alone under the other. */
export function isSameEntry(a: EntryPlan, b: EntryPlan): boolean {
  if (hashOf(a) !== hashOf(b)) return false
  if (a.kind !== 'group' || b.kind !== 'group') return true
  return a.children.length === b.children.length && a.children.every((child, index) => isTwin(child, b.children[index]))
}

function isTwin(child: EntryPlan, other: EntryPlan | undefined): boolean {
  return other?.id === child.id && isSameEntry(child, other)
}

/**
 * Whether one group can become the other while it runs. Where each child is restarted alone it always can, as long as the rules
 * are the same; else the order of its children matters, and one that is added can only be the last.
 */
export function canPatch(before: GroupEntry, after: GroupEntry): boolean {
  if (hashOf(before) !== hashOf(after)) return false
  if (before.strategy === 'one-for-one') return true
  const old = new Map(before.children.map((child) => [child.id, child]))
  const kept = after.children.filter(({ id }) => old.has(id))
  return kept.every((child, index) => after.children[index] === child && isSameEntry(old.get(child.id)!, child))
}
