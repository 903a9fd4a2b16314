import { AsyncResource } from 'node:async_hooks'
import { type CallEvent, CallHub } from '../base/call-hub.ts'
import { systemClock } from '../base/clock.ts'
import { AlreadyStartedError, ClosedError } from '../base/errors.ts'
import { type Exit, plainExit } from '../base/exit.ts'
import { type Child, type ChildContext, type ChildOptions, KEEPER, type Keeper, RESTS } from '../supervisor/child.ts'
import {
  type CallArgs,
  type CallResult,
  type Caller,
  type MethodOf,
  type ReadCallOptions,
  type Remote,
  RpcClient,
} from '../rpc/client.ts'
import { type WatchedCall, watched, watchedStream } from '../rpc/calling/watched.ts'
import type { Params } from '../rpc/messages.ts'
import type { Worker } from '../worker/worker.ts'
import { Job, type Work } from './job.ts'
import {
  type PoolCallOptions,
  type PoolPlan,
  type PoolSpec,
  type ReadPoolCall,
  planPool,
  poolCallOf,
  readPoolCall,
} from './spec.ts'
import { Staff } from './staff.ts'
import { type PoolStats, Stats } from './stats.ts'

/**
 * Workers that are alike, for calls that any of them may answer. With a `module`, each of its exported functions runs in
 * other processes, under a budget of time, CPU time and memory for each call, with no code of ours in it.
 *
 * A call that breaks its budget ends its worker; another takes over, and no other call notices.
 *
 * ```ts
 * import { Pool } from 'pagent'
 * await using pool = new Pool({ module: 'data:text/javascript,export const add = (a, b) => a + b', size: 2 })
 * console.log(await pool.call('add', [1, 2], { timeout: '5s', cpuTime: '1s' })) // → 3
 * console.log(await pool.remote.add(3, 4)) // → 7
 * ```
 *
 * Workers are started as they are needed, and stopped by `stop()`. Below a supervisor or a master it is a child like others.
 */
export class Pool<Api extends object = any> implements Child, AsyncDisposable {
  readonly id: string
  readonly childOptions: ChildOptions = { shutdown: 'infinity' }
  readonly #plan: PoolPlan
  readonly #stats = new Stats()
  #staff: Staff
  #keeper: Keeper | undefined
  #lives = 0

  /** @throws TypeError, RangeError for a spec that cannot be. */
  constructor(spec: PoolSpec) {
    this.#plan = planPool(spec)
    this.id = this.#plan.id
    this.#staff = this.#newStaff()
  }

  /**
   * Calls a function in one of its workers.
   *
   * @throws what `RpcClient.call` throws; `TimeoutError` also when no worker was free in time, `OverloadError` when too many
   *   calls wait, and `ExitError` with the end of a worker that cannot be started.
   */
  call<Name extends MethodOf<Api>>(
    method: Name,
    args: CallArgs<Api, Name>,
    options?: PoolCallOptions,
  ): Promise<CallResult<Api, Name>> {
    return this.#call(method, args, this.#read(options)) as Promise<CallResult<Api, Name>>
  }

  /** The functions as if they were here, with the options of the pool. */
  get remote(): Remote<Api> {
    return this.with({}).remote
  }

