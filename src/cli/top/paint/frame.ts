import { viewOf } from '../steering/view.ts'
import { fitted } from './fit.ts'
import { foot } from './foot.ts'
import { SMALLEST } from './geometry.ts'
import { head, workerHead } from './head.ts'
import { linePane, rule } from './line-pane.ts'
import type { PaintScene } from './scene.ts'
import { workerList } from './worker-list.ts'

/** What is on the screen: as many lines as it has rows, none wider than it. */
export interface Frame {
  readonly lines: readonly string[]
  /** Where somebody writes. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined
}

export function frameOf(scene: PaintScene): Frame {
  const { size } = scene
  const { columns, rows } = size
  if (columns < SMALLEST.columns || rows < SMALLEST.rows) return tooSmall(scene)
  const above = [...head(scene), ...body(scene)].slice(0, rows - 1)
  const padding = Array.from({ length: rows - 1 - above.length }, () => '')
  const { line, cursor } = foot(scene)
  const lines = [...above, ...padding, line].map((one) => fitted(one, columns))
  return { lines, cursor: cursor === undefined ? undefined : { row: rows - 1, column: Math.min(cursor, columns - 1) } }
}

function body(scene: PaintScene): string[] {
  const view = viewOf(scene.state)
  if (view.kind === 'list') return [...workerList(scene), rule(scene), ...linePane(scene)]
  if (view.kind === 'logs') return [...workerHead(view.worker, scene), rule(scene), ...linePane(scene)]
  const { state, text, geometry } = scene
  return ['', ...text.slice(state.scroll, state.scroll + geometry.text)]
}

function tooSmall({ size: { columns, rows } }: PaintScene): Frame {
  const text = `${SMALLEST.columns}x${SMALLEST.rows} at least, please`
  return { lines: Array.from({ length: rows }, (_, i) => (i === 0 ? fitted(text, columns) : '')), cursor: undefined }
}
