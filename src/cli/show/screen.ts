import { isatty } from 'node:tty'
import { type Style, hasColour, painter, print } from '../terminal.ts'

export type Paint = (style: Style, text: string) => string

/** Where a command shows its data, and for whom. */
export interface Screen {
  /** Columns; `Infinity` where nobody counts them. */
  readonly width: number
  readonly isTerminal: boolean
  readonly isColoured: boolean
  readonly paint: Paint
  /** @throws ReaderLeftError when nobody reads it any more; OutputError when it cannot be written. */
  write(text: string): void
}

/** `pagent logs -f | head -1`: what follows is for nobody. */
export class ReaderLeftError extends Error {
  override readonly name = 'ReaderLeftError'
}

/** What is shown by a command that may be asked for it by a program. Waits for a slow reader. */
export function stdoutScreen(): Screen {
  const isTerminal = isatty(1)
  const isColoured = hasColour(1)
  return {
    isTerminal,
    isColoured,
    // Only looked at on a terminal: Node makes a pipe non-blocking when it opens it.
    width: isTerminal ? process.stdout.columns : Infinity,
    paint: painter(isColoured),
    write: (text) => {
      if (!print(text, Infinity)) throw new ReaderLeftError('nobody reads the output any more')
    },
  }
}
