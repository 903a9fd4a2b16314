import type { Exit } from '../../../base/exit.ts'
import type { EventRecord, WorkerStatus } from '../../../control/api/wire.ts'
import type { Fleet } from '../../../control/fleet/contract.ts'
import { FAILED, exitCodeOf } from '../../exit-code.ts'

/** Why a fleet need not go on. */
export interface EndReason {
  readonly exitCode: number
  readonly text: string
}

/** Notices, after each end of a worker, when there is nothing more to run, or when the one has ended that it was all for. */
export class EndWatch {
  readonly #fleet: Fleet
  readonly #purpose: string | undefined
  readonly #byHand: Set<string>
  readonly #found: (reason: EndReason) => void
  readonly #exits = new Map<string, Exit>()
  #looking = false
  #again = false

  /** `purpose` is the worker or service that the fleet is for, if it is for one; `byHand` do not start by themselves. */
  constructor(
    fleet: Fleet,
    { purpose, byHand }: { readonly purpose: string | undefined; readonly byHand: Iterable<string> },
    found: (reason: EndReason) => void,
  ) {
    this.#fleet = fleet
    this.#purpose = purpose
    this.#byHand = new Set(byHand)
    this.#found = found
  }

  readonly heard = (event: EventRecord): void => {
    if (event.type === 'exited' && event.worker !== undefined) this.#exits.set(event.worker, event['exit'] as Exit)
    // Another plan may have them start.
    if (event.type === 'applied') this.#byHand.clear()
    if (!ENDINGS.has(event.type)) return
    if (this.#looking) this.#again = true
    else void this.#look()
  }

  async #look(): Promise<void> {
    this.#looking = true
    do {
      this.#again = false
      const workers = await this.#fleet.workers()
      const reason = this.#reasonIn(workers)
      if (reason !== undefined) return this.#found(reason)
    } while (this.#again)
    this.#looking = false
  }

  #reasonIn(workers: readonly WorkerStatus[]): EndReason | undefined {
    if (this.#purpose !== undefined) return this.#ofPurpose(workers, this.#purpose)
    // A pool waits for calls.
    return this.#fleet.pools().length > 0 ? undefined : allDone(workers.filter((worker) => !this.#isByHand(worker)))
  }

  /** It starts by hand only, and nobody has. */
  #isByHand({ id, state, lastExit }: WorkerStatus): boolean {
    return state === 'idle' && lastExit === undefined && this.#byHand.has(id)
  }

  #ofPurpose(workers: readonly WorkerStatus[], name: string): EndReason | undefined {
    const ended = workers.find((worker) => (worker.id === name || worker.service === name) && hasEnded(worker))
    if (ended === undefined) return undefined
    const exit = this.#exits.get(ended.id)
    const exitCode = exit === undefined ? FAILED : exitCodeOf(exit)
    return {
      exitCode: ended.state === 'failed' ? exitCode || FAILED : exitCode,
      text: `${ended.id} ${ended.lastExit?.text}`,
    }
  }
}

/** After these nothing may be left to do. */
const ENDINGS: ReadonlySet<string> = new Set(['exited', 'gave-up', 'supervisor-exited', 'start-failed'])

function hasEnded({ state, lastExit }: WorkerStatus): boolean {
  return (state === 'exited' || state === 'failed') && lastExit !== undefined
}

/** All have done their work; what was stopped by hand, waits for its time or has failed may be wanted again. */
function allDone(workers: readonly WorkerStatus[]): EndReason | undefined {
  const isDone = workers.every(
    ({ state, lastExit }) => state === 'exited' && lastExit !== undefined && lastExit.kind !== 'stopped',
  )
  if (workers.length === 0 || !isDone) return undefined
  const failed = workers.filter(({ lastExit }) => lastExit?.isAbnormal)
  if (failed.length === 0) return { exitCode: 0, text: 'all workers have done their work' }
  return { exitCode: FAILED, text: `all workers have ended, ${failed.map(({ id }) => id).join(', ')} not well` }
}
