import type { Problems } from '../found/found.ts'
import type { Dependency } from '../keys/dependencies.ts'
import { didYouMean } from '../shapes/suggest.ts'

/** Something that is started among others, and whom it needs. */
export interface Unordered {
  readonly name: string
  /** Other names for it, or for parts of it. */
  readonly ids: readonly string[]
  readonly needs: readonly Dependency[]
}

/**
 * In the order of start: each behind whom it depends on, and otherwise as in the file. Who depends on nobody, on somebody of
 * another level, or on itself through others, is a problem. `all` are the names of the whole fleet.
 */
export function inOrder<T extends Unordered>(
  items: readonly T[],
  all: ReadonlySet<string>,
  problems: Problems,
): readonly T[] {
  const byName = new Map(items.flatMap((item) => [...item.ids, item.name].map((name) => [name, item] as const)))
  for (const item of items) for (const need of item.needs) checkNeed(need, byName, all, problems)
  const walk = new Walk(byName, problems)
  for (const item of items) walk.visit(item)
  return walk.ordered
}

function checkNeed(
  { name, place }: Dependency,
  known: ReadonlyMap<string, unknown>,
  all: ReadonlySet<string>,
  problems: Problems,
): void {
  if (known.has(name)) return
  const why = all.has(name)
    ? `${name} is of another level; only members of one group can depend on each other, or groups on groups`
    : `there is no ${JSON.stringify(name)} here to depend on${problems.areMany ? '' : didYouMean(name, known.keys())}`
  problems.add(place, why)
}

/** Depth first, in the order of the file; without recursion, for chains of any length. */
class Walk<T extends Unordered> {
  readonly #known: ReadonlyMap<string, T>
  readonly #problems: Problems
  readonly #done = new Set<T>()
  readonly ordered: T[] = []

  constructor(known: ReadonlyMap<string, T>, problems: Problems) {
    this.#known = known
    this.#problems = problems
  }

  visit(first: T): void {
    if (this.#done.has(first)) return
    const path: Step<T>[] = [{ item: first, left: first.needs.values() }]
    const onPath = new Set([first])
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) this.#go(step, path, onPath)
  }

  /** On to whom it needs next, or back when there is nobody left. */
  #go({ item, left }: Step<T>, path: Step<T>[], onPath: Set<T>): void {
    const next = left.next()
    if (next.done === true) {
      path.pop()
      onPath.delete(item)
      this.#done.add(item)
      this.ordered.push(item)
      return
    }
    const { name, place } = next.value
    const needed = this.#known.get(name)
    if (needed === undefined || this.#done.has(needed)) return
    if (onPath.has(needed))
      this.#problems.add(
        place,
        circleOf(
          path.map((step) => step.item),
          needed,
        ),
      )
    else {
      path.push({ item: needed, left: needed.needs.values() })
      onPath.add(needed)
    }
  }
}

/** One item on the way, and whom of its needs nobody has looked at. */
interface Step<T> {
  readonly item: T
  readonly left: Iterator<Dependency>
}

function circleOf(path: readonly Unordered[], again: Unordered): string {
  const names = [...path.slice(path.indexOf(again)), again].map(({ name }) => name)
  return names.length === 2
    ? `${again.name} depends on itself`
    : `these depend on each other in a circle: ${names.join(' → ')}`
}
