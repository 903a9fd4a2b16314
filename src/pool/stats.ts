/** How many of a kind there were, and how long they took. */
export interface Quantiles {
  readonly count: number
  /** Milliseconds, to within a twelfth. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Of all together, in milliseconds. */
  readonly sum: number
  /** How many took 0.01 ms at most, 0.02 ms at most, and so on, each twice the one before. */
  readonly buckets: readonly number[]
}

/** What a pool is doing, and has done. */
export interface PoolStats {
  readonly workers: number
  readonly ready: number
  readonly busy: number
  /** Calls that wait for a worker. */
  readonly queued: number
  /** Calls that were begun. */
  readonly calls: number
  /** Workers that ended when they should not have. */
  readonly deaths: number
  /** How long calls waited for a worker, and how long they took then. */
  readonly wait: Quantiles
  readonly run: Quantiles
}

/** What is counted of a pool, through all its lives. */
export class Stats {
  readonly #wait = new Histogram()
  readonly #run = new Histogram()
  calls = 0
  deaths = 0

  began(waited: number): void {
    this.calls++
    this.#wait.record(waited)
  }

  ended(took: number): void {
    this.#run.record(took)
  }

  snapshot(now: Pick<PoolStats, 'workers' | 'ready' | 'busy' | 'queued'>): PoolStats {
    const { calls, deaths } = this
    return { ...now, calls, deaths, wait: this.#wait.quantiles(), run: this.#run.quantiles() }
  }
}

/** Buckets from one bound to its double. */
const OCTAVE = 8
/** A bucket is wider than the one before by so much. */
const GROWTH = 2 ** (1 / OCTAVE)
/** Milliseconds of the first. */
const FIRST = 0.01
/** The last begins at nine minutes. */
const BUCKETS = 26 * OCTAVE

/** Durations in buckets that grow: any number of them in the same memory. */
export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS)
  #count = 0
  #max = 0
  #sum = 0

  record(ms: number): void {
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
    this.#buckets[bucketOf(ms)]!++
  }

  quantiles(): Quantiles {
    const [count, max, sum] = [this.#count, this.#max, this.#sum]
    return { count, p50: this.#quantile(0.5), p99: this.#quantile(0.99), max, sum, buckets: this.#cumulated() }
  }

  #cumulated(): readonly number[] {
    const bounds: number[] = []
    let seen = 0
    for (const [index, count] of this.#buckets.entries()) {
      seen += count
      if (index % OCTAVE === 0) bounds.push(seen)
    }
    return bounds
  }

  #quantile(share: number): number {
    let left = this.#count * share
    for (const [index, count] of this.#buckets.entries()) {
      left -= count
      if (count > 0 && left <= 0) return Math.min(this.#max, FIRST * GROWTH ** index)
    }
    return 0
  }
}

function bucketOf(ms: number): number {
  if (ms <= FIRST) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(ms / FIRST) * OCTAVE))
}
