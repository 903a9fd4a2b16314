import { type EntryPlan, type FleetPlan, type WorkerEntry, workersOf } from '../../control/config/fleet-plan.ts'
import { NO_SUCH_WORKER } from '../exit-code.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { nearestOf } from '../../control/config/shapes/suggest.ts'

/**
 * The plan in which only those that are named start by themselves, and what they depend on; the other workers can be
 * started by hand, and the other pools are left out.
 *
 * @throws CommandFailure for a name that is nobody's.
 */
export function selected(plan: FleetPlan, names: readonly string[]): FleetPlan {
  if (names.length === 0) return plan
  const known = everyName(plan.entries)
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined) throw new CommandFailure(unknownText(unknown, plan, known), NO_SUCH_WORKER)
  return { ...plan, entries: reduce(plan.entries, new Set(names), '') }
}

function reduce(entries: readonly EntryPlan[], names: ReadonlySet<string>, path: string): EntryPlan[] {
  const wanted = withDependencies(entries, (entry) => isNamed(entry, names, path))
  return entries.flatMap((entry): EntryPlan[] => {
    const isWanted = wanted.has(entry.id)
    if (entry.kind === 'pool') return isWanted ? [entry] : []
    if (entry.kind === 'worker') return [isWanted ? entry : byHand(entry)]
    const below = pathOf(path, entry.id)
    const isWhole =
      names.has(entry.id) || names.has(`${below}:*`) || (isWanted && !isNamedInside(entry.children, names, below))
    return [isWhole ? entry : { ...entry, children: reduce(entry.children, names, below) }]
  })
}

function byHand(entry: WorkerEntry): WorkerEntry {
  return { ...entry, autostart: false, schedule: undefined }
}

/** Those that are wanted and all they wait for, which stands before them. */
function withDependencies(entries: readonly EntryPlan[], isWanted: (entry: EntryPlan) => boolean): ReadonlySet<string> {
  const wanted = new Set<string>()
  for (const entry of entries.toReversed()) {
    if (!wanted.has(entry.id) && !isWanted(entry)) continue
    wanted.add(entry.id)
    for (const id of [...entry.dependsOn, ...(entry.startsAfter ?? [])]) wanted.add(id)
  }
  return wanted
}

function isNamed(entry: EntryPlan, names: ReadonlySet<string>, path: string): boolean {
  if (names.has(entry.id) || names.has(`${pathOf(path, entry.id)}:*`)) return true
  if (entry.kind === 'worker') return names.has(entry.service)
  return entry.kind === 'group' && isNamedInside(entry.children, names, pathOf(path, entry.id))
}

function isNamedInside(children: readonly EntryPlan[], names: ReadonlySet<string>, path: string): boolean {
  return children.some((child) => isNamed(child, names, path))
}

function everyName(entries: readonly EntryPlan[], path = ''): ReadonlySet<string> {
  const names = entries.flatMap((entry) => {
    const own = pathOf(path, entry.id)
    if (entry.kind === 'worker') return [entry.id, entry.service]
    return entry.kind === 'pool' ? [entry.id] : [entry.id, `${own}:*`, ...everyName(entry.children, own)]
  })
  return new Set(names)
}

function unknownText(name: string, plan: FleetPlan, known: ReadonlySet<string>): string {
  const meant = nearestOf(name, known)
  const hint = meant === undefined ? `; there are ${[...known].slice(0, 8).join(', ')}` : `. Did you mean ${meant}?`
  return `there is no worker ${JSON.stringify(name)} in ${plan.file}${hint}`
}

/** Everybody who starts by himself. */
export function startingIds(plan: FleetPlan): string[] {
  return workersOf(plan.entries)
    .filter(({ autostart }) => autostart)
    .map(({ id }) => id)
}

/** Everybody else. */
export function byHandIds(plan: FleetPlan): string[] {
  return workersOf(plan.entries)
    .filter(({ autostart }) => !autostart)
    .map(({ id }) => id)
}

function pathOf(path: string, id: string): string {
  return path === '' ? id : `${path}/${id}`
}
