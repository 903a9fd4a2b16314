import type { WorkerEntry } from '../fleet-plan.ts'
import type { Named } from '../shapes/collections.ts'
import type { Reading } from '../shapes/table.ts'
import type { WORKER_KEYS } from '../keys/tables.ts'
import { type Context, checkCalls, resolveProgram } from './program.ts'
import { resolveRestarts } from './restarts.ts'

export type WorkerReading = Reading<typeof WORKER_KEYS>

/** One worker, or each of its replicas; whom it depends on is not known yet. */
export function resolveWorker(
  { name, place, value: given }: Named<WorkerReading>,
  context: Context,
): readonly WorkerEntry[] {
  const { problems } = context
  if (!given.has('command') && !given.isMeant('command')) problems.add(place, 'command is missing: the program to run')
  const schedule = given.get('schedule')
  const restart = given.get('restart') ?? (schedule === undefined ? 'permanent' : 'temporary')
  if (schedule !== undefined && restart === 'permanent')
    problems.add(
      given.at('restart'),
      'what runs at its times ends between them; write on-failure or no, or leave schedule out',
    )
  const framing = given.get('framing') ?? 'lines'
  const worker: WorkerEntry = {
    kind: 'worker',
    id: name,
    service: name,
    dependsOn: [],
    ...resolveProgram(given, context),
    framing,
    restart,
    ...resolveRestarts(given, problems),
    autostart: given.get('autostart') ?? true,
    schedule,
  }
  checkCalls(given, worker, problems)
  checkFarewell(given, worker, context)
  return replicasOf(worker, given.get('replicas'))
}

function replicasOf(worker: WorkerEntry, replicas: number | undefined): readonly WorkerEntry[] {
  if (replicas === undefined) return [worker]
  return Array.from({ length: replicas }, (_, index) => {
    const number = String(index + 1)
    return { ...worker, id: `${worker.id}-${number}`, env: { ...worker.env, PAGENT_REPLICA: number } }
  })
}

/** Lines carry text and nothing else. */
function checkFarewell(given: WorkerReading, { framing, shutdown }: WorkerEntry, { problems }: Context): void {
  const { farewell } = shutdown
  if (farewell === undefined || framing !== 'lines') return
  if (typeof farewell === 'string' && !farewell.includes('\n')) return
  problems.add(
    given.get('shutdown')?.at('farewell') ?? given.place,
    'a farewell must be one line of text, or the framing json',
  )
}
