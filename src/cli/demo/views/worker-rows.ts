import { systemClock } from '../../../base/clock.ts'
import type { WorkerState } from '../../../worker/state.ts'
import type { Part } from '../stage.ts'
import { cut, harmless } from '../../show/text.ts'
import type { Ink } from './view.ts'

const SYMBOLS: Readonly<Record<WorkerState, string>> = {
  idle: '○',
  starting: '◌',
  running: '●',
  stopping: '◐',
  exited: '□',
  backoff: '↻',
  failed: '✗',
}

const STYLES: Readonly<Record<WorkerState, Parameters<Ink['paint']>[0]>> = {
  idle: 'dim',
  starting: 'cyan',
  running: 'green',
  stopping: 'yellow',
  exited: 'dim',
  backoff: 'yellow',
  failed: 'red',
}

const HEAD = `${'WORKER'.padEnd(15)}${'STATE'.padEnd(12)}${'PID'.padEnd(9)}${'UP'.padEnd(8)}${'RESTARTS'.padEnd(10)}LAST MESSAGE`
const LAST_AT = 54

/** A table of workers, a heading and `room` rows: always as many, so that nothing below it moves. */
export function workerRows(parts: readonly Part[], room: number, width: number, ink: Ink): string[] {
  const fit = parts.length > room ? room - 1 : room
  const rows = parts.slice(0, fit).map((part) => row(part, width, ink))
  if (parts.length > fit) rows.push(ink.paint('dim', `… and ${parts.length - fit} more`))
  const padding = Array.from({ length: room - rows.length }, () => '')
  return [ink.paint('bold', cut(HEAD, width)), ...rows, ...padding]
}

function row({ worker, since, last }: Part, width: number, { paint }: Ink): string {
  const { state, pid, incarnation } = worker
  const cells = [
    cut(worker.id, 14).padEnd(15),
    paint(STYLES[state], `${SYMBOLS[state]} ${state}`.padEnd(12)),
    String(pid ?? '–').padEnd(9),
    (since === undefined ? '–' : `${((systemClock.now() - since) / 1000).toFixed(1)}s`).padEnd(8),
    String(Math.max(0, incarnation - 1)).padEnd(10),
    cut(harmless(last), Math.max(0, width - LAST_AT)),
  ]
  return cells.join('')
}
