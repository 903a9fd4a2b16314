import { ClosedError, ExitError, GaveUpError } from '../../base/errors.ts'
import type { NextStep, SupervisorEvent } from '../../base/events.ts'
import { type Exit, type ExitCause, plainExit } from '../../base/exit.ts'
import { Later } from '../../base/later.ts'
import { RESTS, type SupervisorHost } from '../child.ts'
import { RestartBudget, isCharged } from '../intensity.ts'
import { type Regrouping, isIgnored, planAfter } from '../plan.ts'
import type { ChildPlan, SupervisorPlan } from '../spec.ts'
import type { Kept } from './kept.ts'
import type { Life } from './life.ts'
import { Members } from './members.ts'
import { Pace } from './pace.ts'
import { Round } from './round.ts'

/** One life of a supervisor: keeps its children until it is asked to stop, has nothing to keep, or gives up. */
export class Tenure {
  readonly number: number
  readonly #members: Members
  readonly #plan: SupervisorPlan
  readonly #path: string
  readonly #host: SupervisorHost
  readonly #startedAt: number
  readonly #startedDate: number
  readonly #budget: RestartBudget
  readonly #pace = new Pace()
  readonly #exited = new Later<Exit>()
  readonly #ready = Promise.withResolvers<void>()
  /** The round of all children, where they are restarted together; else that of the first start. */
  readonly #common: Round
  #starting = true
  #ending: ExitCause | undefined
  #exit: Exit | undefined

  /** @throws what `adopt` of the host throws. */
  constructor(plan: SupervisorPlan, number: number, path: string, host: SupervisorHost) {
    this.number = number
    this.#plan = plan
    this.#path = path
    this.#host = host
    this.#startedAt = host.clock.now()
    this.#startedDate = host.clock.date()
    this.#budget = new RestartBudget(plan.intensity)
    this.#common = this.#round(() => this.#allStarted())
    this.#ready.promise.catch(() => {})
    this.#members = new Members(path, host)
    this.#members.takeAll(plan.children)
  }

  /** In the order of their start. */
  get children(): ReadonlyMap<string, Kept> {
    return this.#members.known
  }

