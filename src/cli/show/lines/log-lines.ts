import type { LogRecord } from '../../../control/api/wire.ts'
import type { Screen } from '../screen.ts'
import { pad, widthOf } from '../text.ts'
import { timeOfDay } from '../times.ts'
import { colourOf } from './worker-colour.ts'

export interface LogStyle {
  /** The worker's name in front of each line. */
  readonly prefix: boolean
  readonly timestamps: boolean
}

/** Where the lines go. */
type LogScreen = Pick<Screen, 'isTerminal' | 'isColoured' | 'paint'>

/** A longer name is not waited for: the lines of the others would start in the middle of the screen. */
const WIDEST = 24
/** From here on it is an error of ours, as pino numbers them. */
const ERROR = 50

/** Turns records into lines, with a prefix that is as wide as the longest name so far. */
export class LogLines {
  readonly #style: LogStyle
  readonly #screen: LogScreen
  #width: number

  /** `names` are those that will come, as far as that is known. */
  constructor(style: LogStyle, screen: LogScreen, names: readonly string[] = []) {
    this.#style = style
    this.#screen = screen
    this.#width = Math.min(WIDEST, Math.max(0, ...names.map(widthOf)))
  }

  line(record: LogRecord): string {
    const { paint } = this.#screen
    const time = this.#style.timestamps ? `${paint('dim', timeOfDay(record.time))} ` : ''
    return `${time}${this.#style.prefix ? this.#prefix(record) : ''}${this.#message(record)}\n`
  }

  #prefix({ worker, stream }: LogRecord): string {
    this.#width = Math.min(WIDEST, Math.max(this.#width, widthOf(worker)))
    const mark = stream === 'pagent' ? '·' : '|'
    return `${this.#screen.paint(colourOf(worker), `${pad(worker, this.#width)} ${mark}`)} `
  }

  #message({ msg, stream, level }: LogRecord): string {
    const text = this.#screen.isTerminal ? tamed(msg, this.#screen.isColoured) : msg
    if (stream !== 'pagent') return text
    return this.#screen.paint(level >= ERROR ? 'red' : 'dim', text)
  }
}

/** Any control sequence. */
const CONTROL =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])|[\0-\x08\x0b-\x1f\x7f-\x9f]/g

/** A worker's colours are its own; but it must not move our cursor, rename the window or ring the bell. */
export function tamed(text: string, keepColours: boolean): string {
  if (!/[\0-\x1f\x7f-\x9f]/.test(text)) return text
  let coloured = false
  const kept = text.replaceAll(CONTROL, (sequence) => {
    const isColour = /^\x1b\[[\d;:]*m$/.test(sequence)
    coloured ||= isColour && keepColours
    return isColour && keepColours ? sequence : ''
  })
  return coloured ? `${kept}\x1b[0m` : kept
}
