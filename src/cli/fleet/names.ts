import { PagentError } from '../../base/errors.ts'
import type { ControlClient } from '../../control/client/contract.ts'
import type { WorkerStatus } from '../../control/api/wire.ts'
import { NO_SUCH_WORKER } from '../exit-code.ts'
import { CommandFailure } from './failure.ts'
import { nearestOf } from '../../control/config/shapes/suggest.ts'

/** Everything a worker can be named by: its id, its service, its group or pool. */
export function namesOf(workers: readonly WorkerStatus[]): string[] {
  const names = workers.flatMap(({ id, service, group, pool }) => [
    id,
    service,
    ...(group === undefined ? [] : [`${group}:*`]),
    ...(pool === undefined ? [] : [pool, `${pool}:*`]),
  ])
  return [...new Set(names)]
}

/** An unknown worker is told with the one that was meant, as far as that can be guessed. */
export async function explainUnknown(
  thrown: unknown,
  { client, fleet }: { readonly client: ControlClient; readonly fleet: string },
): Promise<unknown> {
  if (!PagentError.is(thrown) || thrown.code !== 'ERR_PAGENT_UNKNOWN_WORKER') return thrown
  const name = /"([^"]*)"/.exec(thrown.message)?.[1]
  if (name === undefined) return thrown
  const workers = await client.workers().catch(() => [])
  const known = namesOf(workers)
  if (known.includes(name)) return new CommandFailure(manyText(name, fleet, workers), NO_SUCH_WORKER)
  return new CommandFailure(unknownText(name, fleet, known), NO_SUCH_WORKER)
}

/** It is the name of several, and only one can be meant. */
function manyText(name: string, fleet: string, workers: readonly WorkerStatus[]): string {
  const ids = workers.filter((worker) => namesOf([worker]).includes(name)).map(({ id }) => id)
  const some = ids.length > 8 ? `${ids.slice(0, 8).join(', ')}, …` : ids.join(', ')
  return `${JSON.stringify(name)} is not one worker in fleet ${JSON.stringify(fleet)}: name one of ${some}`
}

function unknownText(name: string, fleet: string, known: readonly string[]): string {
  const start = `there is no worker ${JSON.stringify(name)} in fleet ${JSON.stringify(fleet)}`
  const meant = nearestOf(name, known)
  if (meant !== undefined) return `${start}. Did you mean ${meant}?`
  const some = known.slice(0, 8).join(', ')
  return known.length === 0
    ? `${start}, it has none`
    : `${start}; there are ${some}${known.length > 8 ? ', …: see pagent ps' : ''}`
}

/**
 * Those that are named, in their order; all of them without a name.
 *
 * @throws CommandFailure for a name that is nobody's.
 */
export function chosen(
  workers: readonly WorkerStatus[],
  names: readonly string[],
  fleet: string,
): readonly WorkerStatus[] {
  if (names.length === 0 || names.includes('all')) return workers
  const known = namesOf(workers)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new CommandFailure(unknownText(unknown, fleet, known), NO_SUCH_WORKER)
  return workers.filter((worker) => namesOf([worker]).some((name) => names.includes(name)))
}
