import type { Traffic } from '../../base/exit.ts'
import { type Amounts, amountsOf } from './life-sums.ts'

/** A fact of a master or of a fleet: a `MasterEvent`, or an `EventRecord` of the control API. */
export interface Fact {
  readonly type: string
  readonly at: number
  readonly worker?: string | undefined
  readonly [more: string]: unknown
}

/** How a life has ended, as far as it is counted. */
export interface End {
  readonly kind: string
  /** Empty where there is none. */
  readonly exitCode: string
  readonly signalCode: string
  readonly incarnation: number
  /** What it has used and carried. */
  readonly amounts: Amounts
}

/** What is counted; times in seconds. */
export interface Meters {
  /** This life of it has begun: all before it have ended. */
  begun(worker: string, incarnation: number): void
  started(worker: string, took: number): void
  exited(worker: string, end: End): void
  /** Another life has begun by itself, after that end. */
  restarted(worker: string, after: End): void
  /** From the end of one life until the next could be used. */
  recovered(worker: string, took: number): void
  /** Messages that nobody has read. */
  dropped(worker: string, count: number): void
  /** Lines of the log that could not be written to disk. */
  linesDropped(count: number): void
  /** Nobody reads what it writes. */
  stalled(worker: string): void
}

/** One life that has ended. */
interface Ended {
  readonly at: number
  readonly end: End
  /** Another life has begun, and is not ready yet. */
  isBegun: boolean
}

/** Turns facts into measurements: what belongs to the same worker is remembered from life to life. */
export class Lives {
  readonly #meters: Meters
  /** Of workers whose last life has ended, until the next can be used. */
  readonly #ended = new Map<string, Ended>()
  /** Somebody has said that they will be started again. */
  readonly #announced = new Set<string>()

  constructor(meters: Meters) {
    this.#meters = meters
  }

  observe(fact: Fact): void {
    if (fact.type === 'restart-planned') for (const name of namesIn(fact)) this.#announced.add(name)
    if (fact.type === 'log-dropped') this.#meters.linesDropped(numberOf(fact['dropped']))
    const { worker } = fact
    if (worker === undefined) return
    switch (fact.type) {
      case 'spawned':
        return this.#begun(worker, fact)
      case 'ready':
        return this.#ready(worker, fact)
      case 'exited':
        return this.#exited(worker, fact)
      case 'restart-scheduled':
        return void this.#announced.add(worker)
      case 'left-unread':
        return this.#meters.dropped(worker, numberOf(fact['messages']))
      case 'stalled':
        return this.#meters.stalled(worker)
      case 'gave-up':
      case 'deleted':
        this.#ended.delete(worker)
        this.#announced.delete(worker)
    }
  }

  #begun(worker: string, { incarnation }: Fact): void {
    this.#meters.begun(worker, numberOf(incarnation))
    const ended = this.#ended.get(worker)
    const isRestart = this.#announced.delete(worker)
    if (ended === undefined || ended.isBegun) return
    // What was started again by hand is no restart, and has nothing to recover from.
    if (!isRestart) return void this.#ended.delete(worker)
    ended.isBegun = true
    this.#meters.restarted(worker, ended.end)
  }

  #ready(worker: string, { at, after }: Fact): void {
    this.#meters.started(worker, numberOf(after) / 1000)
    const ended = this.#ended.get(worker)
    if (ended === undefined) return
    this.#ended.delete(worker)
    // Somebody may have set the clock.
    if (ended.isBegun) this.#meters.recovered(worker, Math.max(0, at - ended.at) / 1000)
  }

  #exited(worker: string, { at, exit, incarnation }: Fact): void {
    const end = endOf(exit, numberOf(incarnation))
    this.#meters.exited(worker, end)
    const before = this.#ended.get(worker)
    // It has not been usable since an earlier end: that is where the outage began.
    const since = before?.isBegun === true ? before.at : at
    this.#ended.set(worker, { at: since, end, isBegun: false })
  }
}

function namesIn({ child, start }: Fact): readonly string[] {
  const names = Array.isArray(start) ? start : []
  return [child, ...(names as unknown[])].filter((name) => typeof name === 'string')
}

function endOf(exit: unknown, incarnation: number): End {
  const { kind, exitCode, signalCode, usage, traffic } = (exit ?? {}) as Readonly<Record<string, unknown>>
  return {
    kind: typeof kind === 'string' ? kind : 'unknown',
    exitCode: typeof exitCode === 'number' ? String(exitCode) : '',
    signalCode: typeof signalCode === 'string' ? signalCode : '',
    incarnation,
    amounts: amountsOf(numberOf((usage as { readonly cpuTime?: unknown } | undefined)?.cpuTime), traffic as Traffic),
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
