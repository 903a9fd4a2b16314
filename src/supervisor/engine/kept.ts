import type { Clock } from '../../base/clock.ts'
import type { Exit } from '../../base/exit.ts'
import { BackoffSteps } from '../backoff.ts'
import type { Child, Restart } from '../child.ts'
import type { PlannedChild } from '../plan.ts'
import type { ChildPlan } from '../spec.ts'
import { Life, type LifeObserver } from './life.ts'
import type { Round } from './round.ts'

/** Somebody who waits until it is ready, in a life from this number on. */
interface StartWaiter extends PromiseWithResolvers<void> {
  readonly life: number
}

const NOBODY: StartWaiter[] = []

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
  #waiters: StartWaiter[] = NOBODY

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
    this.coming = this.leaving = false
    this.dueAt = 0
    life.begin()
    return life
  }

  /** Resolves when it is ready, in this life or the next; rejects when that one ends before, or will not begin. */
  get nextStart(): Promise<void> {
    // One that is about to be stopped is not what anybody waits for.
    const isOld = this.life === undefined || this.coming || this.leaving
    if (!isOld && this.life?.isReady === true) return Promise.resolve()
    const waiter = { ...Promise.withResolvers<void>(), life: isOld ? this.lives + 1 : this.lives }
    this.#waiters = [...this.#waiters, waiter]
    return waiter.promise
  }

  /** Tells those who wait for this life. */
  started(): void {
    for (const waiter of this.#take((one) => one.life <= this.lives)) waiter.resolve()
  }

  /** This life has ended before it was ready. */
  failed(error: Error): void {
    for (const waiter of this.#take((one) => one.life <= this.lives)) waiter.reject(error)
  }

  /** There will be no other. */
  staysDown(error: Error): void {
    for (const waiter of this.#take(() => true)) waiter.reject(error)
  }

  #take(which: (waiter: StartWaiter) => boolean): readonly StartWaiter[] {
    if (this.#waiters.length === 0) return NOBODY
    const taken = this.#waiters.filter(which)
    this.#waiters = this.#waiters.filter((waiter) => !which(waiter))
    return taken
  }

  /** Asks its life to end, if there is one. */
  end(): Promise<Exit> | undefined {
    return this.life?.end(this.plan.shutdown)
  }
}
