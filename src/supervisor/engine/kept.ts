import type { Clock } from '../../base/clock.ts'
import type { Exit } from '../../base/exit.ts'
import { BackoffSteps } from '../backoff.ts'
import type { Child, Restart } from '../child.ts'
import type { PlannedChild } from '../plan.ts'
import type { ChildPlan } from '../spec.ts'
import { Life, type LifeObserver } from './life.ts'
import type { Round } from './round.ts'

/** A child and what is known of it, from life to life. */
export class Kept implements PlannedChild {
  readonly plan: ChildPlan
  /** Its place among its siblings. */
  order: number
  readonly backoff: BackoffSteps
  life: Life | undefined
  exit: Exit | undefined
  lives = 0
  /** Restarts that were not asked for. */
  restarts = 0
  /** It has been ready once, or had nothing to do. */
  proven = false
  /** What is being done with it and its siblings. */
  round: Round | undefined
  /** It will be started by its round, not before `dueAt`. */
  coming = false
  /** It will be stopped by its round; what it does until then does not count. */
  leaving = false
  dueAt = 0
  /** Somebody has asked for this life and waits for it: when it fails, that one is told, and it stays down. */
  byHand = false
  /** Counts what was asked for by hand: the last wish counts. */
  wishes = 0
  /** What is asked for again while it is under way is done once. */
  restarting: { readonly wish: number; readonly done: Promise<void> } | undefined
  #awaited: PromiseWithResolvers<void> | undefined

  constructor(plan: ChildPlan, order: number) {
    this.plan = plan
    this.order = order
    this.backoff = new BackoffSteps(plan.backoff)
  }

  get child(): Child {
    return this.plan.child
  }

  get id(): string {
    return this.plan.child.id
  }

  get restart(): Restart {
    return this.plan.restart
  }

  get significant(): boolean {
    return this.plan.significant
  }

  get up(): boolean {
    return this.life !== undefined || this.coming
  }

  /** Begins its next life. It may be ready, but cannot have ended, when this returns. */
  begin(clock: Clock, observer: LifeObserver): Life {
    const life = new Life(this.child, ++this.lives, clock, observer)
    this.life = life
    this.coming = false
    life.begin()
    return life
  }

  /** Resolves when a life of it is ready; rejects when one has ended before, or none will begin. */
  get nextStart(): Promise<void> {
    if (this.life?.isReady === true) return Promise.resolve()
    return (this.#awaited ??= Promise.withResolvers<void>()).promise
  }

  /** Tells those who wait. */
  started(): void {
    this.#awaited?.resolve()
    this.#awaited = undefined
  }

  /** It did not start, or will not. */
  failed(error: Error): void {
    this.#awaited?.reject(error)
    this.#awaited = undefined
  }

  /** Asks its life to end, if there is one. */
  end(): Promise<Exit> | undefined {
    return this.life?.end(this.plan.shutdown)
  }
}