  get exited(): Promise<Exit> {
    return this.#exited.promise
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  get state(): 'starting' | 'running' | 'stopping' | 'exited' {
    if (this.#exit !== undefined) return 'exited'
    if (this.#ending !== undefined) return 'stopping'
    return this.#starting ? 'starting' : 'running'
  }

  /**
   * Starts the children in order, each once the one before is ready.
   *
   * @throws GaveUpError when one cannot be started; the others have been stopped.
   * @throws ExitError when it was stopped meanwhile.
   */
  start(): Promise<void> {
    this.#common.add([], [...this.children.values()])
    this.#common.advance()
    return this.#ready.promise
  }

  /** Stops the children in reverse order, one after the other. */
  stop(): Promise<Exit> {
    this.#end({ kind: 'stopped', step: 'abort' })
    return this.exited
  }

  /** Kills all children at once. */
  destroy(): void {
    this.#end({ kind: 'stopped', step: 'abort' })
    for (const kept of this.#members.all()) kept.life?.destroy()
  }

  /** Starts one more child, the last in order. */
  async add(plan: ChildPlan): Promise<void> {
    this.#checkOpen('add', plan.child.id)
    const kept = this.#members.take(plan)
    try {
      await this.#startByHand(kept, 'add')
      // Also one that had nothing to do: it can be restarted.
      if (this.#members.isApart(kept) && kept.restart !== 'temporary') this.#members.join(kept)
    } finally {
      if (this.#members.isApart(kept)) this.#members.forget(kept)
    }
  }

  /** Ends a child; its siblings do not notice. It stays down until it is restarted, also by their strategy. */
  async terminate(kept: Kept): Promise<Exit> {
    if (kept.restart === 'temporary') return this.remove(kept)
    await this.#putDown(kept)
    return this.#lastExit(kept)
  }

  /** Starts a child, at once if it waits for that; ends it first if it lives. No budget is charged. */
  restart(kept: Kept): Promise<void> {
    if (kept.coming) {
      kept.round?.hurry()
      return kept.nextStart
    }
    if (kept.restarting?.wish === kept.wishes) return kept.restarting.done
    const wish = ++kept.wishes
    const done = this.#restart(kept, wish).finally(() => (kept.restarting = undefined))
    kept.restarting = { wish, done }
    return done
  }

  /** Ends a child and forgets it. */
  async remove(kept: Kept): Promise<Exit> {
    this.#members.part(kept)
    await this.#putDown(kept)
    this.#members.forget(kept)
    return this.#lastExit(kept)
  }

  async #restart(kept: Kept, wish: number): Promise<void> {
    await kept.end()
    if (kept.up) return kept.nextStart
    if (wish !== kept.wishes || this.#ending !== undefined || !this.#members.has(kept))
      throw new ExitError('restart', this.#lastExit(kept), 'child')
    kept.backoff.reset()
    try {
      await this.#startByHand(kept, 'restart')
    } finally {
      if (kept.restart === 'temporary' && !kept.up) this.#members.forget(kept)
    }
  }

  async #putDown(kept: Kept): Promise<void> {
    kept.wishes++
    if (kept.coming) kept.round?.drop(kept)
    await kept.end()
    if (!kept.up) this.#staysDown(kept)
  }

  // ── what happens to children ──

  #begin(kept: Kept): Life {
    return kept.begin(this.#host.clock, {
      ready: (life) => this.#onReady(kept, life),
      proved: () => kept.backoff.reset(),
      abandoned: () => this.#emit({ type: 'child-abandoned', child: kept.id }),
      ended: (life, exit) => this.#onEnd(kept, life, exit),
    })
  }

  #onReady(kept: Kept, life: Life): void {
    kept.proven = true
    if (this.#members.isApart(kept)) this.#members.join(kept)
    this.#emit({ type: 'child-started', child: kept.id, after: life.age })
    kept.started()
    kept.round?.advance()
  }

  #onEnd(kept: Kept, life: Life, exit: Exit): void {
    kept.life = undefined
    kept.exit = exit
    const decision = this.#decide(kept, life, exit)
    this.#emit({ type: 'child-exited', child: kept.id, exit, next: decision.next })
    if (!life.isReady && decision.next !== 'stopped') kept.failed(new ExitError('start', exit, 'child'))
    this.#carryOut(decision, kept, exit)
    if (!kept.up) this.#staysDown(kept)
    kept.round?.advance()
  }

  /** Whoever waits for it waits no longer. */
  #staysDown(kept: Kept): void {
    kept.failed(new ExitError('start', this.#lastExit(kept), 'child'))
    kept.child[RESTS]?.()
  }

  /** What the end of a child means. */
  #decide(kept: Kept, life: Life, exit: Exit): Decision {
    if (life.asked || kept.leaving || this.#ending !== undefined) return { next: 'stopped' }
    const ending = { exit, ready: life.isReady }
    if (!ending.ready && kept.byHand) return { next: 'stay-down' }
    kept.proven ||= isIgnored(kept, ending)
    if (this.#starting && !kept.proven) return { next: 'fail-start' }
    const plan = planAfter(this.#plan.rules, this.children.values(), kept, ending)
    if (plan.action !== 'restart') return { next: plan.action }
    if (isCharged(exit) && !this.#budget.charge(exit, this.#host.clock.now())) return { next: 'give-up' }
    if (life.age >= this.#plan.intensity.within) kept.backoff.reset()
    return { next: 'restart', plan }
  }

  #carryOut(decision: Decision, kept: Kept, exit: Exit): void {
    switch (decision.next) {
      case 'restart':
        return this.#schedule(kept, decision.plan)
      case 'give-up':
        return this.#end({ kind: 'gave-up', exits: this.#budget.exits })
      case 'fail-start':
        return this.#end({ kind: 'gave-up', exits: [exit] })
      case 'shut-down':
        return this.#end({ kind: 'normal' })
      case 'stay-down':
      case 'stopped':
        if (kept.restart === 'temporary' && (kept.leaving || decision.next === 'stay-down')) this.#members.forget(kept)
    }
  }

  #schedule(kept: Kept, { stop, start }: Regrouping<Kept>): void {
    const { clock, dice } = this.#host
    const step = kept.backoff.next(dice())
    const due = clock.now() + step.after
    for (const other of start) other.dueAt = Math.max(other.dueAt, due)
    kept.restarts++
    this.#emit({ type: 'restart-planned', child: kept.id, ...step, stop: stop.map(idOf), start: start.map(idOf) })
    const round = this.#plan.rules.strategy === 'one-for-one' ? this.#round(() => {}) : this.#common
    round.add(stop, start)
    round.advance()
  }

  /** For somebody who waits for this one start, and hears of its failure. */
  async #startByHand(kept: Kept, action: string): Promise<void> {
    kept.byHand = true
    const life = this.#begin(kept)
    await life.started
    kept.byHand = false
    const { exit, isReady } = life
    if (isReady || exit === undefined) return
    if (life.asked || !isIgnored(kept, { exit, ready: false })) throw new ExitError(action, exit, 'child')
  }

  // ── its own life ──

  #allStarted(): void {
    if (!this.#starting) return
    this.#starting = false
    this.#emit({ type: 'supervisor-started', after: this.#host.clock.now() - this.#startedAt })
    this.#ready.resolve()
  }

  #end(cause: ExitCause): void {
    if (this.#ending !== undefined) return
    this.#ending = cause
    const all = [...this.#members.all()]
    for (const round of [this.#common, ...all.map((kept) => kept.round)]) round?.cancel()
    const farewell = this.#round(() => this.#finish(cause))
    farewell.add(all, [])
    farewell.advance()
  }

  #finish(cause: ExitCause): void {
    const uptime = this.#host.clock.now() - this.#startedAt
    const exit = plainExit(this.#plan.id, cause, this.#startedDate, this.number, uptime)
    this.#exit = exit
    for (const kept of this.#members.all()) this.#staysDown(kept)
    this.#members.releaseAll()
    this.#emit({ type: 'supervisor-exited', exit })
    this.#exited.resolve(exit)
    this.#ready.reject(
      exit.kind === 'gave-up' ? new GaveUpError(this.#path, exit.exits) : new ExitError('start', exit, 'supervisor'),
    )
  }

  #round(done: () => void): Round {
    const { clock } = this.#host
    return new Round({ clock, pace: this.#pace, begin: (kept) => this.#begin(kept) }, done)
  }

  #checkOpen(action: string, child: string): void {
    if (this.#ending === undefined) return
    throw new ClosedError(`Cannot ${action} child "${child}": supervisor "${this.#path}" is being stopped`)
  }

  #lastExit(kept: Kept): Exit {
    return kept.exit ?? plainExit(kept.id, { kind: 'stopped', step: 'abort' }, this.#host.clock.date())
  }

  #emit(event: SupervisorEvent): void {
    const { clock, emit } = this.#host
    emit({ at: clock.date(), supervisor: this.#path, incarnation: this.number, ...event })
  }
}

type Decision =
  | { readonly next: 'restart'; readonly plan: Regrouping<Kept> }
  | { readonly next: Exclude<NextStep, 'restart'> }

const idOf = (kept: Kept): string => kept.id
