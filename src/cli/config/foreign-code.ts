import { isatty } from 'node:tty'
import { atLatest } from '../../base/clock.ts'

/** So long what a configuration has left open may keep a command that is done, in milliseconds. */
const PATIENCE = 200

let isHere = false

/**
 * The code of a configuration is about to run in this process. stdout is for what the command shows: what that code prints goes
 * to stderr.
 */
export function admitForeignCode(): void {
  if (isHere) return
  isHere = true
  if (!isatty(1)) Object.defineProperty(process, 'stdout', { get: () => process.stderr, configurable: true })
}

/** The command is done: a timer, a connection or a watcher of a configuration keeps nobody. */
export function leaveForeignCode(): void {
  if (isHere) atLatest(PATIENCE, () => process.exit())
}
