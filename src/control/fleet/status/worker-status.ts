import type { ChildState } from '../../../supervisor/supervisor.ts'
import type { WorkerStatus, WorkerStatusState } from '../../api/wire.ts'
import type { Dossier } from '../watch/dossier.ts'
import type { Sight } from './looks.ts'

/** Where a child is in the eyes of its supervisor. */
export type Keeping = ChildState | 'failed' | undefined

/** The word people see. */
export function stateOf(dossier: Dossier, keeping: Keeping): WorkerStatusState {
  const { worker, pending, failures, nextRun } = dossier
  const state = worker?.state ?? 'idle'
  if (state === 'running') return failures > 0 ? 'degraded' : 'running'
  if (state === 'starting' || state === 'stopping' || state === 'backoff') return state
  if (pending !== undefined) return pending
  if (keeping === 'restarting') return state === 'idle' ? 'idle' : 'backoff'
  if (state === 'failed' || keeping === 'failed') return 'failed'
  return nextRun === undefined ? state : 'scheduled'
}

export function statusOf(dossier: Dossier, keeping: Keeping, sight: Sight | undefined): WorkerStatus {
  const { place, life, pid, startedAt, isAlive, uptime, restarts, nextRun, exits, worker } = dossier
  const memoryLimit = worker?.limits.memory?.max
  const [lastExit] = exits
  return {
    ...place,
    state: stateOf(dossier, keeping),
    incarnation: life,
    restarts,
    ...(isAlive && pid !== undefined ? { pid } : {}),
    ...(isAlive && startedAt !== undefined ? { startedAt } : {}),
    ...(uptime === undefined ? {} : { uptime }),
    ...(isAlive && worker !== undefined ? { traffic: worker.traffic } : {}),
    ...(sight === undefined ? {} : figuresOf(sight)),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    ...(nextRun === undefined ? {} : { nextRun }),
    ...(lastExit === undefined ? {} : { lastExit }),
  }
}

function figuresOf({ usage, cpu, messages }: Sight): Partial<WorkerStatus> {
  const { cpuTime, memory, memoryPeak, processes } = usage
  return { cpu, cpuTime, memory, memoryPeak, processes, messages }
}
