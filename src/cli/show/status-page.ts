import { formatBytes, formatMillis } from '../../base/units.ts'
import type { ExitSummary, FleetStatus, WorkerDetail } from '../../control/api/wire.ts'
import { LogLines } from './lines/log-lines.ts'
import type { Screen } from './screen.ts'
import { countsText, stateStyle, stateText } from './states.ts'
import { harmless, quoted } from './text.ts'
import { age, dateAndTime } from './times.ts'

type Facts = readonly (readonly [name: string, text: string | undefined])[]

const WIDTH = 11
/** More are in `-o json`. */
const EXITS = 5
const LINES = 10

/** One screen that answers "what is wrong": state, command, ends, limits, last words. As systemctl shows it. */
export function statusPage(worker: WorkerDetail, now: number, screen: Screen): string {
  const { paint } = screen
  const head = `${paint(stateStyle(worker.state), stateText(worker.state).slice(0, 1))} ${paint('bold', harmless(worker.id))}`
  const group = worker.pool ?? worker.group
  const facts: Facts = [
    ['state', `${paint(stateStyle(worker.state), worker.state)}${sinceText(worker, now)}`],
    ['command', worker.command.map(harmless).map(quoted).join(' ')],
    ['folder', worker.cwd],
    ['group', group],
    ['after', worker.dependsOn.length === 0 ? undefined : worker.dependsOn.join(', ')],
    ['process', worker.pid === undefined ? undefined : processText(worker)],
    ['memory', memoryText(worker)],
    ['cpu', worker.cpu === undefined ? undefined : `${(worker.cpu * 100).toFixed(1)}% of one core`],
    ['limits', limitsText(worker)],
    ['next run', worker.nextRun === undefined ? undefined : dateAndTime(worker.nextRun)],
    ['restarts', String(worker.restarts)],
    ...worker.exits.slice(0, EXITS).map((exit, i) => [i === 0 ? 'last exit' : '', exitText(exit, now)] as const),
    ['report', worker.crashes[0]],
  ]
  return [`${head}\n`, ...lines(facts, screen), ...lastWords(worker, screen)].join('')
}

/** What is known of the fleet as a whole. */
export function fleetPage(fleet: FleetStatus, now: number, screen: Screen): string {
  const { paint } = screen
  const condition = fleet.isStopping ? 'stopping' : fleet.isReady ? 'ready' : 'not all ready'
  const colour = fleet.isStopping ? 'yellow' : fleet.isReady ? 'green' : 'yellow'
  const facts: Facts = [
    ['state', `${paint(colour, condition)} since ${dateAndTime(fleet.startedAt)}, ${age(now - fleet.startedAt)} ago`],
    ['workers', countsText(fleet.states)],
    ['file', fleet.file],
    ['process', `pid ${fleet.pid}, pagent ${fleet.version}, Node ${fleet.node}, launcher ${fleet.launcher}`],
    ['access', fleet.isReadOnly ? 'read-only' : undefined],
    ['records', fleet.stateFolder],
  ]
  return [`${paint(colour, '●')} ${paint('bold', harmless(fleet.name))}\n`, ...lines(facts, screen)].join('')
}

function lines(facts: Facts, { paint }: Screen): string[] {
  return facts
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${paint('dim', name.padStart(WIDTH))}${name === '' ? ' ' : ':'} ${text}\n`)
}

function sinceText({ uptime }: WorkerDetail, now: number): string {
  return uptime === undefined ? '' : ` since ${dateAndTime(now - uptime)}, ${age(uptime)} ago`
}

function processText({ pid, processes, incarnation }: WorkerDetail): string {
  const others = processes === undefined || processes < 2 ? '' : `, ${processes} processes`
  return `pid ${pid}${others}, life ${incarnation}`
}

function memoryText({ memory, memoryPeak }: WorkerDetail): string | undefined {
  if (memory === undefined) return undefined
  return `${formatBytes(memory)}${memoryPeak === undefined ? '' : ` (most: ${formatBytes(memoryPeak)})`}`
}

const TIMES = new Set(['cpuTime', 'wallTime', 'idle'])
const SIZES = new Set(['memory', 'output', 'fileSize'])

function limitsText({ limits }: WorkerDetail): string | undefined {
  const texts = Object.entries(limits).map(([name, { max, enforcedBy, exact }]) => {
    const value = TIMES.has(name) ? formatMillis(max) : SIZES.has(name) ? formatBytes(max) : String(max)
    return `${name} ${value} (${enforcedBy}${exact ? '' : ', watched'})`
  })
  return texts.length === 0 ? undefined : texts.join(', ')
}

function exitText(exit: ExitSummary, now: number): string {
  return `${harmless(exit.text)}, ${age(now - exit.at)} ago (life ${exit.incarnation})`
}

function lastWords(worker: WorkerDetail, screen: Screen): string[] {
  if (worker.log.length === 0) return []
  const formatter = new LogLines({ prefix: false, timestamps: true }, screen)
  return ['\n', ...worker.log.slice(-LINES).map((record) => formatter.line(record))]
}
