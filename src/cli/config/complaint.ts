import { isatty } from 'node:tty'
import { wrapped } from '../terminal.ts'

/** A message of several lines: on a terminal broken between words, elsewhere a line for each problem, for editors and grep. */
export function complaint(message: string, width: number = widthOf()): string {
  if (width === Infinity) return message
  return message
    .split('\n')
    .flatMap((line) => broken(line, width))
    .join('\n')
}

function widthOf(): number {
  return isatty(2) ? process.stderr.columns : Infinity
}

/** What goes on stands further in. The first line has our name before it. */
function broken(line: string, width: number): string[] {
  const [indent = ''] = /^ */.exec(line) ?? []
  const room = width - (indent === '' ? 'pagent: '.length : 0)
  if (line.length <= room) return [line]
  const [first = '', ...more] = wrapped(line.trimStart(), `${indent}    `, Math.max(40, room))
  return [indent + first.trimStart(), ...more]
}
