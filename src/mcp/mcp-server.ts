import type { Clock, Timer } from '../base/clock.ts'
import { ClosedError, ExitError } from '../base/errors.ts'
import type { Exit } from '../base/exit.ts'
import { formatMillis } from '../base/units.ts'
import type { Master } from '../master/master.ts'
import { comesBack } from '../supervisor/restart-policy.ts'
import type { Worker } from '../worker/worker.ts'
import type { Message } from './messages.ts'
import type { McpServerPlan } from './spec.ts'
import { type Link, Switchboard } from './exchange/switchboard.ts'
import { type Exchange, McpTransport } from './transport.ts'

/** Whose server it is. */
export interface Site {
  readonly master: Master
  readonly clock: Clock
  /** It was stopped for good, or has no host any more. */
  left(server: McpServer): void
  /** A name that no other server has, and no worker: the one it has, or else its program's with a number. */
  freeName(program: string, server: McpServer): string
  /** One of its hosts is back. */
  back(server: McpServer): void
  /** It was stopped, not just left. */
  stopped(): Promise<void>
}

/**
 * An MCP server under supervision. Any number of hosts share its process through transports that stay open while it ends
 * and begins again: it is started by the first request, started again when it fails, initialised anew for its hosts, and
 * stopped when nobody needs it.
 */
export class McpServer implements AsyncDisposable {
  readonly #plan: McpServerPlan
  readonly #site: Site
  readonly #board: Switchboard
  #name: string
  /** What it has begun itself: a name may have gone to another worker since. */
  #worker: Worker<any, any> | undefined
  #starting: Promise<void> | undefined
  #leaving: Promise<void> | undefined
  #idle: Timer | undefined
  #endedAt = -Infinity
  /** It failed while somebody had started it: nobody tries again by himself. */
  #hasFailed = false
  #isRestarting = false

  /** Servers come from `new McpServers().get(spec)` or `mcpServer(spec)`. */
  constructor(name: string, plan: McpServerPlan, site: Site) {
    this.#name = name
    this.#plan = plan
    this.#site = site
    this.#board = new Switchboard(this.#link())
  }

  /** Its name in errors and events, and that of its worker: another one when that was taken by the time it began. */
  get name(): string {
    return this.#name
  }

  /** Its worker, with its state, its process id, its usage; undefined while it is not needed. */
  get worker(): Worker<any, any> | undefined {
    const { master } = this.#site
    const own = this.#worker
    return own !== undefined && master.hasWorker(own.id) && master.getWorker(own.id) === own ? own : undefined
  }

  /** How many hosts are connected to it. */
  get hosts(): number {
    return this.#board.hosts.size
  }

