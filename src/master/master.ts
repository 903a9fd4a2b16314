import { type CallEvent, CallHub } from '../base/call-hub.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { ClosedError, UnknownWorkerError } from '../base/errors.ts'
import { EventHub } from '../base/event-hub.ts'
import type { MasterEvent } from '../base/events.ts'
import type { Exit } from '../base/exit.ts'
import { checkKeys, readWhole } from '../base/options.ts'
import { broadcast } from '../channel/broadcast.ts'
import { type Shutdown, planShutdown } from '../process/ladder.ts'
import { type Launcher, checkLauncher } from '../process/launcher.ts'
import { defaultLauncher } from '../process/default-launcher.ts'
import { StartQueue } from '../process/start-queue.ts'
import type { SupervisorSpec } from '../supervisor/spec.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { Supervision } from './supervision.ts'
import { DEFAULT_STARTS, type WorkerHost } from '../worker/host.ts'
import { type WorkerSpec, checkDefaults } from '../worker/spec.ts'
import { RETIRE, Worker } from '../worker/worker.ts'

export interface MasterOptions {
  /** How processes come to be. @default the fork server where there is one, else portable() */
  readonly launcher?: Launcher | undefined
  /** What every worker's spec begins with. */
  readonly defaults?: WorkerSpec<any, any> | undefined
  /** The most workers it may hold. @default no cap */
  readonly maxWorkers?: number | undefined
  /** The most processes it starts at the same time. @default 16 */
  readonly maxStarts?: number | undefined
  /** For tests that turn time by hand. @default the machine's */
  readonly clock?: Clock | undefined
}

/**
 * Holds named workers, each any program. They end when it does, however it ends.
 *
 * ```ts
 * import { Master } from 'pagent'
 * await using master = new Master()
 * const shell = await master.getWorker('shell').start('sh', [], {
 *   onMessage: (line, worker) => console.log(worker.id, line), // → shell hello
 *   onExit: (exit, worker) => console.log(worker.id, exit.kind), // → shell normal
 * })
 * await shell.input('echo hello; exit')
 * await shell.exited
 * ```
 */
export class Master implements AsyncDisposable {
  /** What happens to its workers, from the moment an iteration begins. Each iteration is a subscriber of its own. */
  readonly events: AsyncIterable<MasterEvent>
  readonly #hub = new EventHub()
  readonly #host: WorkerHost
  readonly #workers = new Map<string, Worker<any, any>>()
  readonly #defaults: WorkerSpec<any, any>
  readonly #maxWorkers: number
  readonly #ownsLauncher: boolean
  readonly #supervision: Supervision
  /** Forgotten, and on their way out. */
  readonly #leaving = new Set<Worker<any, any>>()
  #stopping: Promise<void> | undefined

