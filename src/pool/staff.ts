import { type Clock, Since, type Timer, systemClock } from '../base/clock.ts'
import { ExitError } from '../base/errors.ts'
import type { SupervisorEvent } from '../base/events.ts'
import { type Exit, type ExitCause, isAbnormal, plainExit } from '../base/exit.ts'
import { Later } from '../base/later.ts'
import { handled } from '../channel/outbox.ts'
import { KEEPER, type Keeper } from '../supervisor/child.ts'
import { RestartPolicy } from '../supervisor/restart-policy.ts'
import type { Worker } from '../worker/worker.ts'
import { Aging } from './aging.ts'
import type { Job } from './job.ts'
import { Member } from './member.ts'
import { JobQueue } from './queue.ts'
import { Roster } from './roster.ts'
import { type PoolPlan, newWorker } from './spec.ts'
import type { Stats } from './stats.ts'

/** One life of a pool: its workers, who come and go, and what waits for them. */
export class Staff {
  readonly #plan: PoolPlan
  readonly #stats: Stats
  readonly #keeper: Keeper | undefined
  readonly #clock: Clock
  readonly #roster: Roster
  readonly #queue: JobQueue
  readonly #aging: Aging
  /** Of starts that fail: all workers are one child in its eyes. */
  readonly #policy: RestartPolicy
  readonly #ended = new Later<Exit>()
  readonly #begun: Since
  /** Which life of the pool this is. */
  #number = 1
  #filling: PromiseWithResolvers<void> | undefined
  #isFilled = false
  /** The next start waits, since the last has failed. */
  #pause: Timer | undefined
  /** Workers may be started. Below a supervisor that one says when: what is asked for before waits for it. */
  #isOpen: boolean
  /** Nobody will start any for now: why. */
  #refusal: Error | undefined
  #closing: Error | undefined
  /** What it ends as, once everybody is gone. */
  #cause: ExitCause = { kind: 'stopped', step: 'abort' }

