import type { EventRecord, FleetStatus, PoolStatus, StreamFrame, WorkerStatus } from '../../../control/api/wire.ts'
import { History } from './history.ts'

/** Whether there is news of the fleet: since when, and why not. Times by the monotonic clock. */
export type Link =
  | { readonly state: 'connecting'; readonly since: number }
  | { readonly state: 'live'; readonly since: number }
  | { readonly state: 'lost'; readonly since: number; readonly reason: string }

/** What was seen of a worker, or of all of them together, in the last minute. */
export interface Trend {
  readonly cpu: History
  readonly memory: History
}

/** What all of them use now. */
export interface Totals {
  readonly cpu: number
  readonly memory: number
  readonly messages: number
  readonly restarts: number
}

/** What is known of a fleet, from what it has said. Stays as it was when the fleet says nothing any more. */
export class FleetPicture {
  /** Counts up with everything that changes. */
  version = 0
  link: Link
  fleet: FleetStatus | undefined
  pools: ReadonlyMap<string, PoolStatus> = new Map()
  totals: Totals = { cpu: 0, memory: 0, messages: 0, restarts: 0 }
  readonly trend: Trend = newTrend()
  /** Date of the fleet's last figures, by its own clock. */
  #at = 0
  #workers: WorkerStatus[] = []
  readonly #places = new Map<string, number>()
  #trends = new Map<string, Trend>()

  constructor(now: number) {
    this.link = { state: 'connecting', since: now }
  }

  /** In the order of the fleet. */
  get workers(): readonly WorkerStatus[] {
    return this.#workers
  }

  worker(id: string): WorkerStatus | undefined {
    const place = this.#places.get(id)
    return place === undefined ? undefined : this.#workers[place]
  }

  trendOf(id: string): Trend | undefined {
    return this.#trends.get(id)
  }

  /** The fleet says something, now. */
  take(frame: StreamFrame, now: number): void {
    this.version++
    if (frame.topic === 'hello') this.#meet(frame.data)
    if (frame.topic === 'metrics') this.#measure(frame.data.at, frame.data.workers)
    if (frame.topic === 'event') this.#happen(frame.data)
    this.link = { state: 'live', since: now }
  }

  /** The fleet says nothing any more. */
  lose(reason: string, now: number): void {
    this.version++
    const { since } = this.link.state === 'lost' ? this.link : { since: now }
    this.link = { state: 'lost', since, reason }
  }

  /** How the pools are. */
  count(pools: readonly PoolStatus[]): void {
    this.version++
    this.pools = new Map(pools.map((pool) => [pool.id, pool]))
  }

  #meet(fleet: FleetStatus): void {
    // Another run of it may have another clock, and begins its events anew.
    this.#at = 0
    this.fleet = fleet
  }

  #measure(at: number, workers: readonly WorkerStatus[]): void {
    this.#at = at
    this.#workers = [...workers]
    this.#places.clear()
    const trends = new Map<string, Trend>()
    const sum = { cpu: 0, memory: 0, messages: 0, restarts: 0 }
    for (const [place, worker] of workers.entries()) {
      this.#places.set(worker.id, place)
      const trend = this.#trends.get(worker.id) ?? newTrend()
      trend.cpu.push(worker.cpu ?? NaN)
      trend.memory.push(worker.memory ?? NaN)
      trends.set(worker.id, trend)
      sum.cpu += worker.cpu ?? 0
      sum.memory += worker.memory ?? 0
      sum.messages += (worker.messages?.in ?? 0) + (worker.messages?.out ?? 0)
      sum.restarts += worker.restarts
    }
    this.#trends = trends
    this.totals = sum
    this.trend.cpu.push(sum.cpu)
    this.trend.memory.push(sum.memory)
  }

  /** The figures say all of it, but only once a second. */
  #happen(event: EventRecord): void {
    const place = event.worker === undefined ? undefined : this.#places.get(event.worker)
    const worker = place === undefined ? undefined : this.#workers[place]
    const change = CHANGES[event.type]
    // What happened before the last figures is in them.
    if (place === undefined || worker === undefined || change === undefined || event.at < this.#at) return
    this.#workers[place] = change(worker, event)
  }
}

type Change = (worker: WorkerStatus, event: EventRecord) => WorkerStatus

const CHANGES: Readonly<Record<string, Change>> = {
  spawned: (worker, { pid, incarnation }) => ({
    ...gone(worker),
    state: 'starting',
    ...(typeof pid === 'number' ? { pid } : {}),
    incarnation: incarnation ?? worker.incarnation,
    uptime: 0,
  }),
  ready: (worker) => ({ ...worker, state: 'running' }),
  degraded: (worker) => ({ ...worker, state: 'degraded' }),
  recovered: (worker) => ({ ...worker, state: 'running' }),
  exited: (worker) => ({ ...gone(worker), state: 'exited' }),
  'restart-scheduled': (worker) => ({ ...gone(worker), state: 'backoff' }),
  'gave-up': (worker) => ({ ...gone(worker), state: 'failed' }),
}

/** What only a process has. */
function gone(worker: WorkerStatus): WorkerStatus {
  const { pid: _, uptime: __, cpu: ___, memory: ____, messages: _____, processes: ______, ...rest } = worker
  return rest
}

function newTrend(): Trend {
  return { cpu: new History(), memory: new History() }
}