  /** @throws RangeError for a cap that is not a whole number from 1, TypeError for an unknown option, and for a launcher that is none. */
  constructor(options: MasterOptions = {}) {
    checkKeys(options, OPTIONS, 'Cannot make a master')
    if (options.launcher !== undefined) checkLauncher(options.launcher, 'Cannot make a master')
    if (options.defaults !== undefined) checkDefaults(options.defaults)
    const clock = options.clock ?? systemClock
    this.events = this.#hub
    this.#defaults = options.defaults ?? {}
    this.#maxWorkers = readCap(options.maxWorkers ?? Infinity, 'maxWorkers')
    this.#ownsLauncher = options.launcher === undefined
    this.#host = {
      clock,
      launcher: options.launcher ?? defaultLauncher(),
      starts: new StartQueue(clock, readCap(options.maxStarts ?? DEFAULT_STARTS, 'maxStarts')),
      emit: this.#hub.emit,
      calls: new CallHub(),
      dice: Math.random,
    }
    this.#supervision = new Supervision(this.#workers, this.#host, this.#defaults, (what, id) => this.#check(what, id))
  }

  /**
   * The worker of that name, made if there is none; never started by this.
   *
   * @throws TypeError for something that cannot be a name.
   * @throws RangeError above `maxWorkers`.
   * @throws ClosedError while the master is being stopped.
   */
  getWorker(id: string): Worker {
    const known = this.#workers.get(id)
    if (known !== undefined) return known
    this.#check('worker', id)
    const created = new Worker<any, any>(id, this.#host, this.#defaults)
    this.#workers.set(id, created)
    return created
  }

  hasWorker(id: string): boolean {
    return this.#workers.has(id)
  }

  /** In the order in which they were made. */
  workers(): IterableIterator<Worker> {
    return this.#workers.values()
  }

  /**
   * Stops a worker and forgets it. Resolves with its last exit, undefined when it was never started; always within its
   * ladder, also when called from its own callbacks. The name is free at once.
   *
   * @throws UnknownWorkerError
   * @throws TypeError for one that a supervisor keeps: remove it there.
   */
  async delWorker(id: string, shutdown?: Shutdown): Promise<Exit | undefined> {
    const worker = this.#workers.get(id)
    if (worker === undefined) throw new UnknownWorkerError(id, [...this.#workers.keys()])
    const keeper = this.#supervision.keeperOf(worker)
    if (keeper !== undefined)
      throw new TypeError(`Cannot delete worker "${id}": ${this.#supervision.describeKeeper(worker, keeper)}`)
    // A ladder that cannot be is refused before the worker is forgotten.
    planShutdown(shutdown)
    const stopped = worker.state === 'idle' ? undefined : worker.stop(shutdown)
    worker[RETIRE]()
    this.#workers.delete(id)
    this.#leaving.add(worker)
    const exit = await stopped
    this.#leaving.delete(worker)
    this.#hub.emit({ type: 'deleted', at: this.#host.clock.date(), worker: id, incarnation: worker.incarnation })
    return exit
  }

  /**
   * Starts a supervisor; its workers are workers of this master from then on, and kept by it. Resolves when all its
   * children are ready. One that has given up stays known: its `start()` revives it, its `stop()` lets it go.
   *
   * @throws GaveUpError when a child cannot be started.
   * @throws TypeError, RangeError for a spec that cannot be, or a name that is taken.
   */
  supervise(spec: SupervisorSpec | Supervisor): Promise<Supervisor> {
    return this.#supervision.start(spec)
  }

  /** The supervisors it has started: those that run, and those that have given up. */
  supervisors(): IterableIterator<Supervisor> {
    return this.#supervision.supervisors()
  }

  /**
   * Calls back for each call that is over, before whoever asked hears of it: with its method, how it ended, and how long it
   * took. Those to a worker or a pool of it, those that its workers make (`from` tells), and notifications (`kind` does).
   * Without anybody who listens nothing is timed. A listener that throws fails no call.
   *
   * ```ts
   * import { Master, Pool } from 'pagent'
   * await using master = new Master()
   * const pool = new Pool({ id: 'sums', module: 'data:text/javascript,export const add = (a, b) => a + b' })
   * await master.supervise({ id: 'app', children: [pool] })
   * master.onCall(({ pool, method, outcome, duration }) => console.log(pool, method, outcome, duration > 0)) // → sums add ok true
   * await pool.call('add', [1, 2])
   * ```
   *
   * @returns what ends it.
   */
  onCall(listener: (call: CallEvent) => void): () => void {
    return this.#host.calls.listen(listener)
  }

  /**
   * Sends one message to many, encoded once per framing. Resolves when all have it.
   *
   * @param to - @default every worker that is running
   * @throws AggregateError that names those who did not get it; the others did.
   * @throws TypeError for what is no worker: nobody gets it.
   */
  broadcast(message: unknown, to?: Iterable<Worker<any, any>>): Promise<void> {
    return broadcast(message, to ?? [...this.#workers.values()].filter((worker) => worker.state === 'running'))
  }

  /**
   * Stops every supervisor and every worker, and forgets them all. They are asked newest first, and leave at the same time:
   * workers of a master do not depend on each other; those of a supervisor leave in its order. Calling it again with a shorter ladder ends them sooner. The master can be used again
   * afterwards.
   */
  async stop(shutdown?: Shutdown): Promise<void> {
    if (shutdown !== undefined) this.#hurry(shutdown)
    this.#stopping ??= this.#stopAll(shutdown).finally(() => {
      this.#stopping = undefined
      this.#host.hurry = undefined
    })
    await this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    this.#hub.close()
  }

  async #stopAll(shutdown: Shutdown | undefined): Promise<void> {
    const supervised = this.#supervision.stop()
    const own = [...this.#workers.values()].filter((worker) => this.#supervision.keeperOf(worker) === undefined)
    await Promise.all([...own.toReversed().map(({ id }) => this.delWorker(id, shutdown)), supervised])
    if (this.#ownsLauncher) await this.#host.launcher.close()
  }

  /** From now on, and for those that are leaving already. */
  #hurry(shutdown: Shutdown): void {
    planShutdown(shutdown)
    this.#host.hurry = shutdown
    for (const worker of this.#leaving) void worker.stop(shutdown)
    for (const worker of this.#workers.values()) if (worker.state === 'stopping') void worker.stop(shutdown)
  }

  #check(what: 'worker' | 'supervisor', id: string): void {
    if (this.#stopping !== undefined)
      throw new ClosedError(`Cannot add ${what} "${id}": the master is being stopped; await stop() first`)
    if (what === 'supervisor' || this.#workers.size < this.#maxWorkers) return
    throw new RangeError(
      `Cannot add worker "${id}": there are ${this.#workers.size} already (maxWorkers); delWorker() one first`,
    )
  }
}

const OPTIONS = ['launcher', 'defaults', 'maxWorkers', 'maxStarts', 'clock'] as const satisfies (keyof MasterOptions)[]

function readCap(value: number, what: string): number {
  return value === Infinity ? value : readWhole(value, what, 1)
}
