import { isatty } from 'node:tty'
import { hasColour, painter, writeFully } from '../terminal.ts'

/** What one may want to do next; only for people. */
export function suggest(...commands: readonly string[]): void {
  if (!isatty(2)) return
  writeFully(2, `${painter(hasColour(2))('dim', `next: ${commands.join(' · ')}`)}\n`)
}
