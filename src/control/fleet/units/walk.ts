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
  const visits = new Map<string, Promise<Visit>>()
  for (const item of items) {
    const { dependsOn, startsAfter = [] } = item
    const begun = startsAfter.map((id) => visits.get(id)?.then((other) => Promise.race([other.begun, other.done])))
    const failed = dependsOn.map(async (id) => ((await (await visits.get(id))?.done) === false ? [id] : []))
    visits.set(
      item.id,
      Promise.all([Promise.all(failed), ...begun]).then(([ids]) => visit(item, ids.flat())),
    )
  }
  await Promise.all([...visits.values()].map(async (each) => (await each).done))
}

/** Visits each once those that depend on it have been visited. */
export async function walkBackward<Item extends Dependent>(
  items: readonly Item[],
  visit: (item: Item) => Promise<unknown>,
): Promise<void> {
  const visits = new Map<string, Promise<unknown>>()
  for (const item of items.toReversed()) {
    const users = items.filter(
      (other) => other.dependsOn.includes(item.id) || other.startsAfter?.includes(item.id) === true,
    )
    visits.set(
      item.id,
      Promise.all(users.flatMap(({ id }) => visits.get(id) ?? [])).then(() => visit(item)),
    )
  }
  await Promise.all(visits.values())
}
