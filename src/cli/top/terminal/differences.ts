import type { Frame } from '../paint/frame.ts'

/** What is drawn appears at once, where the terminal knows how. */
const BEGIN = '\x1b[?2026h'
const END = '\x1b[?2026l'
const HIDE = '\x1b[?25l'
const SHOW = '\x1b[?25h'
const CLEAR = '\x1b[2J'

/** From one frame to the next: only lines that differ are written, each from its own beginning. */
export class Differences {
  #shown: readonly string[] = []
  #cursor = ''

  /** What makes a terminal show that frame; nothing when it does already. */
  to({ lines, cursor }: Frame): string {
    const isNew = lines.length !== this.#shown.length
    const changed = lines.flatMap((line, row) => (!isNew && line === this.#shown[row] ? [] : [lineAt(row, line)]))
    const place = cursor === undefined ? HIDE : `\x1b[${cursor.row + 1};${cursor.column + 1}H${SHOW}`
    if (changed.length === 0 && place === this.#cursor) return ''
    this.#shown = lines
    this.#cursor = place
    return [BEGIN, HIDE, isNew ? CLEAR : '', ...changed, place, END].join('')
  }

  /** Nothing of it can be relied on any more. */
  forget(): void {
    this.#shown = []
    this.#cursor = ''
  }
}

/** Cleared first: what a terminal takes to be wider than we do must not leave its rest behind. */
function lineAt(row: number, line: string): string {
  return `\x1b[${row + 1};1H\x1b[0m\x1b[2K${line}`
}
