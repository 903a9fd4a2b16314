import { formatBytes } from '../../base/units.ts'
import type { WorkerStatus } from '../../control/api/wire.ts'
import type { Screen } from './screen.ts'
import { stateStyle, stateText } from './states.ts'
import { type Column, type Heading, table } from './table.ts'
import { cut, harmless } from './text.ts'
import { age, dateAndTime } from './times.ts'

const NOTHING = '–'
/** More of why it ended does not belong into a table, however wide that may be. */
const LONGEST_EXIT = 60

const NAME: Column<WorkerStatus> = {
  title: 'NAME',
  text: (worker) => `${groupOf(worker) === undefined ? '' : '  '}${harmless(worker.id)}`,
}
const STATE: Column<WorkerStatus> = {
  title: 'STATE',
  text: ({ state }) => stateText(state),
  style: ({ state }) => stateStyle(state),
}
const PID: Column<WorkerStatus> = { title: 'PID', text: ({ pid }) => String(pid ?? NOTHING), align: 'right' }
const UP: Column<WorkerStatus> = {
  title: 'UP',
  text: ({ uptime }) => (uptime === undefined ? NOTHING : age(uptime)),
  align: 'right',
}
const RESTARTS: Column<WorkerStatus> = { title: 'RESTARTS', text: ({ restarts }) => String(restarts), align: 'right' }
const CPU: Column<WorkerStatus> = {
  title: 'CPU',
  text: ({ cpu }) => (cpu === undefined ? NOTHING : `${(cpu * 100).toFixed(1)}%`),
  align: 'right',
}
const MEMORY: Column<WorkerStatus> = {
  title: 'MEMORY',
  text: ({ memory, memoryLimit }) => memoryText(memory, memoryLimit),
  align: 'right',
}
/** Without its limit. */
const RESIDENT: Column<WorkerStatus> = { ...MEMORY, text: ({ memory }) => memoryText(memory) }
const PEAK: Column<WorkerStatus> = { title: 'PEAK', text: ({ memoryPeak }) => memoryText(memoryPeak), align: 'right' }
const PROCESSES: Column<WorkerStatus> = {
  title: 'PROCS',
  text: ({ processes }) => String(processes ?? NOTHING),
  align: 'right',
}
const MESSAGES: Column<WorkerStatus> = {
  title: 'MSG/S',
  text: ({ messages }) => (messages === undefined ? NOTHING : String(Math.round(messages.in + messages.out))),
  align: 'right',
}
const LIFE: Column<WorkerStatus> = { title: 'LIFE', text: ({ incarnation }) => String(incarnation), align: 'right' }
const SERVICE: Column<WorkerStatus> = { title: 'SERVICE', text: ({ service, pool }) => harmless(pool ?? service) }
const LAST: Column<WorkerStatus> = {
  title: 'LAST EXIT',
  text: lastText,
  style: ({ lastExit }) => (lastExit?.isAbnormal === true ? 'yellow' : 'dim'),
  isElastic: true,
}

/** Each by itself, for other tables of workers. */
export const WORKER_COLUMNS = { STATE, PID, UP, RESTARTS, CPU, MEMORY, RESIDENT, MESSAGES, LAST } as const

const LAYOUTS = {
  narrow: [NAME, STATE, UP, RESTARTS],
  medium: [NAME, STATE, PID, UP, RESTARTS, CPU, RESIDENT, LAST],
  full: [NAME, STATE, PID, UP, RESTARTS, CPU, MEMORY, MESSAGES, LAST],
  wide: [NAME, STATE, PID, UP, RESTARTS, CPU, MEMORY, PEAK, PROCESSES, MESSAGES, LIFE, SERVICE, LAST],
} as const satisfies Record<string, readonly Column<WorkerStatus>[]>

export type Layout = keyof typeof LAYOUTS

/** As much as fits. */
export function layoutFor(width: number): Layout {
  if (width < 72) return 'narrow'
  return width < 100 ? 'medium' : 'full'
}

/** Who there is, those of a group or pool together below its name. */
export function workerTable(workers: readonly WorkerStatus[], layout: Layout, screen: Screen): string[] {
  const width = layout === 'wide' ? Infinity : screen.width
  return table(LAYOUTS[layout], grouped(workers), { paint: screen.paint, width })
}

function grouped(workers: readonly WorkerStatus[]): (WorkerStatus | Heading)[] {
  const groups = Map.groupBy(workers, groupOf)
  const alone = groups.get(undefined) ?? []
  groups.delete(undefined)
  return [...groups].reduce<(WorkerStatus | Heading)[]>(
    (rows, [group, members]) => rows.concat({ heading: `${harmless(group ?? '')}/` }, members),
    [...alone],
  )
}

function groupOf({ group, pool }: WorkerStatus): string | undefined {
  return pool ?? group
}

function memoryText(bytes: number | undefined, limit?: number): string {
  if (bytes === undefined) return NOTHING
  return limit === undefined ? formatBytes(bytes) : `${formatBytes(bytes)}/${formatBytes(limit)}`
}

/** How it ended last; of one that runs at certain times, when it runs next. */
function lastText({ state, nextRun, lastExit }: WorkerStatus): string {
  if (state === 'scheduled' && nextRun !== undefined) return `next ${dateAndTime(nextRun)}`
  return lastExit === undefined ? NOTHING : shortExit(lastExit.text)
}

/** `exited with code 3 after 1.2s` → `exit 3`: the column is narrow, and `pagent status` says it in full. */
function shortExit(text: string): string {
  const short = harmless(text)
    .replace(/ after [\d.]+(?:ms|s|m|h)$/, '')
    .replace(/^exited with code /, 'exit ')
    .replace(/^was (?:killed by |ended )?/, '')
  return cut(short, LONGEST_EXIT)
}
