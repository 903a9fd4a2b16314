import { type Exit, NO_TRAFFIC, NO_USAGE, type Traffic, type Usage } from '../base/exit.ts'
import { checkId } from '../base/options.ts'
import {
  type Channel,
  CURRENT,
  type ReceiveOptions,
  type Receiver,
  type Selectable,
  TAKE,
  type Taken,
  WAIT,
  messages,
} from '../channel/channel.ts'
import type { Waiter } from '../channel/waiters.ts'
import type { Framing } from '../framing/framing.ts'
import { type Shutdown, checkSignal } from '../process/ladder.ts'
import { type Child, type ChildContext, type ChildOptions, KEEPER, type Keeper, RESTS } from '../supervisor/child.ts'
import { AsChild } from './as-child.ts'
import { Conversation } from './conversation.ts'
import { RpcClient } from '../rpc/client.ts'
import { type WorkerRpcOptions, readRpcOptions } from './rpc-options.ts'
import { WorkerCaller } from './worker-caller.ts'
import type { WorkerHost } from './host.ts'
import { SILENT } from './life/incarnation.ts'
import { Lifecycle } from './lifecycle.ts'
import type { AppliedLimits } from '../process/limits.ts'
import { DEFAULT_FRAMING, type WorkerSpec, mergeSpecs } from './spec.ts'
import type { WorkerState } from './state.ts'

/** How a master takes in a worker that a supervisor of its keeps: it lives there from now on. */
export const ADOPT: unique symbol = Symbol('pagent.adopt')

/** How a master tells a worker that it was forgotten: no other life begins. */
export const RETIRE: unique symbol = Symbol('pagent.retire')

/**
 * A program under supervision, as an object: it is started, talked to, and it ends with an explanation.
 *
 * Its channel is that of the current incarnation: iteration ends when the program does, and what is sent between two
 * lives is refused.
 *
 * ```ts
 * import { Master } from 'pagent'
 * const master = new Master()
 * const cat = await master.getWorker('cat').start('cat')
 * await cat.send('hello')
 * console.log(await cat.receive()) // → hello
 * console.log((await cat.stop()).kind) // → stopped
 * await master.stop()
 * ```
 */
export class Worker<In = string, Out = In> implements Channel<In, Out>, Selectable<In>, Child, AsyncDisposable {
  readonly id: string
  #defaults: WorkerSpec<any, any>
  /** Its own part of the spec. */
  #own: WorkerSpec<any, any> = {}
  readonly #lifecycle: Lifecycle
  readonly #conversation: Conversation<In, Out>
  readonly #asChild: AsChild

  /** Workers come from `master.getWorker(id)` or `worker(id, …)`: the latter are `free` to be kept by any supervisor. */
  constructor(id: string, host: WorkerHost, defaults: WorkerSpec<any, any> = {}, isFree = false) {
    this.id = checkId(id, 'worker')
    this.#defaults = defaults
    this.#lifecycle = new Lifecycle(id, host, this)
    this.#asChild = new AsChild(this.#lifecycle, host, isFree)
    this.#conversation = new Conversation(this.#lifecycle)
  }

  get state(): WorkerState {
    return this.#lifecycle.state
  }

  /** The process id while there is a process. */
  get pid(): number | undefined {
    return this.#lifecycle.life?.pid
  }

  /** Which life this is, from 1; 0 before the first. */
  get incarnation(): number {
    return this.#lifecycle.lives
  }

  /** The limits in force, and who enforces them. */
  get limits(): AppliedLimits {
    return this.#lifecycle.life?.limits ?? this.#lifecycle.job?.plan.limits.master ?? {}
  }

  /**
   * What its tree used when that was measured last, and in the end. Reading it has it measured anew, for the next
   * reading; `measure()` waits for that.
   */
  get usage(): Usage {
    const { life } = this.#lifecycle
    life?.measure().catch(() => {})
    return life?.usage ?? NO_USAGE
  }

