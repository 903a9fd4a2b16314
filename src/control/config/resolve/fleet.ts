import { basename } from 'node:path'
import type { FleetPlan, LogPlan } from '../fleet-plan.ts'
import type { Found } from '../found/found.ts'
import { FLEET, type FLEET_KEYS } from '../keys/tables.ts'
import type { Reading } from '../shapes/table.ts'
import { Names, claimAll, resolveMembers } from './members.ts'
import type { Context } from './program.ts'

/** Makes a plan of what stands in a file; undefined, and problems, where that cannot be. */
export function resolveFleet(found: Found, file: string, context: Context): FleetPlan | undefined {
  const { problems, folder } = context
  const given = FLEET.read(found, problems)
  if (given === undefined) return undefined
  const names = new Names(context)
  claimAll(given, names)
  const entries = resolveMembers(given, names, context)
  if (!given.has('workers') && !given.has('pools') && !given.has('groups'))
    problems.add(given.place, 'there is nothing to run: expected workers, pools or groups')
  if (problems.count > 0) return undefined
  return { schemaVersion: 1, name: given.get('name') ?? nameOf(folder), file, folder, entries, log: resolveLog(given) }
}

function resolveLog(given: Reading<typeof FLEET_KEYS>): LogPlan {
  const log = given.get('log')
  return {
    maxSize: log?.get('maxSize') ?? 10 * 2 ** 20,
    maxFiles: log?.get('maxFiles') ?? 5,
    maxAge: log?.get('maxAge'),
  }
}

/** The folder's, without what a name cannot hold. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .replaceAll(/[^a-zA-Z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 63)
  return name === '' ? 'fleet' : name
}
