import type { WorkerStatusState } from '../../control/api/wire.ts'
import type { Style } from '../terminal.ts'

/** Symbol and word: nobody needs colour to tell them apart. */
const SYMBOLS: Readonly<Record<WorkerStatusState, string>> = {
  idle: '○',
  scheduled: '◷',
  starting: '◌',
  running: '●',
  degraded: '◍',
  stopping: '◐',
  backoff: '↻',
  exited: '□',
  failed: '✗',
}

const STYLES: Readonly<Record<WorkerStatusState, Style>> = {
  idle: 'dim',
  scheduled: 'cyan',
  starting: 'cyan',
  running: 'green',
  degraded: 'yellow',
  stopping: 'yellow',
  backoff: 'yellow',
  exited: 'dim',
  failed: 'red',
}

/** `● running`. What a newer fleet may say is shown as it is. */
export function stateText(state: string): string {
  return `${SYMBOLS[state as WorkerStatusState] ?? '·'} ${state}`
}

export function stateStyle(state: string): Style {
  return STYLES[state as WorkerStatusState] ?? 'dim'
}

/** How many of which state: `5 running, 1 backoff`, the healthy first. */
export function countsText(states: Readonly<Partial<Record<WorkerStatusState, number>>>): string {
  const order: readonly string[] = ['running', 'degraded', 'starting', 'backoff', 'failed']
  const rank = (state: string): number => (order.includes(state) ? order.indexOf(state) : order.length)
  const counts = Object.entries(states).filter(([, count]) => count > 0)
  const sorted = counts.toSorted(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
  return sorted.map(([state, count]) => `${count} ${state}`).join(', ') || 'no workers'
}
