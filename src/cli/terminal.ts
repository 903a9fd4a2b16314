import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { styleText } from 'node:util'

/** How often a pipe is tried that takes nothing, 5 ms apart. */
const PATIENCE = 400
/** What is waited on to wait for nothing. */
const NEVER = new Int32Array(new SharedArrayBuffer(4))

export type Style = Parameters<typeof styleText>[0]

/** Colour only for people: a terminal that can, and nobody who said no. */
export function hasColour(fd: 1 | 2): boolean {
  const { NO_COLOR = '', TERM } = process.env
  return isatty(fd) && NO_COLOR === '' && TERM !== 'dumb'
}

/** Paints text, or leaves it as it is. Never looks at `process.stdout`: that would make the shared pipe non-blocking. */
export function painter(colour: boolean): (style: Style, text: string) => string {
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text)
}

/** Broken between words, and within those that are wider than a line; every line is indented. */
export function wrapped(text: string, indent: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((long) => pieces(long, width - indent.length))) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}

function pieces(word: string, most: number): string[] {
  return word.length <= most ? [word] : [word.slice(0, most), ...pieces(word.slice(most), most)]
}

/**
 * One paragraph of ours on stderr, at once.
 *
 * Not by `process.stderr`: Node makes a pipe non-blocking when it opens it, and the program we run writes to the same
 * pipe.
 */
export function tell(kind: 'error' | 'notice', text: string): void {
  const paint = painter(hasColour(2))
  writeFully(2, `${paint(kind === 'error' ? ['bold', 'red'] : 'bold', 'pagent:')} ${text}\n`)
}

/**
 * Writes at once, and waits for a slow reader, by default for two seconds in which it takes nothing. False when it left,
 * or took nothing.
 */
export function writeFully(fd: number, text: string, patience = PATIENCE): boolean {
  const bytes = Buffer.from(text)
  let at = 0
  for (let tries = 0; at < bytes.length && tries < patience; tries++) {
    try {
      at += writeSync(fd, bytes, at)
      tries = 0
    } catch (error) {
      // Nobody reads it any more: there is nobody to tell. EAGAIN: somebody else made the pipe non-blocking.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false
      Atomics.wait(NEVER, 0, 0, 5)
    }
  }
  return at === bytes.length
}
