import { type Timer, systemClock } from '../../../base/clock.ts'
import type { ActProgress } from '../act.ts'
import type { Part, Stage } from '../stage.ts'
import { workerRows } from './worker-rows.ts'
import { cut, harmless } from '../../show/text.ts'
import { type Ink, type View, headline } from './view.ts'

/** Other screen, no cursor, no wrapping of long lines; and the way back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'
const EVERY = 100

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** For people at a terminal: who is there and what they say, redrawn in place, with the acts ticking off below. */
export class LiveView implements View {
  readonly #ink: Ink
  readonly #stage: Stage
  readonly #acts: readonly ActProgress[]
  readonly #size: () => Size
  readonly #began = systemClock.now()
  #timer: Timer | undefined
  #note = ''

  constructor(ink: Ink, stage: Stage, acts: readonly ActProgress[], size: () => Size) {
    this.#ink = ink
    this.#stage = stage
    this.#acts = acts
    this.#size = size
    ink.write(ENTER)
    // A fault of ours must be told on the screen that stays.
    process.once('uncaughtExceptionMonitor', this.#leave)
    process.once('exit', this.#leave)
    this.#tick()
  }

  began(): void {
    this.#note = ''
    this.#draw()
  }

  ended(): void {
    this.#draw()
  }

  /** The rows show it at the next tick: a message must not cost a drawing. */
  message(): void {}

  note(text: string): void {
    this.#note = harmless(text)
  }

  close(): void {
    this.#leave()
    process.off('uncaughtExceptionMonitor', this.#leave)
    process.off('exit', this.#leave)
  }

  readonly #leave = (): void => {
    if (this.#timer === undefined) return
    this.#timer.cancel()
    this.#timer = undefined
    this.#ink.write(LEAVE)
  }

  #tick(): void {
    this.#timer = systemClock.after(EVERY, () => this.#tick())
    this.#draw()
  }

  #draw(): void {
    if (this.#timer === undefined) return
    const lines = this.#frame(this.#size()).map((line) => line + REST_OF_LINE)
    this.#ink.write(HOME + lines.join('\r\n') + REST_OF_SCREEN)
  }

  #frame({ columns, rows }: Size): string[] {
    const width = Math.max(20, columns - 2)
    const room = Math.max(3, rows - this.#acts.length - 7)
    const workers = workerRows(this.#parts(), room, width, this.#ink)
    const acts = this.#acts.map((act) => this.#actLine(act, width))
    const frame = [this.#header(width), '', ...workers, '', ...acts, '', this.#footer(width)]
    return frame.slice(0, rows).map((line) => ` ${line}`)
  }

  /** Who entered in this act, then who still runs, the newest first. */
  #parts(): Part[] {
    const { parts, act } = this.#stage
    const all = [...parts.values()]
    const earlier = all.filter((part) => part.act !== act && part.since !== undefined)
    return [...all.filter((part) => part.act === act), ...earlier.toReversed()]
  }

  #header(width: number): string {
    const { tally, parts } = this.#stage
    const running = [...parts.values()].filter((part) => part.since !== undefined).length
    const seconds = ((systemClock.now() - this.#began) / 1000).toFixed(1)
    const facts = `${running} workers · ${tally.messages.toLocaleString('en')} messages · ${tally.restarts} restarts · ${seconds}s`
    const title = 'pagent demo'
    const gap = ' '.repeat(Math.max(1, width - title.length - facts.length))
    return `${this.#ink.paint('bold', title)}${gap}${this.#ink.paint('dim', facts)}`
  }

  #actLine(progress: ActProgress, width: number): string {
    const title = headline(progress, this.#ink, width)
    const used = progress.act.title.length + 5
    const remark = progress.state === 'playing' ? progress.act.promise : (progress.facts[0] ?? '')
    const room = width - Math.max(used, 40) - 2
    if (remark === '' || room < 16) return title
    return `${title}${' '.repeat(Math.max(2, 42 - used))}${this.#ink.paint('dim', cut(harmless(remark), room))}`
  }

  #footer(width: number): string {
    return this.#ink.paint(
      'dim',
      cut(this.#note === '' ? 'Ctrl-C stops everything' : `Ctrl-C stops everything · ${this.#note}`, width),
    )
  }
}
