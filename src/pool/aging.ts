import type { Clock, Timer } from '../base/clock.ts'
import type { Member, Terms } from './member.ts'
import type { Roster } from './roster.ts'
import type { PoolPlan } from './spec.ts'

/** What the life of a pool does for it. */
interface AgingHost {
  /** How many workers there should be. */
  wanted(): number
  /** Somebody is on his way out: hires who is missing. */
  replace(): void
}

/** Sees workers off whose time has come: after so many calls, so long, so much memory, or with nothing to do. */
export class Aging {
  readonly #plan: PoolPlan
  readonly #clock: Clock
  readonly #roster: Roster
  readonly #host: AgingHost
  #idleCheck: Timer | undefined
  #closed = false

  constructor(plan: PoolPlan, clock: Clock, roster: Roster, host: AgingHost) {
    this.#plan = plan
    this.#clock = clock
    this.#roster = roster
    this.#host = host
  }

  /** For a new one; not the same for all, or they would go at once. */
  terms(): Terms {
    const { calls, age, jitter } = this.#plan.recycle
    const share = 1 - jitter * Math.random()
    return { maxCalls: calls * share, retireAt: this.#clock.now() + age * share }
  }

  /** It has done something. */
  freed(member: Member): void {
    if (!this.#roster.members.has(member) || this.#closed) return
    if (member.isLeaving) return member.finish()
    const isDue = member.calls >= member.terms.maxCalls || this.#clock.now() >= member.terms.retireAt
    if (isDue && !member.isRetiring) this.#retire(member)
    if (this.#plan.recycle.memory < Infinity && member.inFlight === 0) void this.#weigh(member)
    this.arrived()
  }

  /** Somebody is ready: those he replaces get nothing new, and perhaps there is nothing for him to do. */
  arrived(): void {
    for (const member of this.#roster.members)
      if (member.isRetiring && !member.isLeaving && this.#isReplaced()) member.finish()
    this.#watchIdle()
  }

  close(): void {
    this.#closed = true
    this.#idleCheck?.cancel()
  }

  /** It goes on until another has taken its place; of those with something to finish there are not more than work at a time. */
  #retire(member: Member): void {
    const finishing = this.#roster.count(({ isRetiring, inFlight }) => isRetiring && inFlight > 0)
    if (finishing >= this.#plan.max) return
    member.isRetiring = true
    this.#host.replace()
  }

  #isReplaced(): boolean {
    const staying = this.#roster.count(({ isReady, isRetiring, isLeaving }) => isReady && !isRetiring && !isLeaving)
    return staying >= this.#host.wanted()
  }

  async #weigh(member: Member): Promise<void> {
    const { memory } = await member.worker.measure().catch(() => ({ memory: 0 }))
    if (memory > this.#plan.recycle.memory && !member.isRetiring && !this.#closed) this.#retire(member)
  }

  #watchIdle(): void {
    const { idle } = this.#plan
    if (idle === Infinity || this.#idleCheck !== undefined || this.#closed) return
    this.#idleCheck = this.#clock.after(idle, () => {
      this.#idleCheck = undefined
      this.#expire()
    })
  }

  /** Those who are more than are wanted, and had nothing to do for so long. */
  #expire(): void {
    let present = this.#roster.count(({ isLeaving }) => !isLeaving)
    for (const member of this.#roster.members) {
      const isIdle = member.isReady && member.inFlight === 0 && this.#clock.now() - member.idleSince >= this.#plan.idle
      if (!isIdle || member.isLeaving || present <= this.#host.wanted()) continue
      present--
      member.leave()
    }
    if (present > this.#host.wanted()) this.#watchIdle()
  }
}