  /** A new end for one host: `client.connect(server.transport())`. Nothing is started by this. */
  transport(): McpTransport {
    return new McpTransport(this.#exchange())
  }

  /** Ends its process, and begins another. What is in flight rejects. */
  async restart(): Promise<void> {
    const { worker } = this
    if (worker === undefined || this.#starting !== undefined) return this.#starting
    this.#isRestarting = true
    return this.#whileStarting(worker.restart())
  }

  /** Ends its process and closes the transports of all hosts. */
  async stop(): Promise<void> {
    const { hosts } = this.#board
    const closed = [...hosts].map((host) => host.close())
    await Promise.all([...closed, this.#leave()])
    await this.#site.stopped()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  // ── hosts ──

  #exchange(): Exchange {
    const board = this.#board
    return {
      server: this,
      attach: (host) => {
        board.attach(host)
        this.#site.back(this)
        this.#changed()
      },
      detach: (host) => this.#detach(host),
      request: (host, message) => board.request(host, message),
      notify: (host, message) => board.notify(host, message),
      answer: (host, message) => board.answer(host, message),
    }
  }

  /** The last host takes it along, unless it may idle. */
  async #detach(host: McpTransport): Promise<void> {
    this.#board.detach(host)
    const isNeeded = this.hosts > 0 || (this.#plan.idle !== Infinity && this.worker?.state === 'running')
    if (isNeeded) this.#changed()
    else await this.#leave()
  }

  // ── the process ──

  #link(): Link {
    const isUp = (): boolean => this.#worker?.state === 'running'
    return {
      server: this,
      clock: this.#site.clock,
      wait: this.#plan.wait,
      get isUp() {
        return isUp()
      },
      wake: () => this.#wake(),
      send: (message) => this.#worker?.send(message) ?? Promise.resolve(),
      changed: () => this.#changed(),
    }
  }

  /** Waits for who is on the way, starts who is at rest. */
  async #wake(): Promise<void> {
    await this.#leaving
    if (this.#starting !== undefined) return this.#starting
    const worker = this.#worker
    if (worker === undefined || worker.state === 'idle') return this.#start()
    if (worker.state !== 'stopping' && worker.state !== 'exited' && worker.state !== 'failed') return worker.ready()
    const exit = await worker.exited
    if (worker.state !== 'exited' && worker.state !== 'failed') return this.#wake()
    if (worker.state === 'exited' && this.#comesBack(exit)) return worker.ready()
    this.#checkCooldown(worker, exit)
    return this.#start()
  }

  /** Whether another life begins without us. */
  #comesBack(exit: Exit): boolean {
    if (this.worker === undefined) return false
    if (this.#isRestarting) return true
    return !this.#hasFailed && exit.kind !== 'stopped' && comesBack(this.#plan.worker.restart ?? 'transient', exit)
  }

  /** A server that fails whenever it is started is not started by each request. */
  #checkCooldown(worker: Worker<any, any>, exit: Exit): void {
    const left = this.#endedAt + this.#plan.cooldown - this.#site.clock.now()
    const hasGivenUp = worker.state === 'failed'
    if (left <= 0 || !(hasGivenUp || this.#hasFailed)) return
    const why = hasGivenUp ? 'it has failed too often' : 'its start has failed'
    const pause = formatMillis(Math.ceil(left / 1000) * 1000)
    throw new ExitError(
      'call',
      exit,
      'MCP server',
      `${why}, and it is left alone for another ${pause} (cooldown); last, `,
    )
  }

  #start(): Promise<void> {
    if (this.hosts === 0) throw new ClosedError(`Cannot start MCP server "${this.name}": its last client has gone`)
    return this.#starting ?? this.#whileStarting(this.#begin())
  }

  #whileStarting(started: Promise<void>): Promise<void> {
    const over = (hasFailed: boolean): void => {
      // It was left meanwhile, and may be on its way again.
      if (this.#starting !== starting) return
      this.#settle()
      this.#hasFailed = hasFailed
    }
    const starting = started.then(
      () => over(false),
      (error: unknown) => {
        over(true)
        throw error
      },
    )
    this.#starting = starting
    return starting
  }

  /** Nothing is under way any more. */
  #settle(): void {
    this.#starting = undefined
    this.#isRestarting = false
    this.#hasFailed = false
  }

  async #begin(): Promise<void> {
    const { command, args, worker: spec } = this.#plan
    await this.#employ().start(command, args, {
      ...spec,
      ready: () => this.#board.greet(),
      onMessage: (message: Message) => this.#board.accept(message),
      onExit: (exit) => this.#onExit(exit),
    })
    this.#changed()
  }

  /** The worker it has, unless its master has let go of that. */
  #employ(): Worker<any, any> {
    const { worker } = this
    if (worker !== undefined) return worker
    this.#name = this.#site.freeName(this.#plan.name, this)
    return (this.#worker = this.#site.master.getWorker(this.#name))
  }

  #onExit(exit: Exit): void {
    this.#endedAt = this.#site.clock.now()
    this.#board.lost(exit, this.#comesBack(exit))
    this.#changed()
    // A life that nobody has asked for may rest, too.
    const changed = (): void => this.#changed()
    this.worker?.ready().then(changed, changed)
  }

  // ── rest ──

  /** Whether it may rest, and when. */
  #changed(): void {
    this.#idle?.cancel()
    this.#idle = undefined
    const { idle } = this.#plan
    if (idle === Infinity || this.worker?.state !== 'running' || !this.#board.isQuiet) return
    this.#idle = this.#site.clock.after(idle, () => void (this.hosts === 0 ? this.#leave() : this.worker?.stop()))
  }

  /** Nobody needs it: its worker is forgotten, and so is what was said. */
  #leave(): Promise<void> {
    this.#leaving ??= this.#forget().finally(() => (this.#leaving = undefined))
    return this.#leaving
  }

  async #forget(): Promise<void> {
    this.#idle?.cancel()
    this.#endedAt = -Infinity
    this.#settle()
    this.#board.reset()
    this.#site.left(this)
    const { worker } = this
    this.#worker = undefined
    if (worker !== undefined) await this.#site.master.delWorker(worker.id)
  }
}
