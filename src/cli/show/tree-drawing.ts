import type { TreeNode } from '../../control/api/wire.ts'
import { age } from './times.ts'
import type { Screen } from './screen.ts'
import { stateStyle, stateText } from './states.ts'
import { cut, harmless } from './text.ts'

/** Who keeps whom, as a drawing of lines. */
export function treeDrawing(root: TreeNode, screen: Pick<Screen, 'paint' | 'width'>): string[] {
  return [label(root, screen, 0), ...branches(root.children ?? [], '', screen)]
}

function branches(nodes: readonly TreeNode[], indent: string, screen: Pick<Screen, 'paint' | 'width'>): string[] {
  return nodes.flatMap((node, i) => {
    const isLast = i === nodes.length - 1
    const own = `${indent}${isLast ? '└─' : '├─'} `
    const below = branches(node.children ?? [], `${indent}${isLast ? '  ' : '│ '} `, screen)
    return [`${screen.paint('dim', own)}${label(node, screen, own.length)}`, ...below]
  })
}

function label(node: TreeNode, { paint, width }: Pick<Screen, 'paint' | 'width'>, indent: number): string {
  const name = node.kind === 'worker' ? harmless(node.id) : `${harmless(node.id)}/`
  const state = stateText(node.state)
  const rest = remarks(node).join(' · ')
  const room = width - indent - name.length - state.length - 4
  const remark = rest === '' || room < 8 ? '' : `  ${paint('dim', cut(rest, room))}`
  return `${node.kind === 'worker' ? name : paint('bold', name)}  ${paint(stateStyle(node.state), state)}${remark}`
}

function remarks({ kind, pid, strategy, intensity, dependsOn = [] }: TreeNode): string[] {
  return [
    ...(kind === 'pool' ? ['pool'] : []),
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(strategy === undefined ? [] : [strategy]),
    ...(intensity === undefined ? [] : [`${intensity.restarts} restarts in ${age(intensity.within)}`]),
    ...(dependsOn.length === 0 ? [] : [`after ${dependsOn.map(harmless).join(', ')}`]),
  ]
}

/** The same for whatever draws Mermaid: GitHub, many editors. */
export function mermaid(root: TreeNode): string {
  const lines = ['flowchart TD']
  const numbers = new Map<TreeNode, string>()
  const visit = (node: TreeNode): string => {
    const key = `n${numbers.size}`
    numbers.set(node, key)
    const text = `${node.id}<br/>${node.state}`.replaceAll('"', '#quot;')
    lines.push(node.kind === 'worker' ? `  ${key}["${text}"]` : `  ${key}(["${text}"])`)
    for (const child of node.children ?? []) lines.push(`  ${key} --> ${visit(child)}`)
    for (const [id, other] of siblings(node)) lines.push(`  ${numbers.get(other)} -.->|before| ${numbers.get(id)}`)
    return key
  }
  visit(root)
  return `${lines.join('\n')}\n`
}

/** Which child waits for which. */
function siblings({ children = [] }: TreeNode): [waits: TreeNode, forWhom: TreeNode][] {
  return children.flatMap((child) =>
    children.filter(({ id }) => child.dependsOn?.includes(id)).map((other): [TreeNode, TreeNode] => [child, other]),
  )
}
