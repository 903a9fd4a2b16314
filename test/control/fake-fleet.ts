import { UnknownWorkerError } from '../../src/base/errors.ts'
import type {
  Action,
  ActionResult,
  ApplyResult,
  CallRequest,
  EventRecord,
  FleetStatus,
  LogQuery,
  LogRecord,
  PoolStatus,
  TreeNode,
  WorkerDetail,
  WorkerPlace,
  WorkerStatus,
} from '../../src/control/api/wire.ts'
import type { FleetPlan } from '../../src/control/config/fleet-plan.ts'
import type { Fleet, FleetCall } from '../../src/control/fleet/contract.ts'

/** What was asked of a fake fleet, in order. */
export type Asked = readonly [what: string, ...args: unknown[]]

/** A fleet of no processes: a test says what happens in it. */
export class FakeFleet implements Fleet {
  readonly asked: Asked[] = []
  readonly places = new Map<string, WorkerPlace>()
  readonly past: LogRecord[] = []
  /** So many events are still known. */
  remembered = 10_000
  /** Told between two records of the past, while they are read. */
  betweenRecords: (() => void | Promise<void>) | undefined
  /** What the next calls return. */
  answer: (id: string, request: CallRequest, signal: AbortSignal) => unknown = (_, { args }) => args
  isReadOnly = false
  looks = 0
  lookFails = false
  readonly stopped: Promise<void>
  readonly #stopped = Promise.withResolvers<void>()
  readonly #events: EventRecord[] = []
  readonly #eventListeners = new Set<(event: EventRecord) => void>()
  readonly #callListeners = new Set<(call: FleetCall) => void>()
  readonly #logListeners = new Set<(record: LogRecord) => void>()
  #seq = 0
  #logSeq = 0
  #time = 1_700_000_000_000

  constructor(workers: Readonly<Record<string, Partial<WorkerPlace>>> = {}) {
    for (const [id, place] of Object.entries(workers)) this.places.set(id, { service: id, ...place })
    this.stopped = this.#stopped.promise
  }

