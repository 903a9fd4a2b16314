import type { WorkerStatus } from '../../../control/api/wire.ts'

/** By what the list is sorted; `fleet` is the order of the configuration, in groups. */
export type SortKey = 'fleet' | 'name' | 'cpu' | 'memory' | 'restarts'

export const SORT_KEYS: readonly SortKey[] = ['fleet', 'name', 'cpu', 'memory', 'restarts']

/** A line of the list: a worker, or the name of the group or pool that the ones below belong to. */
export type Row =
  | { readonly kind: 'worker'; readonly worker: WorkerStatus; readonly isMember: boolean }
  | { readonly kind: 'heading'; readonly name: string; readonly members: readonly WorkerStatus[] }

/** What the list shows, in its order. */
export function rowsOf(workers: readonly WorkerStatus[], sort: SortKey, filter: string): Row[] {
  const wanted = filter === '' ? workers : workers.filter((worker) => isWanted(worker, filter))
  const compare = ORDERS[sort]
  if (compare === undefined) return grouped(wanted)
  return wanted.toSorted(compare).map((worker) => ({ kind: 'worker', worker, isMember: false }))
}

/** `web`, or `!web` for all others; in the name, the group and the state, upper or lower case. */
export function matches(text: string, filter: string): boolean {
  const isInverse = filter.startsWith('!')
  const part = (isInverse ? filter.slice(1) : filter).toLowerCase()
  return part === '' || text.toLowerCase().includes(part) !== isInverse
}

/** Whether the filter of the list lets it pass. */
export function isWanted({ id, service, group, pool, state }: WorkerStatus, filter: string): boolean {
  return matches([id, service, group, pool, state].filter((part) => part !== undefined).join('\n'), filter)
}

type Compare = (a: WorkerStatus, b: WorkerStatus) => number

/** As coarse as what is shown: those that look the same stay in their order. */
const ORDERS: Readonly<Record<SortKey, Compare | undefined>> = {
  fleet: undefined,
  name: (a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }),
  cpu: (a, b) => Math.round((b.cpu ?? -1) * 1000) - Math.round((a.cpu ?? -1) * 1000),
  memory: (a, b) => mebibytes(b) - mebibytes(a),
  restarts: (a, b) => b.restarts - a.restarts,
}

function mebibytes({ memory }: WorkerStatus): number {
  return memory === undefined ? -1 : Math.round(memory / 2 ** 20)
}

/** Those of no group first, as `pagent ps` has it. */
function grouped(workers: readonly WorkerStatus[]): Row[] {
  const groups = Map.groupBy(workers, ({ group, pool }) => pool ?? group)
  const alone = groups.get(undefined) ?? []
  groups.delete(undefined)
  const rows: Row[] = alone.map((worker) => ({ kind: 'worker', worker, isMember: false }))
  for (const [name = '', members] of groups) {
    rows.push({ kind: 'heading', name, members })
    for (const worker of members) rows.push({ kind: 'worker', worker, isMember: true })
  }
  return rows
}