  /** `refusal`: what calls fail with until it is started. */
  constructor(plan: PoolPlan, stats: Stats, keeper: Keeper | undefined, refusal?: Error) {
    this.#plan = plan
    this.#stats = stats
    this.#keeper = keeper
    this.#refusal = refusal
    this.#isOpen = keeper === undefined && refusal === undefined
    this.#clock = keeper?.host.clock ?? systemClock
    this.#roster = new Roster(plan.concurrency, plan.max)
    const left = (): void => this.#dispatch()
    this.#queue = new JobQueue(plan.id, this.#clock, plan.maxQueue, left, () => this.#roster.coming)
    this.#aging = new Aging(plan, this.#clock, this.#roster, {
      wanted: () => this.#wanted,
      replace: () => this.#adjust(),
    })
    this.#policy = new RestartPolicy(plan, 'permanent')
    this.#begun = new Since(this.#clock)
  }

  get now(): number {
    return this.#clock.now()
  }

  /** A call that waits is to be made in the context in which it was asked for. */
  get keepsContext(): boolean {
    return this.#plan.spec.propagate !== undefined || this.#keeper?.host.keepsContext === true
  }

  /** Resolves when everybody is gone: it was closed, or nobody could be started. */
  get ended(): Promise<Exit> {
    return this.#ended.promise
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** There is somebody, or somebody waits. */
  get isBusy(): boolean {
    return this.#roster.members.size > 0 || this.#queue.length > 0
  }

  get figures(): { workers: number; ready: number; busy: number; queued: number } {
    const { members } = this.#roster
    const ready = this.#roster.count(({ isReady }) => isReady)
    const busy = this.#roster.count(({ inFlight }) => inFlight > 0)
    return { workers: members.size, ready, busy, queued: this.#queue.length }
  }

  /** A life below a supervisor: the first is number 1. */
  live(number: number): Promise<void> {
    this.#number = number
    return this.fill()
  }

  /** Starts those there always are. Resolves when they are ready, rejects when they cannot be started. */
  fill(): Promise<void> {
    this.#isOpen = true
    this.#refusal = undefined
    const filling = (this.#filling ??= newFilling())
    this.#adjust()
    return filling.promise
  }

  /** Its supervisor leaves it down for now: nobody needs to wait for it. */
  rest(error: Error): void {
    if (this.#isOpen) return
    this.#refusal = error
    this.#queue.failAll(error)
  }

  /** At that time by the clock. */
  submit(job: Job, at = job.since): void {
    const refusal = this.#closing ?? this.#refusal
    if (refusal !== undefined) return job.fail(refusal)
    // Nobody who waits could have had that one: he would have it already.
    const member = this.#roster.memberFor(job)
    if (member !== undefined) return this.#begin(member, job, at)
    this.#queue.push(job)
    // A lease has a worker kept for it.
    if (job.isAlone) this.#assign()
    this.#adjust()
  }

  /** What waits fails with this error, what runs with the end of its worker. Resolves when everybody is gone. */
  async close(error: Error): Promise<void> {
    this.#shut(error)
    await this.ended
  }

  destroy(): void {
    for (const member of this.#roster.members) member.destroy()
  }

  // ── who does what ──

  #begin(member: Member, job: Job, begun: number): void {
    member.inFlight++
    member.isLeased = job.isAlone
    this.#stats.began(begun - job.since)
    job.run(member, (isDone) => {
      const now = this.now
      this.#stats.ended(now - begun)
      member.inFlight--
      member.calls++
      member.isLeased = false
      member.idleSince = now
      if (!isDone) this.submit(job, now)
      this.#aging.freed(member)
      this.#dispatch()
    })
  }

  /** What waits is begun by whoever can. */
  #dispatch(): void {
    this.#assign()
    this.#adjust()
  }

  #assign(): void {
    do this.#roster.keepNone()
    while (this.#queue.length > 0 && this.#roster.hasRoom && this.#beginNext())
  }

  /** The oldest that can begin does. A lease that cannot has a worker kept for it, which those behind it leave alone. */
  #beginNext(): boolean {
    for (const job of this.#queue) {
      const member = this.#roster.memberFor(job)
      if (member === undefined && job.isAlone && !this.#roster.keepFor(job)) return false
      if (member === undefined) continue
      this.#queue.remove(job)
      this.#begin(member, job, this.now)
      return true
    }
    return false
  }

  // ── who comes and who goes ──

  /** How many there should be: those always, those the queue asks for, and the spares. Nobody before the first is needed. */
  get #wanted(): number {
    const { min, max, spares, concurrency } = this.#plan
    const isUsed = this.#filling !== undefined || this.#stats.calls > 0 || this.#queue.length > 0
    if (!isUsed || !this.#isOpen || this.#closing !== undefined) return 0
    const working = this.#roster.count(
      ({ inFlight, isLeaving, lingering }) => !isLeaving && (inFlight > 0 || lingering > 0),
    )
    const asked = working + Math.ceil(this.#queue.length / concurrency)
    return Math.min(max, Math.max(min, asked)) + spares
  }

  #adjust(): void {
    if (this.#closing !== undefined || this.#pause !== undefined) return
    let present = this.#roster.count(({ isLeaving, isRetiring }) => !isLeaving && !isRetiring)
    try {
      for (; present < this.#wanted; present++) this.#hire()
    } catch (error) {
      this.#notHired(present, this.#explain({ kind: 'crashed', error: error as Error, stage: 'start' }))
    }
    if (!this.#isFilled) this.#checkFilled()
  }

  /** Those there are do what they can; fewer than there always are is a failure, and where nobody is, nobody needs to wait. */
  #notHired(present: number, exit: Exit): void {
    if (present < this.#plan.min) return this.#startFailed(exit)
    if (this.#roster.members.size === 0) this.#queue.failAll(new ExitError('start', exit))
  }

  #checkFilled(): void {
    if (this.#filling === undefined || this.#roster.count(({ isReady }) => isReady) < this.#plan.min) return
    this.#isFilled = true
    this.#filling.resolve()
  }

  /** @throws what the master says who has no room for one more. */
  #hire(): void {
    const { freeNumber } = this.#roster
    const one = newWorker(this.#plan, freeNumber)
    this.#introduce(one)
    const member = new Member(one, freeNumber, this.#aging.terms(), () => this.#onLetGo(member))
    this.#roster.members.add(member)
    void member.live(() => this.#onReady(member)).then((exit) => this.#onExit(member, exit))
  }

  #onReady(member: Member): void {
    member.isReady = true
    member.idleSince = this.now
    this.#policy.proved()
    this.#aging.arrived()
    this.#dispatch()
  }

  /** It has let go of what was cancelled. */
  #onLetGo(member: Member): void {
    member.idleSince = this.now
    this.#aging.arrived()
    this.#dispatch()
  }

  #onExit(member: Member, exit: Exit): void {
    this.#roster.remove(member)
    this.#dismiss(member)
    if (isAbnormal(exit)) this.#stats.deaths++
    if (this.#closing !== undefined) return this.#checkGone()
    if (member.isLeaving || member.isProven) return this.#dispatch()
    this.#assign()
    this.#startFailed(exit, member.worker.id)
  }

  /** A few times it is tried again; then whoever waits is told. */
  #startFailed(exit: Exit, who = this.#plan.id): void {
    const decision = this.#policy.decide(exit, this.now, this.#dice())
    if (decision.action !== 'restart')
      return this.#giveUp(exit, decision.action === 'give-up' ? decision.exits : [exit])
    if (this.#pause !== undefined) return
    this.#pause = this.#clock.after(decision.after, () => {
      this.#pause = undefined
      this.#adjust()
    })
    const { attempt, after, repeated } = decision
    this.#tell({ type: 'restart-planned', child: who, attempt, after, repeated, stop: [], start: [who] })
  }

  /** The next call tries again; below a supervisor that one decides. */
  #giveUp(exit: Exit, exits: readonly Exit[]): void {
    const error = new ExitError('start', exit)
    if (this.#keeper !== undefined) {
      this.#cause = { kind: 'gave-up', exits }
      return this.#shut(error)
    }
    this.#queue.failAll(error)
    this.#failFilling(error)
  }

  #failFilling(error: Error): void {
    this.#filling?.reject(error)
    this.#filling = undefined
    this.#isFilled = false
  }

  #shut(error: Error): void {
    this.#closing = error
    this.#pause?.cancel()
    this.#aging.close()
    this.#queue.failAll(error)
    this.#failFilling(error)
    for (const member of this.#roster.members) member.leave()
    this.#checkGone()
  }

  #checkGone(): void {
    if (this.#roster.members.size === 0) this.#ended.resolve(this.#explain(this.#cause))
  }

  // ── its place in a tree ──

  #introduce(child: Worker<any, any>): void {
    if (this.#keeper === undefined) return
    const { path, host } = this.#keeper
    child[KEEPER]({ path: `${path}/${this.#plan.id}`, host })
    host.adopt?.(child)
  }

  #dismiss({ worker: child }: Member): void {
    if (this.#keeper === undefined) return
    child[KEEPER](undefined)
    this.#keeper.host.release?.(child, 'forgotten')
  }

  #dice(): number {
    return (this.#keeper?.host.dice ?? Math.random)()
  }

  #tell(event: SupervisorEvent): void {
    if (this.#keeper === undefined) return
    const { path, host } = this.#keeper
    host.emit({ at: this.#clock.date(), supervisor: `${path}/${this.#plan.id}`, incarnation: this.#number, ...event })
  }

  #explain(cause: ExitCause): Exit {
    return plainExit(this.#plan.id, cause, this.#begun.date, this.#number, this.#begun.age)
  }
}

/** Perhaps nobody waits for it. */
function newFilling(): PromiseWithResolvers<void> {
  const filling = Promise.withResolvers<void>()
  void handled(filling.promise)
  return filling
}
