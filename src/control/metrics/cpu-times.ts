interface Used {
  /** The last life that has ended. */
  life: number
  /** In the lives that have ended. */
  before: number
  /** In the present one, as far as it was seen. */
  now: number
}

/** The CPU time of every worker through all its lives, in seconds: goes up only, also while nobody can measure. */
export class CpuTimes {
  readonly #used = new Map<string, Used>()

  /** That life has used so much by now. What was measured before its end, and is told after it, is passed over. */
  seen(worker: string, life: number, seconds: number): void {
    const used = this.#of(worker)
    if (life > used.life) used.now = Math.max(used.now, seconds)
  }

  /** It has ended, and has used so much. */
  ended(worker: string, life: number, seconds: number): void {
    const used = this.#of(worker)
    used.life = Math.max(used.life, life)
    used.before += Math.max(used.now, seconds)
    used.now = 0
  }

  /** Of all lives so far, for each worker there ever was. */
  *[Symbol.iterator](): IterableIterator<readonly [worker: string, seconds: number]> {
    for (const [worker, { before, now }] of this.#used) yield [worker, before + now]
  }

  #of(worker: string): Used {
    let used = this.#used.get(worker)
    if (used === undefined) this.#used.set(worker, (used = { life: 0, before: 0, now: 0 }))
    return used
  }
}
