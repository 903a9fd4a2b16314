import type { Style } from '../terminal.ts'
import type { Screen } from './screen.ts'
import { cut, pad, widthOf } from './text.ts'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  readonly align?: 'left' | 'right'
  readonly style?: (row: Row) => Style | undefined
  /** Takes what is left of the line, and is cut to it. At most one, the last. */
  readonly isElastic?: boolean
}

/** A line between the rows, such as the name of a group. */
export interface Heading {
  readonly heading: string
}

const GAP = '  '
/** What is left of a name. */
const NARROWEST = 6

/** A head, and a line for each row; no line is wider than the screen, and none ends in blanks. */
export function table<Row extends object>(
  columns: readonly Column<Row>[],
  rows: readonly (Row | Heading)[],
  screen: Pick<Screen, 'width' | 'paint'>,
): string[] {
  const cells = rows.map((row) => (isHeading(row) ? undefined : columns.map(({ text }) => text(row))))
  const widths = columns.map(({ title }, i) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row?.[i] ?? '')), widthOf(title)),
  )
  fit(columns, widths, screen.width)
  const head = line(
    columns,
    widths,
    columns.map(({ title }) => title),
  )
  const body = rows.map((row, r) => {
    if (isHeading(row)) return screen.paint('dim', cut(row.heading, screen.width))
    const paint = (text: string, i: number): string => {
      const style = columns[i]?.style?.(row)
      return style === undefined ? text : screen.paint(style, text)
    }
    return line(columns, widths, cells[r] ?? [], paint)
  })
  return [screen.paint('bold', head), ...body]
}

function isHeading(row: object): row is Heading {
  return 'heading' in row
}

/** The elastic column gets what the others leave; when that is not enough for its title, the first gives way. */
function fit(columns: readonly Column<never>[], widths: number[], width: number): void {
  const last = widths.length - 1
  if (columns[last]?.isElastic === true) shrink(widths, last, width, widthOf(columns[last].title))
  shrink(widths, 0, width, NARROWEST)
}

function shrink(widths: number[], column: number, width: number, least: number): void {
  const sum = widths.reduce((total, one) => total + one, GAP.length * (widths.length - 1))
  const own = widths[column] ?? 0
  if (sum > width) widths[column] = Math.max(Math.min(own, least), own - (sum - width))
}

function line(
  columns: readonly Column<never>[],
  widths: readonly number[],
  cells: readonly string[],
  paint: (text: string, column: number) => string = (text) => text,
): string {
  return cells
    .map((text, i) => {
      const width = widths[i] ?? 0
      const isLast = i === cells.length - 1 && columns[i]?.align !== 'right'
      const fitted = cut(text, width)
      return paint(isLast ? fitted : pad(fitted, width, columns[i]?.align), i)
    })
    .join(GAP)
    .trimEnd()
}
