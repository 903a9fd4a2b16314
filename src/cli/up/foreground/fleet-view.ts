import type { LogRecord } from '../../../control/api/wire.ts'
import { LogLines, type LogStyle } from '../../show/lines/log-lines.ts'
import type { Screen } from '../../show/screen.ts'
import { cut } from '../../show/text.ts'
import type { OutputQueue } from './output-queue.ts'

/** Back to the beginning of the line, and nothing on it. */
const CLEAR = '\r\x1b[K'

export interface FleetViewOptions extends LogStyle {
  readonly names: readonly string[]
  /** How wide the terminal is now. */
  readonly width: () => number
  /** Says something of ours where there is no terminal. */
  readonly tell: (text: string) => void
}

/** What all workers write, one line below the other; on a terminal with a line of its own at the bottom, always the last. */
export class FleetView {
  readonly #screen: Pick<Screen, 'isTerminal' | 'isColoured' | 'paint'>
  readonly #queue: Pick<OutputQueue, 'write'>
  readonly #lines: LogLines
  readonly #options: FleetViewOptions
  #status = ''

  constructor(
    screen: Pick<Screen, 'isTerminal' | 'isColoured' | 'paint'>,
    queue: Pick<OutputQueue, 'write'>,
    options: FleetViewOptions,
  ) {
    this.#screen = screen
    this.#queue = queue
    this.#options = options
    this.#lines = new LogLines(options, screen, options.names)
  }

  record(record: LogRecord): void {
    this.#above(this.#lines.line(record))
  }

  /** A word of ours. */
  note(text: string): void {
    if (this.#screen.isTerminal) this.#above(`${this.#screen.paint('bold', 'pagent:')} ${text}\n`)
    else this.#options.tell(text)
  }

  /** What stands at the bottom; nothing where there is no terminal. */
  status(text: string): void {
    if (!this.#screen.isTerminal) return
    const fitting = cut(text, this.#options.width() - 1)
    this.#status = fitting === '' ? '' : this.#screen.paint('inverse', fitting)
    this.#queue.write(CLEAR + this.#status)
  }

  #above(lines: string): void {
    this.#queue.write(this.#status === '' ? lines : `${CLEAR}${lines}${this.#status}`)
  }
}
