import type { WorkerEntry } from '../fleet-plan.ts'
import type { Problems } from '../found/found.ts'
import type { WORKER_KEYS } from '../keys/tables.ts'
import type { Reading } from '../shapes/table.ts'

/** What has a policy of its own says of it. */
type Given = Pick<Reading<Pick<typeof WORKER_KEYS, 'backoff' | 'intensity'>>, 'get' | 'at'>

/** How long a restart waits, and how many are borne. */
export function resolveRestarts(given: Given, problems: Problems): Pick<WorkerEntry, 'backoff' | 'intensity'> {
  return {
    backoff: resolveBackoff(given, problems),
    intensity: given.get('intensity') ?? { restarts: 3, within: 5000 },
  }
}

function resolveBackoff(given: Given, problems: Problems): WorkerEntry['backoff'] {
  const backoff = given.get('backoff')
  const [min, max] = [backoff?.get('min') ?? 100, backoff?.get('max') ?? 10_000]
  if (min > max) problems.add(given.at('backoff'), `min ${min}ms is above max ${max}ms`)
  return { min, max, factor: backoff?.get('factor') ?? 2, jitter: backoff?.get('jitter') ?? 1 }
}
