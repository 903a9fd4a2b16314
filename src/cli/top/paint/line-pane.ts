import type { LogRecord } from '../../../control/api/wire.ts'
import { LogLines } from '../../show/lines/log-lines.ts'
import { cut, harmless } from '../../show/text.ts'
import { lastNumbers, lineTest } from '../steering/moves.ts'
import { viewOf } from '../steering/view.ts'
import { fitted, folded, levelled, spread } from './fit.ts'
import { ACCENT, type PaintScene } from './scene.ts'

/** The name in front of a line takes no more than that, on a narrow screen less. */
const WIDEST_NAME = 24

/** What stands above the lines: whose they are. */
export function rule({ size, state, ink: { paint } }: PaintScene): string {
  const view = viewOf(state)
  const whose = view.kind === 'logs' ? `${harmless(view.worker)}${view.isPrevious ? ', the life before' : ''}` : 'logs'
  const marks = [
    ...(view.kind === 'logs' && state.lineFilter !== '' ? [`/${harmless(state.lineFilter)}`] : []),
    ...(state.anchor === undefined ? [] : ['scrolled back, G follows']),
  ].join(' · ')
  const end = marks === '' ? '' : ` ${marks} ──`
  const title = state.isReading || view.kind === 'logs' ? paint(ACCENT, whose) : paint('dim', whose)
  const left = `${paint('dim', '──')} ${title} `
  const room = size.columns - whose.length - 4 - end.length
  return (
    spread(`${left}${paint('dim', '─'.repeat(Math.max(0, room)))}`, '', size.columns - end.length) + paint('dim', end)
  )
}

/** The last lines that fit; always as many, the newest at the bottom once there are enough. */
export function linePane(scene: PaintScene): string[] {
  const { state, lines, picture, geometry, size, ink } = scene
  const { lines: height } = geometry
  const test = lineTest(state, (id) => picture.worker(id))
  const formatter = new LineFormatter(scene)
  const shown: string[] = []
  for (const number of lastNumbers(lines, test, state.anchor, height).toReversed()) {
    const record = lines.at(number)
    if (record === undefined || shown.length >= height) break
    const text = formatter.text(record)
    const pieces = state.isWrapped ? folded(text, size.columns, height) : [fitted(text, size.columns)]
    shown.unshift(...pieces)
  }
  if (shown.length === 0) shown.push(ink.paint('dim', emptyText(scene)))
  const last = shown.slice(-height)
  return [...last, ...Array.from({ length: height - last.length }, () => '')]
}

function emptyText({ state, lines }: PaintScene): string {
  const view = viewOf(state)
  if (lines.end > lines.first && view.kind === 'logs') return `no line matches ${JSON.stringify(state.lineFilter)}`
  if (view.kind === 'logs' && view.isPrevious) return 'nothing is known of a life before this one'
  return 'nothing was written yet'
}

class LineFormatter {
  readonly #lines: LogLines
  readonly #width: number

  constructor({ size, state, ink, picture }: PaintScene) {
    this.#width = Math.max(8, Math.min(WIDEST_NAME, Math.floor(size.columns / 4)))
    const prefix = viewOf(state).kind === 'list'
    // As wide as the longest of all, so that nothing moves when another one writes.
    const names = prefix ? picture.workers.map(({ id }) => this.#name(id)) : []
    this.#lines = new LogLines({ prefix, timestamps: state.hasTimes }, { ...ink, isTerminal: true }, names)
  }

  text(record: LogRecord): string {
    const msg = levelled(record.msg)
    return this.#lines.line({ ...record, worker: this.#name(record.worker), msg }).slice(0, -1)
  }

  #name(id: string): string {
    return cut(levelled(harmless(id)), this.#width)
  }
}
