/** Something that depends on others of its level. */
export interface Dependent {
  readonly id: string
  /** They must be ready before it is visited. */
  readonly dependsOn: readonly string[]
  /** These must have been begun, ready or not. */
  readonly startsAfter?: readonly string[]
}

/** What becomes of a visit. */
export interface Visit {
  readonly begun: Promise<unknown>
  /** False: those that depend on it are told so. */
  readonly done: Promise<boolean>
}

/**
 * Visits each once those it depends on have been visited; what does not depend on each other is visited at the same time.
 * `failed` are those of its dependencies whose visit came to false. Expects the order of start.
 */
export async function walkForward<Item extends Dependent>(
  items: readonly Item[],
  visit: (item: Item, failed: readonly string[]) => Visit,
): Promise<void> {
  const failed = new Set<string>()
  const walk = async ({ item, gate, users, followers }: Stop<Item>): Promise<void> => {
    await gate.opened()
    const { begun, done } = visit(
      item,
      item.dependsOn.filter((id) => failed.has(id)),
    )
    const hasBegun = (): void => passAll(followers)
    void Promise.race([begun, done]).then(hasBegun, hasBegun)
    if (!(await done)) failed.add(item.id)
    passAll(users)
  }
  await Promise.all(stopsOf(items).map(walk))
}

/** Visits each once those that depend on it have been visited. */
export async function walkBackward<Item extends Dependent>(
  items: readonly Item[],
  visit: (item: Item) => Promise<unknown>,
): Promise<void> {
  const users = new Map<string, string[]>(items.map(({ id }) => [id, []]))
  for (const { id, dependsOn, startsAfter = [] } of items)
    for (const other of [...dependsOn, ...startsAfter]) users.get(other)?.push(id)
  const turned = items.toReversed().map((item) => ({ id: item.id, dependsOn: users.get(item.id) ?? [], item }))
  await walkForward(turned, ({ item }) => {
    const done = visit(item).then(() => true)
    return { begun: done, done }
  })
}

/** One item on the way, and who waits for it: until it was visited, or until that has begun. */
interface Stop<Item> {
  readonly item: Item
  readonly gate: Gate
  readonly users: Gate[]
  readonly followers: Gate[]
}

/** Thousands may depend on thousands: a count for each, not a promise for each of those pairs. */
class Gate {
  #left = 0
  readonly #open = Promise.withResolvers<void>()

  /** Whoever passes all of `gates` has to pass it, too, before it opens. */
  join(gates: Gate[] | undefined): void {
    if (gates === undefined) return
    gates.push(this)
    this.#left++
  }

  pass(): void {
    if (--this.#left === 0) this.#open.resolve()
  }

  opened(): Promise<void> {
    return this.#left === 0 ? Promise.resolve() : this.#open.promise
  }
}

function stopsOf<Item extends Dependent>(items: readonly Item[]): readonly Stop<Item>[] {
  const stops = new Map<string, Stop<Item>>()
  for (const item of items) {
    const gate = new Gate()
    for (const id of item.dependsOn) gate.join(stops.get(id)?.users)
    for (const id of item.startsAfter ?? []) gate.join(stops.get(id)?.followers)
    stops.set(item.id, { item, gate, users: [], followers: [] })
  }
  return [...stops.values()]
}

function passAll(gates: readonly Gate[]): void {
  for (const gate of gates) gate.pass()
}