  /** Measures what its whole process tree uses now; after its end, what it has used. All 0 where nobody can tell. */
  async measure(): Promise<Usage> {
    return (await this.#lifecycle.life?.measure()) ?? NO_USAGE
  }

  /** What its channel has carried in the current or last life: bytes each way, and how long nobody read. Costs nothing. */
  get traffic(): Traffic {
    return this.#lifecycle.life?.streams?.traffic ?? NO_TRAFFIC
  }

  /** The last output of the current or last life: 4 KiB of each at most. */
  get tail(): { readonly stdout: string; readonly stderr: string } {
    return this.#lifecycle.life?.streams?.tail ?? SILENT
  }

  /** True once stdout has ended in the middle of a message; that was delivered all the same, where it could be. */
  get unterminated(): boolean {
    return this.#lifecycle.life?.streams?.unterminated ?? false
  }

  /** The path of the supervisor that keeps it: that one starts it, and decides what follows its end. */
  get supervisor(): string | undefined {
    return this.#lifecycle.keeper
  }

  /** How its messages are written. */
  get framing(): Framing<In, Out> {
    return this.#lifecycle.job?.plan.framing ?? (DEFAULT_FRAMING as Framing<any, any>)
  }

  /** The exit of the current incarnation; never rejects. */
  get exited(): Promise<Exit> {
    return this.#lifecycle.exited
  }

  /** Resolves when both directions of the current incarnation have ended; never rejects. */
  get closed(): Promise<void> {
    return this.exited.then(() => {})
  }

  /**
   * Starts a program, or the last one again when none is named. Resolves when it is ready.
   *
   * A start that fails is not tried again by itself; what ends after it was ready follows its restart policy.
   *
   * @throws AlreadyStartedError when it is started already; that one is left alone.
   * @throws SpawnError when the program, or its directory, cannot be used.
   * @throws ExitError when it ended before it was ready; carries the exit.
   * @throws TypeError, RangeError, LimitUnsupportedError for options that cannot be.
   */
  start(): Promise<this>
  start<I = string, O = I>(file: string, args?: readonly string[], spec?: WorkerSpec<I, O>): Promise<Worker<I, O>>
  start(file?: string, args: readonly string[] = [], spec: WorkerSpec<any, any> = {}): Promise<unknown> {
    // Thousands may be under way at once, and an async function that waits takes three times the memory.
    try {
      this.#lifecycle.checkStart()
      if (file !== undefined) this.assign(file, args, spec)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#lifecycle.start().then(() => this)
  }

  /**
   * Resolves when it can be used: at once while it runs, else when its start or its restart has led to readiness.
   *
   * @throws ExitError when it has ended and stays down; carries the exit.
   * @throws ClosedError when it was never started, and no supervisor keeps it.
   */
  ready(): Promise<void> {
    return this.#lifecycle.ready()
  }

  /**
   * Takes a command without starting it.
   *
   * @throws what `start` throws for a command or options that cannot be.
   */
  assign(file: string, args: readonly string[], spec: WorkerSpec<any, any> = {}): void {
    this.#own = spec
    this.#lifecycle.assign(file, args, mergeSpecs(this.id, this.#defaults, spec))
  }

  /** The name this has in the original; the same as `send`. */
  input(message: Out): Promise<void> {
    return this.send(message)
  }

  /**
   * Sends one message. Resolves when it has left the master's queue.
   *
   * @throws ClosedError when the worker is not running, or ends first.
   * @throws FramingError when the framing cannot carry the message.
   * @throws OverloadError when 16 MiB already wait for the worker to read.
   */
  send(message: Out): Promise<void> {
    return this.#conversation.send(message)
  }

  /** Sends what `framing.encode` returned, for a message that goes to many. */
  sendEncoded(frame: string | Uint8Array): Promise<void> {
    return this.#conversation.sendEncoded(frame)
  }

  /**
   * The next message of the current incarnation; undefined when there will be no more.
   *
   * @throws FramingError when its output was not of its framing.
   * @throws TypeError when the worker has an `onMessage`, which gets them all.
   * @throws ClosedError when it was never started.
   */
  receive(options?: ReceiveOptions): Promise<In | undefined> {
    return this.#conversation.receive(options)
  }

  /**
   * Calls functions in the worker, by JSON-RPC 2.0 over its channel: from then on all its messages belong to calls. Its
   * framing must carry them: `jsonRpc()`, `json()`, `contentLength()`, `structured()`.
   *
   * @throws TypeError for options that cannot be, for a framing that carries no calls, and for a worker with an `onMessage`.
   */
  rpc<Api extends object = any>(options: WorkerRpcOptions = {}): RpcClient<Api> {
    const { call, style, settings } = readRpcOptions(this.id, this.framing, options)
    return new RpcClient<Api>(new WorkerCaller(this.#lifecycle, settings), call, style)
  }

  /** Ends the worker's stdin behind what was sent. Many programs finish then. */
  end(): Promise<void> {
    return this.#conversation.end()
  }

  /**
   * Ends this life, if there is one, and begins another with the same command. No restart budget is charged.
   *
   * @throws what `start` throws.
   */
  restart(): Promise<void> {
    return this.#lifecycle.restart()
  }

  /**
   * Asks it to end, then makes it: farewell, end of stdin, SIGTERM, SIGKILL to its whole tree. Always settles within
   * the times of its ladder, and rejects for a ladder that cannot be only. Its restart policy does not apply. Calling it
   * again with a shorter ladder ends it sooner. It does not wait for an `onMessage` that is still at work: `onExit` does.
   */
  stop(shutdown?: Shutdown): Promise<Exit> {
    try {
      return this.#lifecycle.stop(shutdown)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Sends an OS signal to the worker's whole tree. An end by it is `signaled`, not `stopped`: the restart policy applies.
   *
   * @throws TypeError for a signal this system does not know.
   */
  kill(killSignal: NodeJS.Signals = 'SIGKILL'): void {
    checkSignal(killSignal, `the signal to kill worker "${this.id}" with`)
    this.#lifecycle.life?.kill(killSignal)
  }

  [RETIRE](): void {
    this.#lifecycle.retire()
  }

  [ADOPT](host: WorkerHost, defaults: WorkerSpec<any, any>): void {
    this.#asChild.moveTo(host)
    this.#defaults = defaults
    const { job } = this.#lifecycle
    if (job !== undefined) this.assign(job.file, job.args, this.#own)
  }

  [KEEPER](keeper: Keeper | undefined): void {
    this.#asChild.keep(keeper)
  }

  [RESTS](): void {
    this.#lifecycle.rest()
  }

  /** How it is supervised where its `ChildSpec` does not say. */
  get childOptions(): ChildOptions {
    return this.#asChild.options
  }

  /** One life under a supervisor: from the start to the exit. */
  run(context: ChildContext): Promise<Exit> {
    return this.#lifecycle.run(context)
  }

  [TAKE](): Taken<In> {
    return this.#conversation.take()
  }

  [WAIT](waiter: Waiter<In>): () => void {
    return this.#conversation.wait(waiter)
  }

  [CURRENT](): Receiver<In> {
    return this.#conversation.current()
  }

  [Symbol.asyncIterator](): AsyncIterator<In> {
    return messages(this[CURRENT]())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
