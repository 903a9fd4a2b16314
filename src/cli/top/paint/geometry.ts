import type { View } from '../steering/view.ts'
import type { Size } from './scene.ts'

/** The smallest terminal there is a picture for. */
export const SMALLEST: Size = { columns: 40, rows: 10 }

/** What gets how many rows of the terminal. */
export interface Geometry {
  /** What is said of all of them, at the top. */
  readonly head: number
  /** Workers, below the names of their columns. */
  readonly list: number
  /** Lines of logs. */
  readonly lines: number
  /** A page of text. */
  readonly text: number
}

/** A terminal of so many rows has room for a second line of figures. */
const ROOMY = 14
/** Names of columns, the rule above the lines, the line at the bottom. */
const FRAME = 3
/** What is said of one worker, and the rule below it. */
const FOCUS = 3

/** The list gets what it needs, up to three fifths; the lines get the rest. */
export function geometryFor({ rows }: Size, { kind }: View, listLength: number): Geometry {
  const head = rows < ROOMY ? 1 : 2
  const body = Math.max(2, rows - head - FRAME)
  const list = Math.max(1, Math.min(Math.max(3, listLength), Math.ceil(body * 0.6)))
  const text = Math.max(1, rows - 3)
  if (kind !== 'list') return { head: 1, list, lines: Math.max(1, rows - 2 - FOCUS), text }
  return { head, list, lines: Math.max(1, body - list), text }
}
