import * as fc from 'fast-check'
import type { ChildShutdown, Restart } from '../../src/supervisor/child.ts'
import type { AutoShutdown, Strategy } from '../../src/supervisor/plan.ts'
import {
  type Action,
  type Common,
  type Ending,
  type Leaf,
  type Node,
  type Plot,
  type Script,
  type Tree,
  isTree,
} from './model-tree.ts'

/** When the last `stop` comes: long after the other actions. */
const LAST = 40_000

/** The first alternative is the simplest. */
const SHRINKING = { withCrossShrink: true }

const often = <T>(usual: number, value: T, ...rest: readonly (readonly [number, T])[]): fc.Arbitrary<T> =>
  fc.oneof(
    SHRINKING,
    { weight: usual, arbitrary: fc.constant(value) },
    ...rest.map(([weight, other]) => ({ weight, arbitrary: fc.constant(other) })),
  )

/** Steps of a half or more, so that two of them are made smaller in few trials. */
const DURATIONS = [1, 3, 7, 15, 30, 60, 100, 200, 350, 600, 1000, 1500, 2500, 4000, 7000, 11_000, 15_000]
const upTo = (max: number): fc.Arbitrary<number> => fc.constantFrom(...DURATIONS.filter((ms) => ms <= max))
const orAtOnce = (max: number): fc.Arbitrary<number> =>
  fc.oneof(SHRINKING, { weight: 1, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: upTo(max) })

const ending = often<Ending>(
  2,
  'returns',
  [5, 'failed'],
  [3, 'throws'],
  [2, 'normal'],
  [1, 'stopped'],
  [1, 'aborts'],
  [1, 'signaled'],
  [1, 'shortage'],
  [1, 'gave-up'],
)
const stopEnding = often<Ending>(5, 'returns', [2, 'aborts'], [1, 'throws'], [1, 'failed'], [1, 'normal'])

const stopping: fc.Arbitrary<Script['stop']> = fc.oneof(
  SHRINKING,
  { weight: 4, arbitrary: fc.record({ after: orAtOnce(3000), end: stopEnding }) },
  { weight: 1, arbitrary: fc.constant('ignored' as const) },
)
const killing: fc.Arbitrary<Script['kill']> = fc.oneof(
  SHRINKING,
  { weight: 3, arbitrary: fc.constant('unseen' as const) },
  { weight: 2, arbitrary: upTo(2000) },
  { weight: 1, arbitrary: fc.constant('ignored' as const) },
)

const script: fc.Arbitrary<Script> = fc.record({
  start: orAtOnce(1500),
  readiness: often<Script['readiness']>(6, 'proven', [3, 'assumed'], [1, 'never']),
  life: fc.oneof(
    SHRINKING,
    { weight: 3, arbitrary: upTo(1500) },
    { weight: 2, arbitrary: upTo(12_000) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  end: ending,
  stop: stopping,
  kill: killing,
})

const restart = often<Restart>(4, 'permanent', [3, 'transient'], [1, 'temporary'])
const shutdown: fc.Arbitrary<ChildShutdown> = fc.oneof(
  SHRINKING,
  { weight: 5, arbitrary: upTo(4000) },
  { weight: 1, arbitrary: fc.constant('brutal-kill' as const) },
  { weight: 2, arbitrary: fc.constant('infinity' as const) },
)
const backoff = fc
  .record({
    min: fc.constantFrom(100, 900, 0, 3000, 30),
    growth: fc.constantFrom(4, 1, 8),
    factor: fc.constantFrom(2, 1, 3),
  })
  .map(({ min, growth, factor }) => ({ min, max: min * growth, factor }))

const STEADY: Script = {
  start: 1,
  readiness: 'proven',
  life: undefined,
  end: 'normal',
  stop: { after: 1, end: 'returns' },
  kill: 'unseen',
}

const leaf: fc.Arbitrary<Leaf> = fc.record({
  id: fc.constant(''),
  restart,
  significant: fc.boolean(),
  backoff,
  shutdown,
  scripts: fc.array(script, { maxLength: 4 }),
  steady: fc.constant(STEADY),
})

function treeOf(level: number): fc.Arbitrary<Tree> {
  const child: fc.Arbitrary<Node> =
    level === 3
      ? leaf
      : fc.oneof(
          SHRINKING,
          { weight: level === 1 ? 3 : 5, arbitrary: leaf },
          { weight: 1, arbitrary: treeOf(level + 1) },
        )
  return fc.record({
    id: fc.constant(''),
    restart,
    significant: fc.boolean(),
    backoff,
    shutdown: fc.oneof(
      SHRINKING,
      { weight: 3, arbitrary: fc.constant('infinity' as const) },
      { weight: 1, arbitrary: shutdown },
    ),
    strategy: fc.constantFrom<Strategy>('one-for-all', 'rest-for-one', 'one-for-one'),
    autoShutdown: often<AutoShutdown>(3, 'never', [1, 'any-significant'], [1, 'all-significant']),
    together: fc.boolean(),
    intensity: fc.record({
      restarts: fc.constantFrom(3, 1, 2, 0, 5),
      within: fc.constantFrom(5000, 300, 1000, 20_000),
    }),
    children: fc.array(child, { maxLength: level === 1 ? 5 : 4 }),
  })
}

const action = fc.record({
  at: fc.oneof(SHRINKING, { weight: 3, arbitrary: upTo(2500) }, { weight: 1, arbitrary: upTo(15_000) }),
  does: often<Action['does']>(4, 'restart', [3, 'terminate'], [2, 'add'], [1, 'remove'], [1, 'stop'], [1, 'start']),
  tree: fc.oneof(SHRINKING, { weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 5 }) }),
  child: fc.constantFrom('a', 'b', 'c', 'a', 'b', 'd', 'x', 'y'),
  added: fc.oneof(SHRINKING, { weight: 4, arbitrary: leaf }, { weight: 1, arbitrary: treeOf(3) }),
})

