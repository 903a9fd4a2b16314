import type { TreeNode } from '../../api/wire.ts'
import type { EntryPlan } from '../../config/fleet-plan.ts'

/** What is to be known of who stands in the tree. */
export interface TreeFacts {
  worker(id: string): { readonly state: string; readonly pid?: number }
  /** Of a group or a pool, by its path. */
  state(path: string): string
  membersOf(pool: string): readonly string[]
}

export function treeOf(entry: EntryPlan, facts: TreeFacts, above = ''): TreeNode {
  const { id, dependsOn } = entry
  const more = dependsOn.length === 0 ? {} : { dependsOn }
  const path = above === '' ? id : `${above}/${id}`
  if (entry.kind === 'worker') return { kind: 'worker', id, ...facts.worker(id), ...more }
  if (entry.kind === 'pool') {
    const members = facts
      .membersOf(id)
      .map((member) => Object.assign({ kind: 'worker' as const, id: member }, facts.worker(member)))
    return { kind: 'pool', id, state: facts.state(path), ...more, children: members }
  }
  const { strategy, intensity, children } = entry
  const nodes = children.map((child) => treeOf(child, facts, path))
  return { kind: 'group', id, state: facts.state(path), strategy, intensity, ...more, children: nodes }
}
