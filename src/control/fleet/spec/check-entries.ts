import { systemClock } from '../../../base/clock.ts'
import { Pool } from '../../../pool/pool.ts'
import { worker } from '../../../worker/host.ts'
import type { EntryPlan, WorkerEntry } from '../../config/fleet-plan.ts'
import { specOfWorker } from './program.ts'
import { Dossier } from '../watch/dossier.ts'
import { readCron } from '../units/schedule.ts'
import { specOfPool } from './pool-spec.ts'

const NOTHING = (): void => {}
const NOBODY = { heard: NOTHING }
const NO_PROBES = { once: async (): Promise<void> => {}, until: async (): Promise<void> => {} }

/**
 * Describes everything once, before any of it is touched.
 *
 * @throws TypeError, RangeError, LimitUnsupportedError for what could never be started
 */
export function checkEntries(entries: readonly EntryPlan[]): void {
  for (const entry of entries) {
    if (entry.kind === 'group') checkEntries(entry.children)
    else if (entry.kind === 'pool') void new Pool(specOfPool(entry, NOBODY))
    else checkWorker(entry)
  }
}

function checkWorker(entry: WorkerEntry): void {
  const { id, service, file, args, schedule } = entry
  if (schedule !== undefined) readCron(id, schedule)
  worker(id, file, args, specOfWorker(entry, new Dossier({ id, service }, systemClock, NOTHING), NO_PROBES, NOBODY))
}
