import { type Clock, sleep } from '../../../base/clock.ts'
import { ExitError, GaveUpError, toError } from '../../../base/errors.ts'
import { type Exit, originOf } from '../../../base/exit.ts'
import type { BackoffStep } from '../../../supervisor/backoff.ts'
import { type RestartOptions, RestartPolicy } from '../../../supervisor/restart-policy.ts'

/** How long one goes on trying to start something. */
export interface Persistence {
  readonly clock: Clock
  readonly options: RestartOptions
  /** Hears of each failure after which it is tried again. */
  waits(this: void, step: BackoffStep): void
  /** The last attempt has failed; nobody has withdrawn it. */
  gaveUp(this: void, error: Error): void
}

/**
 * A start that is tried again by the restart policy when it fails: who has called `up` is gone by then, and nobody else would
 * do it. What cannot be run at all is not tried again.
 */
export class PersistentStart {
  /** Rejects with what the first attempt has thrown; others may follow. */
  readonly first: Promise<void>
  /** Settles when there will be no further attempt. */
  readonly last: Promise<void>
  readonly #withdrawn = new AbortController()
  readonly #first = Promise.withResolvers<void>()

  constructor(attempt: () => Promise<unknown>, persistence: Persistence) {
    this.first = this.#first.promise
    this.first.catch(() => {})
    this.last = this.#persist(attempt, persistence)
    this.last.then(this.#first.resolve, this.#first.reject)
  }

  /** Nobody wants it any more: no other attempt is made. */
  withdraw(): void {
    this.#withdrawn.abort()
  }

  async #persist(attempt: () => Promise<unknown>, { clock, options, waits, gaveUp }: Persistence): Promise<void> {
    const { signal } = this.#withdrawn
    const policy = new RestartPolicy(options, 'permanent')
    for (;;) {
      try {
        await attempt()
        return
      } catch (thrown) {
        const error = toError(thrown)
        if (signal.aborted) throw error
        const step = nextStep(error, policy, clock)
        if (step === undefined) gaveUp(error)
        if (step === undefined) throw error
        waits(step)
        this.#first.reject(error)
        await sleep(clock, step.after, signal).catch(() => {
          throw error
        })
      }
    }
  }
}

function nextStep(error: Error, policy: RestartPolicy, clock: Clock): BackoffStep | undefined {
  const exit = exitOf(error)
  const decision = exit === undefined ? undefined : policy.decide(exit, clock.now(), Math.random())
  return decision?.action === 'restart' ? decision : undefined
}

/** How it ended, unless it never became a process. */
function exitOf(error: unknown): Exit | undefined {
  const exit = error instanceof ExitError ? error.exit : error instanceof GaveUpError ? error.exits.at(-1) : undefined
  if (exit === undefined) return undefined
  const origin = originOf(exit)
  return origin.kind === 'crashed' && origin.pid === undefined ? undefined : origin
}
