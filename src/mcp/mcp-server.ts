import type { Clock, Timer } from '../base/clock.ts'
import { ExitError } from '../base/errors.ts'
import { type Exit, isAbnormal } from '../base/exit.ts'
import type { Master } from '../master/master.ts'
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
  readonly name: string
  readonly #plan: McpServerPlan
  readonly #site: Site
  readonly #board: Switchboard
  #starting: Promise<void> | undefined
  #leaving: Promise<void> | undefined
  #idle: Timer | undefined
  #endedAt = -Infinity

  /** Servers come from `new McpServers().get(spec)` or `mcpServer(spec)`. */
  constructor(name: string, plan: McpServerPlan, site: Site) {
    this.name = name
    this.#plan = plan
    this.#site = site
    this.#board = new Switchboard(this.#link())
  }

  /** Its worker, with its state, its process id, its usage; undefined while it is not needed. */
  get worker(): Worker<any, any> | undefined {
    const { master } = this.#site
    return master.hasWorker(this.name) ? (master.getWorker(this.name) as Worker<any, any>) : undefined
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
    await this.worker?.restart()
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
      name: this.name,
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
    const isUp = (): boolean => this.worker?.state === 'running'
    return {
      name: this.name,
      clock: this.#site.clock,
      wait: this.#plan.wait,
      get isUp() {
        return isUp()
      },
      wake: () => this.#wake(),
      send: (message) => this.worker?.send(message) ?? Promise.resolve(),
      changed: () => this.#changed(),
    }
  }

  /** Waits for who is on the way, starts who is at rest. */
  async #wake(): Promise<void> {
    await this.#leaving
    if (this.#starting !== undefined) return this.#starting
    const { worker } = this
    if (worker === undefined || worker.state === 'idle') return this.#start()
    if (worker.state === 'stopping' || worker.state === 'exited') {
      const exit = await worker.exited
      if (worker.state === 'exited' && !isAbnormal(exit)) return this.#start()
    }
    if (worker.state === 'failed') await this.#checkCooldown(worker)
    return worker.state === 'failed' ? this.#start() : worker.ready()
  }

  /** A server that fails whenever it is started is not started by each request. */
  async #checkCooldown(worker: Worker<any, any>): Promise<void> {
    if (this.#site.clock.now() - this.#endedAt < this.#plan.cooldown)
      throw new ExitError('call', await worker.exited, 'MCP server')
  }

  #start(): Promise<void> {
    this.#starting ??= this.#begin().finally(() => (this.#starting = undefined))
    return this.#starting
  }

  async #begin(): Promise<void> {
    const { command, args, worker: spec } = this.#plan
    await this.#site.master.getWorker(this.name).start(command, args, {
      ...spec,
      ready: () => this.#board.greet(),
      onMessage: (message: Message) => this.#board.accept(message),
      onExit: (exit) => this.#onExit(exit),
    })
    this.#changed()
  }

  #onExit(exit: Exit): void {
    this.#endedAt = this.#site.clock.now()
    const comesBack = this.#starting === undefined && isAbnormal(exit) && this.#plan.worker.restart !== 'temporary'
    this.#board.lost(exit, comesBack)
    this.#changed()
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
    this.#board.reset()
    this.#site.left(this)
    if (this.worker !== undefined) await this.#site.master.delWorker(this.name)
  }
}
