import type { WorkerStatus } from '../../../control/api/wire.ts'
import { formatBytes } from '../../../base/units.ts'
import type { Column } from '../../show/table.ts'
import { cut, harmless, pad, widthOf } from '../../show/text.ts'
import { WORKER_COLUMNS } from '../../show/worker-table.ts'
import type { Style } from '../../terminal.ts'
import type { FleetPicture } from '../model/picture.ts'
import type { Row } from '../model/rows.ts'
import { percent } from './head.ts'
import { ACCENT, type PaintScene } from './scene.ts'
import { cpuLine, memoryLine } from './sparkline.ts'

/** A column that is always as wide: nothing moves when a figure grows. */
interface Cell {
  readonly title: string
  readonly width: number
  readonly align: 'left' | 'right'
  readonly text: (worker: WorkerStatus, picture: FleetPicture) => string
  readonly style: (worker: WorkerStatus) => Style | undefined
}

const BARS = 8

function cell(column: Column<WorkerStatus>, width: number, more: Partial<Cell> = {}): Cell {
  const { title, text, align = 'left', style = () => undefined } = column
  return { title, width, align, text, style, ...more }
}

const { STATE, PID, UP, RESTARTS, CPU, MEMORY, RESIDENT, MESSAGES, LAST } = WORKER_COLUMNS
const full = (worker: WorkerStatus): Style | undefined => fullnessStyle(worker)

const CELLS = {
  state: cell(STATE, 11),
  shortState: cell(STATE, 9),
  pid: cell(PID, 7, { style: () => 'dim' }),
  up: cell(UP, 7),
  restarts: cell(RESTARTS, 4, { title: 'RST', style: ({ restarts }) => (restarts === 0 ? 'dim' : undefined) }),
  cpu: cell(CPU, 6),
  resident: cell(RESIDENT, 9, { style: full }),
  memory: cell(MEMORY, 17, { style: full }),
  messages: cell(MESSAGES, 6),
  cpuTrend: cell(CPU, BARS, { title: '', align: 'left', text: cpuBars, style: () => 'dim' }),
  memoryTrend: cell(MEMORY, BARS, { title: '', align: 'left', text: memoryBars, style: () => 'dim' }),
} as const satisfies Record<string, Cell>

/** As much as fits; the name gets what it needs of what is left, the last exit the rest. */
const LAYOUTS: readonly (readonly [from: number, cells: readonly Cell[], least: number])[] = [
  [
    132,
    [
      CELLS.state,
      CELLS.pid,
      CELLS.up,
      CELLS.restarts,
      CELLS.cpu,
      CELLS.cpuTrend,
      CELLS.memory,
      CELLS.memoryTrend,
      CELLS.messages,
    ],
    12,
  ],
  [
    104,
    [
      CELLS.state,
      CELLS.pid,
      CELLS.up,
      CELLS.restarts,
      CELLS.cpu,
      CELLS.cpuTrend,
      CELLS.resident,
      CELLS.memoryTrend,
      CELLS.messages,
    ],
    8,
  ],
  [80, [CELLS.state, CELLS.pid, CELLS.up, CELLS.restarts, CELLS.cpu, CELLS.resident], 10],
  [60, [CELLS.state, CELLS.up, CELLS.restarts, CELLS.cpu, CELLS.resident], 0],
  [0, [CELLS.shortState, CELLS.cpu, CELLS.resident], 0],
]

const GAP = '  '
/** What stands before a name: whether it is selected, and whether it is marked. */
const GUTTER = 2
const INDENT = '  '
const NARROWEST = 8

interface Layout {
  readonly name: number
  readonly cells: readonly Cell[]
  /** Columns of the last exit; 0 for none. */
  readonly last: number
}

/** Names of columns, and so many rows of workers below them; always as many lines. */
export function workerList(scene: PaintScene): string[] {
  const { rows, state, geometry, ink, size } = scene
  const layout = layoutFor(size.columns, rows)
  const shown = rows.slice(state.offset, state.offset + geometry.list)
  const lines = shown.map((row) => (row.kind === 'heading' ? headingLine(row, scene) : workerLine(row, layout, scene)))
  if (rows.length === 0) lines.push(ink.paint('dim', `${INDENT}${emptyText(scene)}`))
  const padding = Array.from({ length: geometry.list - lines.length }, () => '')
  return [ink.paint(['bold', 'dim'], titleLine(layout)), ...lines, ...padding]
}