  /** Somebody listens to events, to log lines. */
  get listeners(): readonly [events: number, logs: number] {
    return [this.#eventListeners.size + this.#callListeners.size, this.#logListeners.size]
  }

  /** Something happens. */
  happen(type: string, worker?: string, more: Readonly<Record<string, unknown>> = {}): EventRecord {
    const event = { seq: ++this.#seq, at: this.#time++, type, ...(worker === undefined ? {} : { worker }), ...more }
    this.#events.push(event)
    if (this.#events.length > this.remembered) this.#events.shift()
    for (const listener of this.#eventListeners) listener(event)
    return event
  }

  /** A call is over. */
  called(call: Partial<FleetCall> & Pick<FleetCall, 'method' | 'outcome' | 'duration'>): void {
    const { worker = '', pool = worker } = call
    const place = this.places.get(worker) ?? { service: pool, pool }
    for (const listener of this.#callListeners)
      listener({ at: this.#time++, kind: 'call', from: 'master', ...call, place })
  }

  /** A worker writes a line. */
  write(worker: string, msg: string, stream: LogRecord['stream'] = 'out'): LogRecord {
    const record = { seq: ++this.#logSeq, time: this.#time++, worker, incarnation: 1, stream, level: 30, msg } as const
    this.past.push(record)
    for (const listener of this.#logListeners) listener(record)
    return record
  }

  status(): FleetStatus {
    return {
      schemaVersion: 1,
      name: 'fake',
      file: '/srv/pagent.yaml',
      pid: 42,
      version: '0.0.0',
      node: '24.0.0',
      launcher: 'none',
      startedAt: 1_700_000_000_000,
      isReadOnly: this.isReadOnly,
      isReady: true,
      isStopping: false,
      states: { running: this.places.size },
      stateFolder: '/var/lib/pagent/fake',
    }
  }

  async workers(): Promise<readonly WorkerStatus[]> {
    this.looks++
    if (this.lookFails) throw new Error('no look')
    return [...this.places.keys()].map((id) => this.#status(id))
  }

  async worker(id: string, { revealEnv }: { readonly revealEnv: boolean }): Promise<WorkerDetail> {
    return {
      ...this.#status(id),
      schemaVersion: 1,
      command: ['node', 'server.js'],
      cwd: '/srv',
      env: { TOKEN: revealEnv ? 'secret' : '***' },
      limits: { memory: { max: 2 ** 28, enforcedBy: 'cgroup2', exact: true } },
      dependsOn: [],
      exits: [],
      log: this.past.filter(({ worker }) => worker === id),
      crashes: [],
    }
  }

  place(id: string): WorkerPlace | undefined {
    return this.places.get(id)
  }

  pools(): readonly PoolStatus[] {
    const none = { count: 4, p50: 0.02, p99: 3, max: 3, sum: 3.5, buckets: [1, 2] }
    const ids = new Set([...this.places.values()].flatMap(({ pool }) => pool ?? []))
    const facts = { workers: 2, ready: 2, busy: 1, queued: 3, calls: 10, deaths: 1, wait: none, run: none }
    return Array.from(ids, (id) => ({ id, ...facts }))
  }

  tree(): TreeNode {
    const children = [...this.places.keys()].map((id) => ({ kind: 'worker' as const, id, state: 'running' }))
    return { kind: 'fleet', id: 'fake', state: 'running', children }
  }

  async act(action: Action): Promise<ActionResult> {
    this.asked.push(['act', action])
    for (const target of action.targets) this.#status(target)
    const results = action.targets.map((worker) => ({ worker, ok: true, state: 'running' as const }))
    return { schemaVersion: 1, results }
  }

  async send(id: string, message: unknown): Promise<void> {
    this.#status(id)
    this.asked.push(['send', id, message])
  }

  async call(id: string, request: CallRequest, signal: AbortSignal): Promise<unknown> {
    this.#status(id)
    this.asked.push(['call', id, request])
    return this.answer(id, request, signal)
  }

  async apply(plan: FleetPlan): Promise<ApplyResult> {
    this.asked.push(['apply', plan])
    return { schemaVersion: 1, added: plan.entries.map(({ id }) => id), changed: [], removed: [], unchanged: [] }
  }

  eventsSince(since: number): readonly EventRecord[] {
    return this.#events.filter(({ seq }) => seq > since)
  }

  onEvent(listener: (event: EventRecord) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  onCall(listener: (call: FleetCall) => void): () => void {
    this.#callListeners.add(listener)
    return () => this.#callListeners.delete(listener)
  }

  onLog(listener: (record: LogRecord) => void): () => void {
    this.#logListeners.add(listener)
    return () => this.#logListeners.delete(listener)
  }

  logs(query: LogQuery): AsyncIterable<LogRecord> {
    this.asked.push(['logs', query])
    if (query.workers?.includes('nobody') === true) throw new UnknownWorkerError('nobody', [], 'read the log of')
    return this.#read(query)
  }

  async *#read({ workers, stream, lines = 100 }: LogQuery): AsyncIterable<LogRecord> {
    const isWanted = ({ worker, ...record }: LogRecord): boolean =>
      (workers?.includes(worker) ?? true) && (stream === undefined || stream === record.stream)
    const records = this.past.filter(isWanted)
    for (const record of lines === 0 ? [] : records.slice(-lines)) {
      await this.betweenRecords?.()
      yield record
    }
  }

  async stop(options: { readonly hurry?: boolean } = {}): Promise<void> {
    this.asked.push(['stop', options])
    this.happen('fleet-stopped')
    this.#stopped.resolve()
  }

  #status(id: string): WorkerStatus {
    const place = this.places.get(id)
    if (place === undefined) throw new UnknownWorkerError(id, [...this.places.keys()])
    return {
      id,
      ...place,
      state: 'running',
      pid: 4711,
      incarnation: 1,
      startedAt: 1_700_000_000_000,
      uptime: 60_000,
      restarts: 0,
      cpu: 0.25,
      cpuTime: 15_000,
      memory: 2 ** 25,
      memoryPeak: 2 ** 26,
      memoryLimit: 2 ** 28,
      processes: 1,
      messages: { in: 1, out: 2 },
      traffic: { bytesIn: 1000, bytesOut: 200, pausedFor: 1500 },
    }
  }
}
