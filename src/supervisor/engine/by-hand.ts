import { ClosedError, ExitError } from '../../base/errors.ts'
import type { Exit } from '../../base/exit.ts'
import { isIgnored } from '../plan.ts'
import type { ChildPlan } from '../spec.ts'
import type { Kept } from './kept.ts'
import type { Life } from './life.ts'
import type { Members } from './members.ts'

/** The life of a supervisor, as far as somebody may reach into it. */
export interface HandHost {
  /** Of the supervisor. */
  readonly path: string
  readonly members: Members
  /** Each child is restarted alone. */
  readonly isAlone: boolean
  isEnding(): boolean
  begin(kept: Kept): Life
  /** Goes on with what all children do together. */
  advance(): void
  staysDown(kept: Kept): void
  lastExit(kept: Kept): Exit
}

/** What is asked for by somebody, and not by the rules. No budget is charged for it. */
export class ByHand {
  readonly #host: HandHost
  /** Those that are being started anew. */
  readonly #returning = new Set<Kept>()

  constructor(host: HandHost) {
    this.#host = host
  }

  /** Starts one more child, the last in order. */
  async add(plan: ChildPlan): Promise<void> {
    this.#checkOpen('add', plan.child.id)
    const kept = this.#host.members.take(plan)
    try {
      await this.#startByHand(kept, 'add')
      // Also one that had nothing to do: it can be restarted.
      if (this.#host.members.isApart(kept) && kept.restart !== 'temporary') this.#host.members.join(kept)
    } finally {
      if (this.#host.members.isApart(kept)) this.#host.members.forget(kept)
    }
  }

  /** Ends a child; its siblings do not notice. It stays down until it is restarted, also by their strategy. */
  async terminate(kept: Kept): Promise<Exit> {
    if (kept.restart === 'temporary') return this.remove(kept)
    await this.#putDown(kept)
    return this.#host.lastExit(kept)
  }

  /** Starts a child, at once if it waits for that; ends it first if it lives. No budget is charged. */
  restart(kept: Kept): Promise<void> {
    if (kept.coming) {
      kept.round?.hurry()
      return kept.nextStart
    }
    if (kept.restarting?.wish === kept.wishes) return kept.restarting.done
    const wish = ++kept.wishes
    const { promise, resolve } = Promise.withResolvers<void>()
    kept.restarting = { wish, done: promise }
    this.#returning.add(kept)
    resolve(this.#restart(kept, wish).finally(() => this.#returned(kept, wish)))
    return promise
  }

  /** Ends a child and forgets it. */
  async remove(kept: Kept): Promise<Exit> {
    this.#host.members.part(kept)
    await this.#putDown(kept)
    this.#host.members.forget(kept)
    return this.#host.lastExit(kept)
  }

  async #restart(kept: Kept, wish: number): Promise<void> {
    await kept.end()
    if (kept.up) return kept.nextStart
    if (wish !== kept.wishes || this.#host.isEnding() || !this.#host.members.has(kept))
      throw new ExitError('restart', this.#host.lastExit(kept), 'child')
    kept.backoff.reset()
    try {
      await this.#startByHand(kept, 'restart')
    } finally {
      if (kept.restart === 'temporary' && !kept.up) this.#host.members.forget(kept)
    }
  }

  #returned(kept: Kept, wish: number): void {
    if (kept.restarting?.wish === wish) {
      kept.restarting = undefined
      this.#returning.delete(kept)
    }
    this.#host.advance()
  }

  async #putDown(kept: Kept): Promise<void> {
    kept.wishes++
    if (kept.coming) kept.round?.drop(kept)
    this.#host.advance()
    await kept.end()
    if (!kept.up) this.#host.staysDown(kept)
  }

  /** Where each is restarted alone, only the first start has an order. */
  isHeld(next: Kept | undefined): boolean {
    const { isAlone } = this.#host
    if (this.#returning.size === 0 || this.#host.isEnding() || (isAlone && next?.proven === true)) return false
    for (const kept of this.#returning) {
      const isBefore = next === undefined || kept.order < next.order
      if (isBefore && !(isAlone && kept.proven) && isReturning(kept) && this.#host.members.has(kept)) return true
    }
    return false
  }

  /** For somebody who waits for this one start, and hears of its failure. */
  async #startByHand(kept: Kept, action: string): Promise<void> {
    kept.byHand = true
    const life = this.#host.begin(kept)
    await life.started
    kept.byHand = false
    const { exit, isReady } = life
    if (isReady || exit === undefined) return
    if (life.asked || !isIgnored(kept, { exit, ready: false })) throw new ExitError(action, exit, 'child')
  }

  #checkOpen(action: string, child: string): void {
    if (!this.#host.isEnding()) return
    throw new ClosedError(`Cannot ${action} child "${child}": supervisor "${this.#host.path}" is being stopped`)
  }
}

/** Until it is ready, or somebody has changed his mind and it is down. */
function isReturning({ restarting, wishes, life }: Kept): boolean {
  return restarting?.wish === wishes || (life !== undefined && !life.isReady)
}
