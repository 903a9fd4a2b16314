import { formatBytes } from '../../../base/units.ts'
import type { WorkerStatus, WorkerStatusState } from '../../../control/api/wire.ts'
import { stateStyle, stateText } from '../../show/states.ts'
import { harmless } from '../../show/text.ts'
import { age } from '../../show/times.ts'
import type { FleetPicture } from '../model/picture.ts'
import { columnsOf, spread } from './fit.ts'
import { ACCENT, type PaintScene } from './scene.ts'
import { cpuLine, memoryLine } from './sparkline.ts'

/** After so many milliseconds without news something is wrong: they come every second. */
const STALE = 5000
/** Here there is room for symbols, not for words. */
const NARROW = 64

/** The name of the fleet and how it is; below it what all use together. */
export function head(scene: PaintScene): string[] {
  const { geometry, size } = scene
  const first = spread(title(scene), condition(scene), size.columns)
  return geometry.head === 1 ? [first] : [first, spread(totals(scene), choices(scene), size.columns)]
}

function title({ picture, ink: { paint } }: PaintScene): string {
  const name = picture.fleet === undefined ? '' : ` ${paint('dim', '·')} ${paint('bold', harmless(picture.fleet.name))}`
  return `${paint(['bold', ACCENT], 'pagent top')}${name}`
}

/** How it is; or that nothing is known any more, for how long, and that it is waited for. */
function condition(scene: PaintScene): string {
  const { picture, now, date, ink, size } = scene
  const { link, fleet } = picture
  if (link.state === 'lost') return ink.paint('red', `✗ not running for ${age(now - link.since)}; waiting for it`)
  if (link.state === 'connecting' || fleet === undefined) return ink.paint('dim', 'connecting…')
  if (now - link.since > STALE) return ink.paint('yellow', `no news for ${age(now - link.since)}`)
  const isNarrow = size.columns < NARROW
  const up = isNarrow ? '' : ink.paint('dim', ` · up ${age(date - fleet.startedAt)}`)
  return `${counts(picture, ink, isNarrow)}${fleet.isStopping ? ink.paint('yellow', ' · stopping') : up}`
}

const ORDER: readonly WorkerStatusState[] = [
  'running',
  'degraded',
  'starting',
  'stopping',
  'backoff',
  'failed',
  'scheduled',
  'exited',
  'idle',
]

/** `5 running · 1 backoff`, or `● 5  ↻ 1` where there is no room for words. */
function counts({ workers }: FleetPicture, { paint }: PaintScene['ink'], isNarrow: boolean): string {
  const states = Map.groupBy(workers, ({ state }) => state)
  const known = ORDER.filter((state) => states.has(state))
  const unknown = [...states.keys()].filter((state) => !ORDER.includes(state))
  const texts = [...known, ...unknown].map((state) => {
    const count = states.get(state)?.length ?? 0
    return paint(stateStyle(state), isNarrow ? `${stateText(state).slice(0, 1)} ${count}` : `${count} ${state}`)
  })
  return texts.join(isNarrow ? '  ' : paint('dim', ' · ')) || paint('dim', 'no workers')
}

function totals({ picture, size, ink: { paint } }: PaintScene): string {
  const { totals: sum, trend } = picture
  const bars = Math.min(20, Math.floor(size.columns / 8))
  const texts = [
    `${paint('dim', 'cpu')} ${percent(sum.cpu).padStart(6)} ${paint('dim', cpuLine(trend.cpu.last(bars), bars))}`,
    `${paint('dim', 'memory')} ${formatBytes(sum.memory).padStart(9)} ${paint('dim', memoryLine(trend.memory.last(bars), bars))}`,
    `${paint('dim', 'msg/s')} ${Math.round(sum.messages)}`,
    `${paint('dim', 'restarts')} ${sum.restarts}`,
  ]
  return texts.reduce((line, text) => {
    const longer = line === '' ? text : `${line}  ${text}`
    return columnsOf(longer) <= size.columns ? longer : line
  }, '')
}

/** What makes this list differ from the usual one. */
function choices({ state, isReadOnly, ink: { paint } }: PaintScene): string {
  const texts = [
    ...(state.sort === 'fleet' ? [] : [`by ${state.sort}`]),
    ...(state.filter === '' ? [] : [`/${harmless(state.filter)}`]),
    ...(state.marked.size === 0 ? [] : [`${state.marked.size} marked`]),
    ...(isReadOnly ? ['read-only'] : []),
  ]
  return paint(ACCENT, texts.join(' · '))
}

/** What is said of one worker above its lines. */
export function workerHead(id: string, scene: PaintScene): string[] {
  const { picture, ink, size } = scene
  const worker = picture.worker(id)
  if (worker === undefined)
    return [ink.paint('bold', harmless(id)), ink.paint('dim', 'it is not in the fleet any more')]
  return [spread(lifeText(worker, ink), lastText(worker, ink), size.columns), usageText(worker, scene)]
}

function lifeText(
  { id, state, pid, uptime, incarnation, restarts }: WorkerStatus,
  { paint }: PaintScene['ink'],
): string {
  const facts = [
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(uptime === undefined ? [] : [`up ${age(uptime)}`]),
    `life ${incarnation}`,
    `${restarts} restart${restarts === 1 ? '' : 's'}`,
  ]
  return `${paint('bold', harmless(id))}  ${paint(stateStyle(state), stateText(state))}  ${paint('dim', facts.join(' · '))}`
}

function lastText({ lastExit }: WorkerStatus, { paint }: PaintScene['ink']): string {
  if (lastExit === undefined) return ''
  return paint(lastExit.isAbnormal ? 'yellow' : 'dim', `before: ${harmless(lastExit.text)}`)
}

function usageText({ id, cpu, memory, memoryLimit, messages }: WorkerStatus, scene: PaintScene): string {
  const { picture, size, ink } = scene
  const bars = Math.max(8, Math.min(60, Math.floor((size.columns - 56) / 2)))
  const trend = picture.trendOf(id)
  const [cpus, memories] = [trend?.cpu.last(bars) ?? [], trend?.memory.last(bars) ?? []]
  const limit = memoryLimit === undefined ? '' : `/${formatBytes(memoryLimit)}`
  return [
    `${ink.paint('dim', 'cpu')} ${(cpu === undefined ? '–' : percent(cpu)).padStart(6)} ${cpuLine(cpus, bars)}`,
    `${ink.paint('dim', 'memory')} ${memory === undefined ? '–' : `${formatBytes(memory)}${limit}`} ${memoryLine(memories, bars, memoryLimit)}`,
    `${ink.paint('dim', 'msg/s')} ${messages === undefined ? '–' : Math.round(messages.in + messages.out)}`,
  ].join('  ')
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
