import type { ChildShutdown, Restart } from '../../src/supervisor/child.ts'
import type { AutoShutdown, Strategy } from '../../src/supervisor/plan.ts'

/**
 * How a scripted life ends. `returns`, `throws` and `aborts` leave it to the supervisor to say what that means; the others
 * are exits of that kind; a `shortage` is thrown, and is no fault of the child.
 */
export type Ending =
  | 'returns'
  | 'throws'
  | 'aborts'
  | 'shortage'
  | 'normal'
  | 'failed'
  | 'signaled'
  | 'stopped'
  | 'gave-up'

/** One life of a scripted child. */
export interface Script {
  /** After so long it is ready, or, where it never is, ends. */
  readonly start: number
  readonly readiness: 'proven' | 'assumed' | 'never'
  /** So long after it was ready it ends; undefined: not by itself. */
  readonly life: number | undefined
  readonly end: Ending
  /** What it does when asked to stop: nothing, or end after so long; it may say that it is ready all the same. */
  readonly stop: { readonly after: number; readonly end: Ending } | 'ignored'
  /** Whether it has looked at `context.kill`, and how soon it ends then. */
  readonly kill: number | 'unseen' | 'ignored'
}

/** What every child has. */
export interface Common {
  readonly id: string
  readonly restart: Restart
  readonly significant: boolean
  readonly backoff: { readonly min: number; readonly max: number; readonly factor: number }
  readonly shutdown: ChildShutdown
}

export interface Leaf extends Common {
  /** One for each life. */
  readonly scripts: readonly Script[]
  /** For all lives after that: until it is stopped. */
  readonly steady: Script
}

export interface Tree extends Common {
  readonly strategy: Strategy
  readonly autoShutdown: AutoShutdown
  /** Of a one-for-one: they leave at the same time. */
  readonly together: boolean
  readonly intensity: { readonly restarts: number; readonly within: number }
  readonly children: readonly Node[]
}

export type Node = Leaf | Tree

/** What somebody does from outside. `tree` counts the trees of the plot from the root; `start` and the last `stop` are the root's. */
export interface Action {
  readonly at: number
  readonly does: 'start' | 'stop' | 'terminate' | 'restart' | 'remove' | 'add'
  readonly tree: number
  readonly child: string
  readonly added: Node | undefined
}

/** All of one run. */
export interface Plot {
  readonly root: Tree
  readonly actions: readonly Action[]
}

export const isTree = (node: Node): node is Tree => 'children' in node

/** All trees that are there from the beginning, the root first. */
export function treesOf(tree: Tree): Tree[] {
  return [tree, ...tree.children.filter(isTree).flatMap(treesOf)]
}

/** A plot in a few lines. */
export function describePlot({ root, actions }: Plot): string {
  const acts = actions.map(({ at, does, tree, child, added }) => {
    const what = added === undefined ? child : describeNode(added, '    ').trim()
    return `  at ${at}: ${does} ${what} (tree ${tree})`
  })
  return [describeNode(root, ''), ...acts].join('\n')
}

function describeNode(node: Node, indent: string): string {
  const { id, restart: kind, significant, backoff: waits, shutdown: bound } = node
  const head = `${indent}${id}: ${kind}${significant ? ' significant' : ''}, backoff ${Object.values(waits).join('/')}, shutdown ${bound}`
  if (!isTree(node)) return [head, ...node.scripts.map((one) => `${indent}  ${JSON.stringify(one)}`)].join('\n')
  const { strategy, autoShutdown, together, intensity, children } = node
  const leaving = together ? ', together' : ''
  const own = `${strategy}, ${intensity.restarts} in ${intensity.within}, auto-shutdown ${autoShutdown}${leaving}`
  return [`${head}; ${own}`, ...children.map((child) => describeNode(child, `${indent}  `))].join('\n')
}
