import type { Traffic } from '../../base/exit.ts'

/** What a life has used and carried: seconds and bytes. */
export interface Amounts {
  readonly cpuTime: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Seconds that nobody read what it wrote. */
  readonly backpressure: number
}

interface Sum {
  /** The last life that has ended. */
  life: number
  /** In the lives that have ended. */
  before: Amounts
  /** In the present one, as far as it was seen. */
  now: Amounts
}

/** The amounts of every worker through all its lives: they go up only, also while nobody can look. */
export class LifeSums {
  readonly #sums = new Map<string, Sum>()

  /** That life is the present one. Who was removed and comes back counts his lives from 1 again. */
  begun(worker: string, life: number): void {
    this.#of(worker).life = life - 1
  }

  /** That life has come to so much by now. What was seen before its end, and is told after it, is passed over. */
  seen(worker: string, life: number, amounts: Amounts): void {
    const sum = this.#of(worker)
    if (life > sum.life) sum.now = combined(sum.now, amounts, Math.max)
  }

  /** It has ended, and has come to so much. */
  ended(worker: string, life: number, amounts: Amounts): void {
    const sum = this.#of(worker)
    sum.life = Math.max(sum.life, life)
    sum.before = combined(sum.before, combined(sum.now, amounts, Math.max), plus)
    sum.now = NOTHING
  }

  /** Of all lives so far, for each worker there ever was. */
  *[Symbol.iterator](): IterableIterator<readonly [worker: string, amounts: Amounts]> {
    for (const [worker, { before, now }] of this.#sums) yield [worker, combined(before, now, plus)]
  }

  #of(worker: string): Sum {
    let sum = this.#sums.get(worker)
    if (sum === undefined) this.#sums.set(worker, (sum = { life: 0, before: NOTHING, now: NOTHING }))
    return sum
  }
}

/** From milliseconds, and from what may be missing. */
export function amountsOf(cpuTime: number | undefined, traffic: Traffic | undefined): Amounts {
  const { bytesIn = 0, bytesOut = 0, pausedFor = 0 } = traffic ?? {}
  return { cpuTime: (cpuTime ?? 0) / 1000, bytesIn, bytesOut, backpressure: pausedFor / 1000 }
}

function plus(a: number, b: number): number {
  return a + b
}

function combined(a: Amounts, b: Amounts, by: (a: number, b: number) => number): Amounts {
  return {
    cpuTime: by(a.cpuTime, b.cpuTime),
    bytesIn: by(a.bytesIn, b.bytesIn),
    bytesOut: by(a.bytesOut, b.bytesOut),
    backpressure: by(a.backpressure, b.backpressure),
  }
}

const NOTHING: Amounts = { cpuTime: 0, bytesIn: 0, bytesOut: 0, backpressure: 0 }
