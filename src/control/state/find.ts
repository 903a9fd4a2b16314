import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ControlError } from '../../base/errors.ts'
import { type Environment, checkFleetName, stateFolderOf, stateHome } from './folders.ts'
import { Lock, type Owner } from './lock.ts'

/** A fleet that runs. */
export interface FoundFleet {
  readonly name: string
  readonly pid: number
  /** The file it was read from, and its folder. */
  readonly file: string
  readonly folder: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly stateFolder: string
  readonly socketPath: string
}

export function foundFleet(owner: Owner, stateFolder: string): FoundFleet {
  const { name, pid, file, folder, startedAt, socketPath } = owner
  return { name, pid, file, folder, startedAt, stateFolder, socketPath }
}

/** The fleets of this user that run on this machine, by name. */
export async function listFleets(env: Environment = process.env): Promise<readonly FoundFleet[]> {
  const home = stateHome(env)
  const names = await readdir(home).catch(() => [])
  const found = await Promise.all(names.map((name) => lookAt(join(home, name))))
  return found.filter((fleet) => fleet !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * The fleet of that name; without one the only one that runs, or the only one that was started from `folder`.
 *
 * @throws ControlError ERR_PAGENT_NO_MASTER when there is none, or too many to tell
 */
export async function findFleet(
  name?: string,
  { folder = process.cwd(), env = process.env }: { readonly folder?: string; readonly env?: Environment } = {},
): Promise<FoundFleet> {
  if (name !== undefined) return byName(checkFleetName(name), env)
  const all = await listFleets(env)
  const here = all.filter((fleet) => fleet.folder === folder)
  const candidates = here.length > 0 ? here : all
  const [only] = candidates
  if (only !== undefined && candidates.length === 1) return only
  throw noFleet(
    only === undefined
      ? 'No fleet is running; start one by `pagent up`'
      : `There are several fleets: ${candidates.map((fleet) => fleet.name).join(', ')}; say which by \`--fleet NAME\``,
  )
}

async function byName(name: string, env: Environment): Promise<FoundFleet> {
  const found = await lookAt(stateFolderOf(name, env))
  if (found !== undefined) return found
  const others = (await listFleets(env)).map((fleet) => fleet.name)
  const known = others.length === 0 ? 'none is' : `these are: ${others.join(', ')}`
  throw noFleet(`Fleet "${name}" is not running; ${known}`)
}

async function lookAt(stateFolder: string): Promise<FoundFleet | undefined> {
  const owner = await Lock.ownerOf(stateFolder)
  return owner === undefined ? undefined : foundFleet(owner, stateFolder)
}

function noFleet(message: string): ControlError {
  return new ControlError('ERR_PAGENT_NO_MASTER', message)
}
