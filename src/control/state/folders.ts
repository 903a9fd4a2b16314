import { createHash } from 'node:crypto'
import { lstat, mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ControlError } from '../../base/errors.ts'
import { LONGEST_SOCKET_PATH } from './knock.ts'

/** Of the environment: where things are kept. */
export interface Environment {
  readonly XDG_STATE_HOME?: string | undefined
  readonly XDG_RUNTIME_DIR?: string | undefined
}

/** A socket begins its life in a folder of its own beside its path: so much longer is that than the folder. */
const NURSERY = '/.123456/s'.length

/** @throws TypeError for what cannot be the name of a fleet: it is the name of a folder, and of a socket. */
export function checkFleetName(name: string): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) return name
  throw new TypeError(
    `Cannot name a fleet ${JSON.stringify(name)}: expected 1 to 100 letters, digits, dots, dashes and underscores, a letter or digit first`,
  )
}

/** The folder with a folder for each fleet: `$XDG_STATE_HOME/pagent`, else `~/.local/state/pagent`. */
export function stateHome(env: Environment = process.env): string {
  return join(absolute(env.XDG_STATE_HOME) ?? join(homedir(), '.local', 'state'), 'pagent')
}

/** Where a fleet keeps its logs, its crash reports, and what it was. */
export function stateFolderOf(name: string, env: Environment = process.env): string {
  return join(stateHome(env), checkFleetName(name))
}

/**
 * Where a fleet can be reached: in `$XDG_RUNTIME_DIR/pagent` where that is ours, else in its state folder; where the path would
 * be too long for a socket, in a private folder for temporary files.
 */
export async function socketPathOf(name: string, env: Environment = process.env): Promise<string> {
  checkFleetName(name)
  const runtime = absolute(env.XDG_RUNTIME_DIR)
  const inRuntime = runtime !== undefined && (await isPrivate(runtime)) ? [join(runtime, 'pagent', `${name}.sock`)] : []
  const state = stateFolderOf(name, env)
  const short = createHash('sha256').update(state).digest('hex').slice(0, 16)
  const inTemp = join(tmpdir(), `pagent-${process.getuid?.() ?? 0}`, `${short}.sock`)
  const path = [...inRuntime, join(state, 'control.sock'), inTemp].find(fits)
  if (path !== undefined) return path
  throw new ControlError(
    'ERR_PAGENT_STATE',
    `Cannot find a place for the socket of fleet "${name}": ${inTemp} is longer than the ${LONGEST_SOCKET_PATH} bytes the system allows; set TMPDIR or XDG_RUNTIME_DIR to a shorter folder`,
  )
}

/**
 * Makes a folder that only this user can enter, with those above it.
 *
 * @throws ControlError when it cannot be made, or somebody else's is there
 */
export async function makePrivate(folder: string, action: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const advice = code === 'ENOSPC' ? 'the disk is full: free some space' : message
    throw new ControlError('ERR_PAGENT_STATE', `Cannot ${action}: ${folder} cannot be made (${advice})`, {
      cause: error,
    })
  }
  if (await isPrivate(folder)) return
  throw new ControlError(
    'ERR_PAGENT_STATE',
    `Cannot ${action}: others can enter ${folder}, or it belongs to somebody else; chmod 700 it, or set XDG_STATE_HOME to a folder of yours`,
  )
}

/** A folder of this user that nobody else can enter. A link is none: whoever made it may lead it elsewhere. */
async function isPrivate(folder: string): Promise<boolean> {
  const there = await lstat(folder).catch(() => undefined)
  if (there?.isDirectory() !== true) return false
  return there.uid === (process.getuid?.() ?? there.uid) && (there.mode & 0o077) === 0
}

function fits(path: string): boolean {
  const folder = path.slice(0, path.lastIndexOf('/'))
  return Math.max(Buffer.byteLength(path), Buffer.byteLength(folder) + NURSERY) <= LONGEST_SOCKET_PATH
}

/** The specification has relative ones ignored. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
