import type { EntryPlan, GroupEntry } from '../fleet-plan.ts'
import type { Place } from '../found/found.ts'
import type { Dependency } from '../keys/dependencies.ts'
import { NAME } from '../keys/basics.ts'
import type { GroupReading, MEMBER_KEYS } from '../keys/tables.ts'
import type { Named } from '../shapes/collections.ts'
import type { Reading } from '../shapes/table.ts'
import { type Unordered, inOrder } from './order.ts'
import { resolvePool } from './pool.ts'
import type { Context } from './program.ts'
import { resolveWorker } from './worker.ts'

/** A name of the file, and the entries it stands for: each replica, or one. */
interface Member extends Unordered {
  readonly entries: readonly EntryPlan[]
}

/** What a fleet and a group have in common. */
type Reader = Pick<Reading<typeof MEMBER_KEYS>, 'get'>

/** Every name of the fleet, and where it stands. */
export class Names {
  readonly #places = new Map<string, Place>()
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /** Says so where a name cannot be one, or is taken. */
  claim(name: string, place: Place): boolean {
    const fault = faultOf(name) ?? this.#takenBy(name)
    if (fault === undefined) this.#places.set(name, place)
    else this.#context.problems.add(place, fault)
    return fault === undefined
  }

  all(): ReadonlySet<string> {
    return new Set(this.#places.keys())
  }

  #takenBy(name: string): string | undefined {
    const other = this.#places.get(name)
    if (other === undefined) return undefined
    const line = other.line === undefined ? '' : ` in line ${other.line}`
    return `the name ${name} is taken by ${other.path}${line}; names are unique in the fleet`
  }
}

/** `all` is everybody, digits are a pid. */
function faultOf(name: string): string | undefined {
  if (!NAME.test(name))
    return `${JSON.stringify(name)} cannot be a name: expected letters, digits, dots, dashes and underscores, 100 at most`
  if (name === 'all') return '"all" means all of them, and cannot be the name of one'
  return /^\d+$/.test(name) ? `${name} could be mistaken for a pid; a name has more than digits` : undefined
}

/** Claims the names of a level and of all below it, so that each can be told from what is not there. */
export function claimAll(given: Reader, names: Names): void {
  for (const { name, place, value } of given.get('workers') ?? []) {
    const replicas = names.claim(name, place) ? (value.get('replicas') ?? 0) : 0
    for (let replica = 1; replica <= replicas; replica++) names.claim(`${name}-${replica}`, place)
  }
  for (const { name, place } of given.get('pools') ?? []) names.claim(name, place)
  for (const { name, place, value } of given.get('groups') ?? []) {
    names.claim(name, place)
    claimAll(value, names)
  }
}

/** The entries of one level, in the order of their start. */
export function resolveMembers(given: Reader, names: Names, context: Context): readonly EntryPlan[] {
  const members = inOrder(membersOf(given, names, context), names.all(), context.problems)
  const ids = new Map(
    members.flatMap((member) => [...member.ids.map((id) => [id, [id]] as const), [member.name, member.ids] as const]),
  )
  return members.flatMap(({ needs, entries }) => {
    const dependencies = dependenciesOf(needs, ids)
    return entries.map((entry) => ({ ...entry, ...dependencies }))
  })
}

function dependenciesOf(
  needs: readonly Dependency[],
  ids: ReadonlyMap<string, readonly string[]>,
): { readonly dependsOn: readonly string[]; readonly startsAfter?: readonly string[] } {
  const idsOf = (condition: Dependency['condition']): readonly string[] => [
    ...new Set(needs.filter((need) => need.condition === condition).flatMap(({ name }) => ids.get(name) ?? [])),
  ]
  const startsAfter = idsOf('started')
  return { dependsOn: idsOf('ready'), ...(startsAfter.length === 0 ? {} : { startsAfter }) }
}

/** Workers, pools, groups, each in the order of the file. */
function membersOf(given: Reader, names: Names, context: Context): readonly Member[] {
  return [
    ...(given.get('workers') ?? []).map((worker) => memberOf(worker, resolveWorker(worker, context))),
    ...(given.get('pools') ?? []).map((pool) => memberOf(pool, [resolvePool(pool, context)])),
    ...(given.get('groups') ?? []).map((group) => memberOf(group, [resolveGroup(group, names, context)])),
  ]
}

function memberOf(
  { name, value }: Named<{ get(key: 'dependsOn'): readonly Dependency[] | undefined }>,
  entries: readonly EntryPlan[],
): Member {
  return { name, needs: value.get('dependsOn') ?? [], entries, ids: entries.map(({ id }) => id) }
}

function resolveGroup({ name, value: given }: Named<GroupReading>, names: Names, context: Context): GroupEntry {
  const [strategy = 'one-for-one', stop = 'one-by-one'] = [given.get('strategy'), given.get('stop')]
  if (stop === 'together' && strategy !== 'one-for-one')
    context.problems.add(given.at('stop'), `they cannot stop together: those of a ${strategy} depend on each other`)
  return {
    kind: 'group',
    id: name,
    dependsOn: [],
    strategy,
    stop,
    intensity: given.get('intensity') ?? { restarts: 3, within: 5000 },
    children: resolveMembers(given, names, context),
  }
}
