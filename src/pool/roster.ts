import type { Job } from './job.ts'
import type { Member } from './member.ts'

/** After so many the oldest keys are forgotten. */
const KEYS = 10_000

/** Who there is in a pool, and who can take what. */
export class Roster {
  readonly members = new Set<Member>()
  readonly #concurrency: number
  readonly #max: number
  /** Which worker a key belongs to. */
  readonly #keys = new Map<string, Member>()
  /** It is kept for a lease that waits until it has nothing to do: it gets nothing new. */
  #kept: Member | undefined

  /** `max` of them work at a time; more stand by. */
  constructor(concurrency: number, max: number) {
    this.#concurrency = concurrency
    this.#max = max
  }

  count(which: (member: Member) => boolean): number {
    let count = 0
    for (const member of this.members) if (which(member)) count++
    return count
  }

  /** The lowest number that nobody has. */
  get freeNumber(): number {
    const taken = new Set([...this.members].map(({ number }) => number))
    let number = 1
    while (taken.has(number)) number++
    return number
  }

  remove(member: Member): void {
    this.members.delete(member)
    if (member.keys > 0) for (const [key, owner] of this.#keys) if (owner === member) this.#keys.delete(key)
  }

  /** One that may begin with it now: that of its key, else who has least to do. */
  memberFor(job: Job): Member | undefined {
    const own = this.#ownerOf(job)
    if (own !== undefined) return this.#isFree(own, job) ? own : undefined
    const free = this.#leastBusy(job)
    const { key } = job.options
    if (key !== undefined && free !== undefined) this.#remember(key, free)
    return free
  }

  /** For this lease, which nobody can begin with now; false when all are taken then. One at a time is kept. */
  keepFor(lease: Job): boolean {
    this.#kept ??= this.#ownerOf(lease) ?? this.#nextFree()
    return this.hasRoom
  }

  /** For nobody. */
  keepNone(): void {
    this.#kept = undefined
  }

  /** So many jobs at a time for workers that are not there yet. */
  get coming(): number {
    const there = this.count(({ isReady, isLeaving, worker }) => isReady && !isLeaving && worker.state === 'running')
    return Math.max(0, this.#max - there) * this.#concurrency
  }

  /** Whether anybody could begin with anything: where nobody can, there is no use in asking for each that waits. */
  get hasRoom(): boolean {
    let [busy, isIdle] = [0, false]
    for (const member of this.members) {
      if (this.#isBusy(member)) busy++
      if (!this.#canWork(member)) continue
      if (member.inFlight === 0) isIdle = true
      else if (member.inFlight < this.#concurrency) return true
    }
    return isIdle && busy < this.#max
  }

  /** A new key goes where there are few: those that are there come back. */
  #leastBusy(job: Job): Member | undefined {
    const isNewKey = job.options.key !== undefined
    let idle: Member | undefined
    let working: Member | undefined
    let busy = 0
    for (const member of this.members) {
      if (this.#isBusy(member)) busy++
      if (!this.#isFree(member, job)) continue
      if (member.inFlight === 0) idle = idle === undefined || (isNewKey && member.keys < idle.keys) ? member : idle
      else if (working === undefined || member.inFlight < working.inFlight) working = member
    }
    return idle !== undefined && busy < this.#max ? idle : working
  }

  #ownerOf({ options: { key } }: Job): Member | undefined {
    const own = key === undefined ? undefined : this.#keys.get(key)
    return own?.isLeaving === true ? undefined : own
  }

  /** Who has least to do, of those who work. */
  #nextFree(): Member | undefined {
    let next: Member | undefined
    for (const member of this.members)
      if (member.inFlight > 0 && this.#canWork(member) && (next === undefined || member.inFlight < next.inFlight))
        next = member
    return next
  }

  #isFree(member: Member, job: Job): boolean {
    if (!this.#canWork(member)) return false
    return job.isAlone ? member.inFlight === 0 : member.inFlight < this.#concurrency
  }

  #canWork(member: Member): boolean {
    const { isReady, isLeaving, isLeased, lingering, worker } = member
    if (!isReady || isLeaving || isLeased || lingering > 0 || member === this.#kept) return false
    return worker.state === 'running'
  }

  /** It is one of those that work at a time. Where it gets nothing new, another may take the places it does not use. */
  #isBusy({ inFlight, isLeaving, lingering }: Member): boolean {
    return inFlight > 0 && ((!isLeaving && lingering === 0) || this.#concurrency === 1)
  }

  #remember(key: string, member: Member): void {
    member.keys++
    this.#keys.set(key, member)
    const [oldest] = this.#keys
    if (this.#keys.size <= KEYS || oldest === undefined) return
    oldest[1].keys--
    this.#keys.delete(oldest[0])
  }
}
