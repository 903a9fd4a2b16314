import type { CallEvent } from '../../../base/call-hub.ts'
import type { WorkerPlace } from '../../api/wire.ts'
import type { Place } from '../watch/dossier.ts'
import type { Roster } from '../watch/roster.ts'

/** Its pool is the last in the path of who keeps it; a pool at the top is kept by a supervisor of its own name. */
export function placeInPool(id: string, path: string): Place {
  const names = path.split('/')
  const pool = names.pop() ?? path
  const group = names.join('/')
  return { id, service: pool, pool, ...(group === pool ? {} : { group }) }
}

/** Where whoever was called belongs. */
export function placeOfCall({ worker, pool = '', supervisor }: CallEvent, roster: Roster): WorkerPlace {
  if (worker !== undefined) return roster.find(worker)?.place ?? { service: worker }
  const { id: _, ...place } = placeInPool(pool, supervisor === undefined ? pool : `${supervisor}/${pool}`)
  return place
}
