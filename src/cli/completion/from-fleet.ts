import { systemClock } from '../../base/clock.ts'
import type { FleetOptions } from '../fleet/choice.ts'
import { namesOf } from '../fleet/names.ts'
import type { Candidate } from './complete.ts'

/** Nobody waits longer for a tab, in milliseconds. */
const PATIENCE = 1000

/** Of the fleets that run. */
export async function fleetNames(): Promise<readonly Candidate[]> {
  const { running } = await import('../fleet/reach.ts')
  return (await running()).map(({ name, file }) => ({ word: name, about: file }))
}

/** Of the workers of the fleet that is meant; nothing when there is none. `all` with what takes many. */
export async function targetNames(given: FleetOptions, withAll = false): Promise<readonly Candidate[]> {
  const { reach } = await import('../fleet/reach.ts')
  const { client } = await reach(given)
  const late = Promise.withResolvers<never>()
  const timer = systemClock.after(PATIENCE, () => late.reject(new Error('the fleet takes its time')))
  try {
    const workers = await Promise.race([client.workers(), late.promise])
    const states = new Map(workers.map(({ id, state }) => [id, state]))
    const names = namesOf(workers).map((word) => ({ word, about: states.get(word) ?? '' }))
    return withAll ? [...names, { word: 'all', about: 'every worker' }] : names
  } finally {
    timer.cancel()
    client.close()
  }
}