function layoutFor(width: number, rows: readonly Row[]): Layout {
  const [, cells = [], least = 0] = LAYOUTS.find(([from]) => width >= from) ?? []
  const fixed = cells.reduce((sum, { width: one }) => sum + GAP.length + one, GUTTER)
  const longest = rows.reduce(
    (most, row) => Math.max(most, row.kind === 'worker' ? widthOf(nameOf(row)) : 0),
    NARROWEST,
  )
  const room = width - fixed - (least === 0 ? 0 : least + GAP.length)
  const name = Math.max(4, Math.min(longest, room))
  return { name, cells, last: least === 0 ? 0 : width - fixed - name - GAP.length }
}

function titleLine({ name, cells, last }: Layout): string {
  const titles = cells.map(({ title, width, align }) => pad(title, width, align))
  return [' '.repeat(GUTTER) + pad('NAME', name), ...titles, ...(last === 0 ? [] : [cut(LAST.title, last)])]
    .join(GAP)
    .trimEnd()
}

function nameOf({ worker, isMember }: Extract<Row, { readonly kind: 'worker' }>): string {
  return `${isMember ? INDENT : ''}${harmless(worker.id)}`
}

function workerLine(
  row: Extract<Row, { readonly kind: 'worker' }>,
  { name, cells, last }: Layout,
  scene: PaintScene,
): string {
  const { picture, state, ink } = scene
  const { worker } = row
  const isSelected = worker.id === state.selected
  const isFaded = picture.link.state === 'lost'
  const paint = (style: Style | undefined, text: string): string => {
    const styles = [...(isSelected ? ['bold'] : []), ...(isFaded ? ['dim'] : [style ?? []].flat())] as Style
    return styles.length === 0 ? text : ink.paint(styles, text)
  }
  const texts = cells.map(({ text, width, align, style }) =>
    paint(style(worker), pad(cut(text(worker, picture), width), width, align)),
  )
  const end = last === 0 ? [] : [paint(LAST.style?.(worker), cut(LAST.text(worker), last))]
  const own = pad(cut(nameOf(row), name), name)
  return [
    gutter(isSelected, state.marked.has(worker.id), ink) + paint(isSelected ? ACCENT : undefined, own),
    ...texts,
    ...end,
  ].join(GAP)
}

function gutter(isSelected: boolean, isMarked: boolean, { paint }: PaintScene['ink']): string {
  return (isSelected ? paint(ACCENT, '▸') : ' ') + (isMarked ? paint(ACCENT, '✓') : ' ')
}

/** `thumbs/  3 workers · 12.3% · 120MiB · 4 queued` */
function headingLine(
  { name, members }: Extract<Row, { readonly kind: 'heading' }>,
  { picture, ink, size }: PaintScene,
): string {
  const pool = picture.pools.get(name)
  const sum = (figure: (worker: WorkerStatus) => number | undefined): number =>
    members.reduce((total, worker) => total + (figure(worker) ?? 0), 0)
  const facts = [
    `${members.length} worker${members.length === 1 ? '' : 's'}`,
    percent(sum(({ cpu }) => cpu)),
    formatBytes(sum(({ memory }) => memory)),
    ...(pool === undefined ? [] : [`${pool.busy} busy`, `${pool.queued} queued`, `${pool.calls} calls`]),
  ]
  return ink.paint('dim', cut(`  ${harmless(name)}/  ${facts.join(' · ')}`, size.columns))
}

function emptyText({ picture, state }: PaintScene): string {
  if (state.filter !== '' && picture.workers.length > 0)
    return `no worker matches ${JSON.stringify(state.filter)}; Esc shows all`
  return picture.fleet === undefined ? 'waiting for the fleet' : 'the fleet has no workers'
}

/** Yellow from four fifths of the limit, red when it is nearly reached. */
function fullnessStyle({ memory, memoryLimit }: WorkerStatus): Style | undefined {
  if (memory === undefined || memoryLimit === undefined) return undefined
  const share = memory / memoryLimit
  if (share >= 0.95) return 'red'
  return share >= 0.8 ? 'yellow' : undefined
}

function cpuBars({ id }: WorkerStatus, picture: FleetPicture): string {
  return cpuLine(picture.trendOf(id)?.cpu.last(BARS) ?? [], BARS)
}

function memoryBars({ id, memoryLimit }: WorkerStatus, picture: FleetPicture): string {
  return memoryLine(picture.trendOf(id)?.memory.last(BARS) ?? [], BARS, memoryLimit)
}
