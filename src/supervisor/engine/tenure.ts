import { Since } from '../../base/clock.ts'
import { ExitError, GaveUpError } from '../../base/errors.ts'
import type { NextStep, SupervisorEvent } from '../../base/events.ts'
import { type Exit, type ExitCause, plainExit } from '../../base/exit.ts'
import { Later } from '../../base/later.ts'
import { RESTS, type SupervisorHost } from '../child.ts'
import { RestartBudget, isCharged } from '../intensity.ts'
import { type Regrouping, isIgnored, planAfter } from '../plan.ts'
import type { SupervisorPlan } from '../spec.ts'
import { ByHand, type HandHost } from './by-hand.ts'
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
  readonly #begun: Since
  readonly #budget: RestartBudget
  readonly #pace = new Pace()
  /** What is asked for by somebody, not by the rules. */
  readonly byHand: ByHand
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
    this.#begun = new Since(host.clock)
    this.#budget = new RestartBudget(plan.intensity)
    this.#common = this.#round(() => this.#allStarted())
    this.#ready.promise.catch(() => {})
    this.#members = new Members(path, host)
    this.byHand = this.#newHand()
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
    this.#ending ??= { kind: 'stopped', step: 'abort' }
    this.#cancelRounds()
    for (const kept of this.#members.all()) kept.life?.destroy()
    this.#sayFarewell()
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
    this.#advance(kept)
  }

  #onEnd(kept: Kept, life: Life, exit: Exit): void {
    kept.life = undefined
    kept.exit = exit
    const decision = this.#decide(kept, life, exit)
    this.#emit({ type: 'child-exited', child: kept.id, exit, next: decision.next })
    // Who was about to be stopped has ended by himself, and will not come again.
    const isLast = decision.next !== 'stopped' || (!life.asked && !kept.coming)
    if (!life.isReady && isLast) this.#tellStart(kept, exit)
    this.#carryOut(decision, kept, exit)
    if (!kept.up) this.#staysDown(kept)
    this.#advance(kept)
  }

  /** Its own round goes on, and so does the first start, if that is another. */
  #advance({ round }: Kept): void {
    round?.advance()
    if (round !== this.#common) this.#common.advance()
  }

  /** Having nothing to do is no failure. */
  #tellStart(kept: Kept, exit: Exit): void {
    if (isIgnored(kept, { exit, ready: false })) kept.started()
    else kept.failed(new ExitError('start', exit, 'child'))
  }

  /** Whoever waits for it waits no longer. */
  #staysDown(kept: Kept): void {
    kept.staysDown(new ExitError('start', this.#lastExit(kept), 'child'))
    kept.child[RESTS]?.()
  }

  /** What the end of a child means. */
  #decide(kept: Kept, life: Life, exit: Exit): Decision {
    if (life.asked || this.#isGoing(kept)) return { next: 'stopped' }
    const ending = { exit, ready: life.isReady }
    kept.proven ||= isIgnored(kept, ending)
    if (!ending.ready && kept.byHand) return { next: 'stay-down' }
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
        if (kept.restart === 'temporary' && (this.#isGoing(kept) || decision.next === 'stay-down'))
          this.#members.forget(kept)
    }
  }

  /** Not by somebody's hand. */
  #isGoing(kept: Kept): boolean {
    return kept.leaving || this.#ending !== undefined
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

  // ── its own life ──

  #allStarted(): void {
    if (!this.#starting) return
    this.#starting = false
    this.#emit({ type: 'supervisor-started', after: this.#begun.age })
    this.#ready.resolve()
  }

  #end(cause: ExitCause): void {
    if (this.#ending !== undefined) return
    this.#ending = cause
    this.#cancelRounds()
    this.#sayFarewell()
  }

  #cancelRounds(): void {
    this.#common.cancel()
    for (const kept of this.#members.all()) kept.round?.cancel()
  }

  /** The last round: everybody goes. */
  #sayFarewell(): void {
    const farewell = this.#round(() => this.#finish(), this.#plan.stop === 'together')
    farewell.add([...this.#members.all()], [])
    farewell.advance()
  }

  #finish(): void {
    const cause = this.#ending
    if (this.#exit !== undefined || cause === undefined) return
    const exit = plainExit(this.#plan.id, cause, this.#begun.date, this.number, this.#begun.age)
    this.#exit = exit
    for (const kept of this.#members.all()) this.#staysDown(kept)
    this.#members.releaseAll()
    this.#emit({ type: 'supervisor-exited', exit })
    this.#exited.resolve(exit)
    this.#ready.reject(
      exit.kind === 'gave-up' ? new GaveUpError(this.#path, exit.exits) : new ExitError('start', exit, 'supervisor'),
    )
  }

  #newHand(): ByHand {
    const host: HandHost = {
      path: this.#path,
      members: this.#members,
      isAlone: this.#plan.rules.strategy === 'one-for-one',
      isEnding: () => this.#ending !== undefined,
      begin: (kept) => this.#begin(kept),
      advance: () => this.#common.advance(),
      staysDown: (kept) => this.#staysDown(kept),
      lastExit: (kept) => this.#lastExit(kept),
    }
    return new ByHand(host)
  }

  #round(done: () => void, stopsTogether = false): Round {
    const { clock } = this.#host
    const begin = (kept: Kept): Life => this.#begin(kept)
    const isHeld = (next: Kept | undefined): boolean => this.byHand.isHeld(next)
    return new Round({ clock, pace: this.#pace, begin, isHeld, stopsTogether }, done)
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