/** Shrinks: fewer children, shorter scripts, fewer actions, smaller times. */
export const plots: fc.Arbitrary<Plot> = fc
  .record({
    root: treeOf(1),
    actions: fc.oneof(
      SHRINKING,
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 3, arbitrary: fc.array(action, { maxLength: 8 }) },
    ),
  })
  .map(({ root, actions }) => new Finisher().plot(root, actions))

/**
 * Makes a random plot one that can be: names, valid combinations, and times that never meet.
 *
 * Every duration gets a fraction of its own, a multiple of 2^-20 ms that sums keep exactly: two sums of different durations
 * are equal only by chance. The model notices that, and such a run is not compared.
 */
class Finisher {
  #count = 0

  plot(root: Tree, actions: readonly Action[]): Plot {
    return {
      root: this.#tree(root, 'root', 'never'),
      actions: [
        ...actions.map((one, i) => this.#action(one, i)),
        { at: LAST, does: 'stop' as const, tree: 0, child: '', added: undefined },
      ].toSorted((a, b) => a.at - b.at),
    }
  }

  #action(one: Action, i: number): Action {
    const added =
      one.does === 'add' && one.added !== undefined ? this.#node(one.added, 'xy'[i % 2]!, 'never') : undefined
    const { does } = one
    return {
      ...one,
      at: this.#distinct(one.at),
      tree: does === 'start' ? 0 : one.tree,
      child: added?.id ?? one.child,
      added,
    }
  }

  #node(node: Node, id: string, auto: AutoShutdown): Node {
    return isTree(node) ? this.#tree(node, id, auto) : this.#leaf(node, id, auto)
  }

  #tree(tree: Tree, id: string, auto: AutoShutdown): Tree {
    const { intensity, autoShutdown, strategy, together } = tree
    return {
      ...tree,
      together: together && strategy === 'one-for-one',
      ...this.#common(tree, id, auto),
      intensity: { ...intensity, within: this.#distinct(intensity.within) },
      children: tree.children.map((child, i) => this.#node(child, 'abcde'[i]!, autoShutdown)),
    }
  }

  #leaf(node: Leaf, id: string, auto: AutoShutdown): Leaf {
    const common = this.#common(node, id, auto)
    const isPatient = common.shutdown === 'infinity'
    const scripts = node.scripts.map((one) => this.#script(one, isPatient))
    return { ...node, ...common, scripts, steady: this.#script(node.steady, isPatient) }
  }

  #script(one: Script, isPatient: boolean): Script {
    // Whoever may take for ever must not.
    const stop = one.stop === 'ignored' && isPatient ? STEADY.stop : one.stop
    return {
      ...one,
      start: this.#distinct(one.start),
      life: one.life === undefined ? undefined : this.#distinct(one.life),
      stop: stop === 'ignored' ? stop : { after: this.#distinct(stop.after), end: stop.end },
      kill: typeof one.kill === 'number' ? this.#distinct(one.kill) : one.kill,
    }
  }

  #common(
    { restart: kind, significant, shutdown: bound, backoff: waits }: Node,
    id: string,
    auto: AutoShutdown,
  ): Common {
    return {
      id,
      restart: kind,
      significant: significant && kind !== 'permanent' && auto !== 'never',
      backoff: waits,
      shutdown: typeof bound === 'number' ? this.#distinct(bound) : bound,
    }
  }

  /** At once stays at once. */
  #distinct(ms: number): number {
    if (ms === 0) return 0
    this.#count++
    return ms + ((Math.imul(this.#count, 0x9e3779b1) >>> 12) | 1) / 2 ** 20
  }
}
