import type { Framing } from '../../../framing/framing.ts'
import { jsonRpc } from '../../../framing/json-rpc/json-rpc.ts'
import { json } from '../../../framing/json.ts'
import { lines } from '../../../framing/lines.ts'
import type { Alive, Ready, WorkerSpec } from '../../../worker/spec.ts'
import type { Worker } from '../../../worker/worker.ts'
import type { ProgramPlan, WorkerEntry } from '../../config/fleet-plan.ts'
import type { Dossier } from '../watch/dossier.ts'
import { type Prober, placeOf } from '../probes/prober.ts'

/** What asks workers whether they work. */
type Asks = Pick<Prober, 'once' | 'until'>

/** What is done with what a worker writes. */
export interface Ears {
  heard(worker: Worker<any, any>, stream: 'out' | 'err', text: string): void
}

/** What is too long for a line is reported and cut: a log must not end a worker. */
const LINES = lines({ onOverlong: 'cut' })
const JSON_LINES = json()

/** One of each for all, so that what is sent to many is encoded once. */
const FRAMINGS: Readonly<Record<ProgramPlan['framing'], Framing<any, any>>> = {
  lines: LINES,
  // Nobody but the log reads what it writes: also a line that is no JSON is worth one.
  json: {
    name: 'json',
    encode: (message) => JSON_LINES.encode(message),
    decoder: (report) => LINES.decoder(report),
  },
  'json-rpc': jsonRpc(),
}

/** What any worker of a fleet is told, of a pool or not. */
export function specOfProgram(program: ProgramPlan, ears: Ears): WorkerSpec<any, any> {
  const { shutdown, limits, readyTimeout } = program
  return {
    ...placeOf(program),
    onStderr: (line, worker) => ears.heard(worker, 'err', line),
    readyTimeout,
    shutdown: shutdown.farewell === null ? { ...shutdown, farewell: undefined } : shutdown,
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  }
}

/** What a worker with an entry of its own is told. */
export function specOfWorker(entry: WorkerEntry, dossier: Dossier, prober: Asks, ears: Ears): WorkerSpec<any, any> {
  const { framing, restart, backoff, intensity } = entry
  const alive = aliveOf(entry, dossier, prober)
  return {
    ...specOfProgram(entry, ears),
    framing: FRAMINGS[framing],
    ...listenerOf(entry, dossier, ears),
    ready: readyOf(entry, prober),
    ...(alive === undefined ? {} : { alive }),
    restart,
    backoff,
    intensity,
  }
}

/** What is written for calls belongs to them. */
function listenerOf({ framing }: WorkerEntry, dossier: Dossier, ears: Ears): Pick<WorkerSpec<any, any>, 'onMessage'> {
  if (framing === 'json-rpc') return {}
  return {
    onMessage: (message: string, worker) => {
      dossier.messagesIn++
      ears.heard(worker, 'out', message)
    },
  }
}

function readyOf(entry: WorkerEntry, prober: Asks): Ready {
  const { id, ready } = entry
  if (ready.when === 'line') return readPattern(id, ready.pattern)
  if (ready.when !== 'probe') return ready.when
  return (worker) => prober.until(ready, worker, entry)
}

function readPattern(id: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern)
  } catch (error) {
    const why = (error as Error).message
    throw new TypeError(`Cannot start worker "${id}": its ready line is no regular expression (${why})`, {
      cause: error,
    })
  }
}

function aliveOf(entry: WorkerEntry, dossier: Dossier, prober: Asks): Alive | undefined {
  const { alive } = entry
  if (alive === undefined) return undefined
  const { every, timeout, retries } = alive
  const check = async (worker: Worker<any, any>): Promise<void> => {
    try {
      await prober.once(alive, worker, entry, timeout)
      dossier.passedCheck()
    } catch (error) {
      if (dossier.failedCheck(error) >= retries) throw error
    }
  }
  // The probe keeps to its own time, since being late once is only one failure.
  return { every, timeout: timeout + SLACK, check }
}

/** How much longer than a probe its watchdog waits, in milliseconds. */
const SLACK = 5000
