import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { getSystemErrorMap, styleText } from 'node:util'

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

/** What a command has to say cannot be written: the disk is full, or broken. A reader that has left is none. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
}

/**
 * Writes to stdout as `writeFully` does.
 *
 * @throws OutputError when that cannot be written to.
 */
export function print(text: string, patience = PATIENCE): boolean {
  const fault = write(1, text, patience)
  if (fault === undefined || fault === 'slow' || fault.code === 'EPIPE') return fault === undefined
  throw outputError(fault)
}

export function outputError(cause: NodeJS.ErrnoException): OutputError {
  const [code, why] = getSystemErrorMap().get(cause.errno ?? 0) ?? [cause.code, cause.message]
  return new OutputError(`Cannot write the output: ${why} (${code})`, { cause })
}

/**
 * Writes at once, and waits for a slow reader, by default for two seconds in which it takes nothing. False when it left,
 * or took nothing.
 */
export function writeFully(fd: number, text: string, patience = PATIENCE): boolean {
  return write(fd, text, patience) === undefined
}

/** Returns why it is not written. */
function write(fd: number, text: string, patience: number): NodeJS.ErrnoException | 'slow' | undefined {
  const bytes = Buffer.from(text)
  let at = 0
  for (let tries = 0; at < bytes.length && tries < patience; tries++) {
    try {
      at += writeSync(fd, bytes, at)
      tries = 0
    } catch (error) {
      // Somebody else made the pipe non-blocking.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return error as NodeJS.ErrnoException
      Atomics.wait(NEVER, 0, 0, 5)
    }
  }
  return at === bytes.length ? undefined : 'slow'
}
