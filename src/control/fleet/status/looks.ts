import type { Clock } from '../../../base/clock.ts'
import type { Usage } from '../../../base/exit.ts'
import type { Worker } from '../../../worker/worker.ts'
import type { Dossier } from '../watch/dossier.ts'

/** Whoever asks within that time after the last look gets what that has seen, in milliseconds. */
const FRESH = 500
/** A look at a process that does not answer is not waited for any longer. */
const PATIENCE = 1000

/** What was seen of one worker. */
export interface Sight {
  readonly usage: Usage
  /** Share of one core between the last two looks, or since it was started. */
  readonly cpu: number
  readonly messages: { readonly in: number; readonly out: number }
}

interface Sample extends Sight {
  readonly life: number
  readonly at: number
  readonly messagesIn: number
  readonly messagesOut: number
}

/** Looks at what workers use: at all of them at once, since that costs the same, and only when somebody wants to know. */
export class Looks {
  readonly #clock: Clock
  readonly #samples = new Map<string, Sample>()
  #lookedAt = -Infinity
  #looking: Promise<void> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when all were seen lately. */
  refresh(dossiers: readonly Dossier[]): Promise<void> {
    if (this.#clock.now() - this.#lookedAt < FRESH) return this.#looking ?? Promise.resolve()
    this.#looking ??= this.#look(dossiers).finally(() => {
      this.#looking = undefined
      this.#lookedAt = this.#clock.now()
    })
    return this.#looking
  }

  /** What was seen of its current life. */
  of({ id, life, isAlive }: Dossier): Sight | undefined {
    const sample = this.#samples.get(id)
    return isAlive && sample?.life === life ? sample : undefined
  }

  async #look(dossiers: readonly Dossier[]): Promise<void> {
    const alive = dossiers.filter(({ isAlive, worker }) => isAlive && worker !== undefined)
    const usages = await this.#measured(alive.map(({ worker }) => worker!))
    const ids = new Set(dossiers.map(({ id }) => id))
    for (const id of this.#samples.keys()) if (!ids.has(id)) this.#samples.delete(id)
    for (const [index, dossier] of alive.entries()) this.#note(dossier, usages[index])
  }

  /** In one write of commands: all are asked in the same turn. */
  #measured(workers: readonly Worker<any, any>[]): Promise<readonly (Usage | undefined)[]> {
    const seen: (Usage | undefined)[] = workers.map(() => undefined)
    const all = workers.map(async (worker, index) => {
      seen[index] = await worker.measure().catch(() => undefined)
    })
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        resolve(seen)
      }
      const timer = this.#clock.after(PATIENCE, done)
      void Promise.all(all).finally(done)
    })
  }

  /** Who has not answered is as he was seen before. */
  #note(dossier: Dossier, usage: Usage | undefined): void {
    if (usage === undefined) return
    const { id, life, messagesIn, messagesOut, uptime } = dossier
    const last = this.#samples.get(id)
    const isSame = last?.life === life
    const at = this.#clock.now()
    const span = isSame ? at - last.at : (uptime ?? 0)
    const share = (now: number, before: number): number => (span > 0 ? Math.max(0, now - before) / span : 0)
    this.#samples.set(id, {
      life,
      at,
      usage,
      messagesIn,
      messagesOut,
      cpu: share(usage.cpuTime, isSame ? last.usage.cpuTime : 0),
      messages: {
        in: share(messagesIn, last?.messagesIn ?? 0) * 1000,
        out: share(messagesOut, last?.messagesOut ?? 0) * 1000,
      },
    })
  }
}
