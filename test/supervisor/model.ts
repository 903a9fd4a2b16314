import { Tenure } from './model-tenure.ts'
import { type Node, type Plot, type Tree, treesOf } from './model-tree.ts'

/**
 * What OTP's rules, as `docs/decisions/0018-supervision-is-otps.md` has them, make of a plot: everything that happens, when.
 *
 * It keeps no plans and no queues. It knows of each child whether it lives, whether its life is doomed (it has to go for a
 * sibling's sake) and whether a life is owed to it (and from when), and asks after everything that happens: who may be
 * stopped or started now?
 */
export function predict(plot: Plot): Prediction {
  const world = new World()
  const trees = treesOf(plot.root)
  const start = (action: number): void => {
    const last = world.latest.get(plot.root)
    if (last !== undefined && !last.over) return world.report(action, false)
    new Tenure(world, plot.root, plot.root.id).begin((ok) => world.report(action, ok))
  }
  world.after(0, () => start(-1))
  for (const [i, { at, does, tree, child, added }] of plot.actions.entries()) {
    world.after(at, () => {
      if (does === 'start') return start(i)
      const tenure = world.latest.get(trees[tree % trees.length]!)
      const told = (ok: boolean): void => world.report(i, ok)
      if (does === 'stop') return tenure === undefined || tenure.over ? told(true) : tenure.stopFor(told)
      if (tenure === undefined || tenure.over) return told(false)
      if (does === 'add') return tenure.add(added!, told)
      const post = tenure.known().find(({ node }) => node.id === child)
      if (post === undefined) return told(false)
      tenure[does](post, told)
    })
  }
  world.run()
  const { lines, loose, tied, seen } = world
  return { lines, loose, tied, seen }
}

/** What may come about; the check is worth something only where all of it does. */
export const SIGHTS = [
  'give-up',
  'escalation',
  'failed first start',
  'failed restart',
  'interrupted group restart',
  'auto-shutdown',
  'ignored',
  'abandoned',
  'obeyed kill',
  'shortage',
  'swallowed failure',
  'by hand in a restart',
  'grown wait',
  'left together',
] as const
export type Sight = (typeof SIGHTS)[number]

export interface Prediction {
  /** For each supervisor (by its path) and for what was done from outside (`''`): what happens, in order. */
  readonly lines: ReadonlyMap<string, readonly Line[]>
  /** Instants in which several things happen at once, in an order that no rule gives. */
  readonly loose: ReadonlySet<number>
  /** Two things that have nothing to do with each other happen in one instant. */
  readonly tied: boolean
  readonly seen: ReadonlyMap<Sight, number>
}

export interface Line {
  readonly at: number
  readonly what: string
}

/** Time, and what all that live in it share. */
export class World {
  now = 0
  readonly lines = new Map<string, Line[]>()
  readonly loose = new Set<number>()
  readonly seen = new Map<Sight, number>()
  readonly latest = new Map<Tree, Tenure>()
  readonly lives = new Map<Node, number>()
  tied = false
  #agenda: { at: number; isTie: boolean; fire: () => void }[] = []

  /** `isTie`: nothing else should happen then. */
  after(ms: number, fire: () => void, isTie = ms > 0): () => void {
    if (ms === Infinity) return () => {}
    const item = { at: this.now + ms, isTie, fire }
    const place = this.#agenda.findLastIndex(({ at }) => at <= item.at)
    this.#agenda.splice(place + 1, 0, item)
    return () => {
      const found = this.#agenda.indexOf(item)
      if (found >= 0) this.#agenda.splice(found, 1)
    }
  }

  run(): void {
    for (let item = this.#agenda.shift(); item !== undefined; item = this.#agenda.shift()) {
      if (item.isTie && item.at === this.now) this.tied = true
      this.now = item.at
      item.fire()
    }
  }

  line(path: string, what: string): void {
    const lines = this.lines.get(path)
    if (lines === undefined) this.lines.set(path, [{ at: this.now, what }])
    else lines.push({ at: this.now, what })
  }

  report(action: number, ok: boolean): void {
    this.line('', `${action} ${ok ? 'done' : 'refused'}`)
  }

  see(sight: Sight): void {
    this.seen.set(sight, (this.seen.get(sight) ?? 0) + 1)
  }
}