  /** A client whose calls have these options; what they do not say is as in the pool's `call`. */
  with(options: PoolCallOptions): RpcClient<Api> {
    const { key, ...call } = options
    // Its calls have the same options, one after the other.
    let read: ReadPoolCall | undefined
    let from: ReadCallOptions | undefined
    const pooled = (plain: ReadCallOptions): ReadPoolCall => {
      if (read === undefined || plain !== from) read = poolCallOf(plain, key)
      from = plain
      return read
    }
    const caller: Caller = {
      call: (method, params, plain) => this.#call(method, params, pooled(plain)),
      notify: (method, params) => this.#notify(method, params, poolCallOf(this.#plan.plainCall, key)),
      stream: (method, params, plain) => this.#stream(method, params, pooled(plain)),
    }
    return new RpcClient<Api>(caller, { ...this.#plan.call, ...call })
  }

  /**
   * Leases a worker: nobody else uses it until the task is over. One that has ended meanwhile is replaced.
   *
   * @throws what the task throws, and what `call` throws while it waits.
   */
  use<R>(task: (worker: Worker<any, any>) => Promise<R> | R, options?: PoolCallOptions): Promise<R> {
    return this.#do(this.#read(options), true, async ({ worker }) => task(worker)) as Promise<R>
  }

  get stats(): PoolStats {
    return this.#stats.snapshot(this.#staff.figures)
  }

  /**
   * Starts the workers it always has. Resolves when they are ready. Not needed: a call starts what it needs.
   *
   * @throws TypeError below a supervisor: that one starts it.
   * @throws ExitError when they cannot be started.
   */
  async start(): Promise<this> {
    if (this.#keeper !== undefined && !this.#staff.isOpen)
      throw new TypeError(
        `Cannot start pool "${this.id}": supervisor "${this.#keeper.path}" keeps it; use its restart("${this.id}")`,
      )
    await this.#staff.fill()
    return this
  }

  /** Ends its workers, each by its ladder; what waits or runs fails with it. It can be used again afterwards. */
  async stop(): Promise<Exit> {
    const staff = this.#staff
    this.#staff = this.#newStaff()
    await staff.close(this.#closed('it was stopped'))
    return plainExit(this.id, { kind: 'stopped', step: 'abort' }, systemClock.date())
  }

  /** One life below a supervisor: until it is stopped, or its workers fail to start too often. */
  async run({ signal, kill, ready }: ChildContext): Promise<Exit> {
    if (this.#staff.isBusy && this.#staff.isOpen) throw new AlreadyStartedError(this.id, 'running', undefined, 'pool')
    if (this.#staff.isOpen) this.#replaceStaff()
    const staff = this.#staff
    signal.addEventListener('abort', () => void this.stop(), { once: true })
    kill.addEventListener('abort', () => staff.destroy(), { once: true })
    void staff.live(++this.#lives).then(
      () => ready(),
      () => {},
    )
    const exit = await staff.ended
    if (this.#staff === staff) this.#staff = this.#newStaff()
    return exit
  }

  /** For a supervisor: who keeps it. */
  [KEEPER](keeper: Keeper | undefined): void {
    const last = this.#keeper
    if (keeper !== undefined && last !== undefined)
      throw new TypeError(`Cannot keep pool "${this.id}" twice: supervisor "${last.path}" keeps it already`)
    this.#keeper = keeper
    if (this.#staff.isBusy) return
    const path = last?.path
    this.#replaceStaff(path === undefined ? undefined : `supervisor "${path}" has let it go; start() it`)
  }

  /** For a supervisor: it stays down, so that nobody needs to wait for it. */
  [RESTS](): void {
    const path = this.#keeper?.path ?? ''
    this.#staff.rest(
      this.#closed(`it has ended, and supervisor "${path}" leaves it down; use its restart("${this.id}")`),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** By one that has nothing to do yet. */
  #replaceStaff(refusal?: string): void {
    const last = this.#staff
    this.#staff = this.#newStaff(refusal === undefined ? undefined : this.#closed(refusal))
    void last.close(this.#closed('it was stopped'))
  }

  #closed(why: string): ClosedError {
    return new ClosedError(`Cannot call pool "${this.id}": ${why}`)
  }

  #newStaff(refusal?: Error): Staff {
    return new Staff(this.#plan, this.#stats, this.#keeper, refusal)
  }

  #read(options: PoolCallOptions | undefined): ReadPoolCall {
    return options === undefined ? this.#plan.plainCall : readPoolCall(this.#plan.call, options)
  }

  #call(method: string, params: Params, options: ReadPoolCall): Promise<unknown> {
    const told = this.#watch(method, options)
    const result = this.#do(options, false, ({ caller }, once, since) => caller.call(method, params, once, since))
    return told === undefined ? result : watched(result, told)
  }

  async #notify(method: string, params: Params, options: ReadPoolCall): Promise<void> {
    const told = this.#watch(method, options, 'notification')
    const sent = this.#do(options, false, ({ caller }, _, since) => caller.notify(method, params, since))
    await (told === undefined ? sent : watched(sent, told))
  }

  #do(options: ReadPoolCall, isAlone: boolean, work: Work): Promise<unknown> {
    const staff = this.#staff
    const inContext = staff.keepsContext ? AsyncResource.bind(work) : work
    return new Promise((resolve, reject) => {
      staff.submit(new Job(options, staff.now, isAlone, inContext, resolve, reject))
    })
  }

  #stream(method: string, params: Params, options: ReadPoolCall): AsyncIterable<unknown> {
    const told = this.#watch(method, options)
    const items = this.#items(method, params, options)
    return told === undefined ? items : watchedStream(items, told)
  }

  /** Undefined while nobody listens. */
  #watch(method: string, { once }: ReadPoolCall, kind: CallEvent['kind'] = 'call'): WatchedCall | undefined {
    const calls = this.#keeper?.host.calls ?? unkept
    if (!calls.isWatched) return undefined
    const { host, path } = this.#keeper ?? {}
    const what = { kind, from: 'master', pool: this.id, ...(path === undefined ? {} : { supervisor: path }) } as const
    return { calls, clock: host?.clock ?? systemClock, what, method, signal: once.signal, since: this.#staff.now }
  }

  /** Its worker is busy with it until it has ended, or its reader has left. */
  async *#items(method: string, params: Params, options: ReadPoolCall): AsyncGenerator {
    const over = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<AsyncIterable<unknown>>()
    const done = this.#do(options, false, ({ caller }, once, since) => {
      begun.resolve(caller.stream(method, params, once, since))
      return over.promise
    })
    done.catch(begun.reject)
    try {
      yield* await begun.promise
    } finally {
      over.resolve()
    }
  }
}

/** Of pools that stand alone. */
const unkept = new CallHub()
