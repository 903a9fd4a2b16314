import { type Clock, systemClock } from '../base/clock.ts'
import type { MasterEvent } from '../base/events.ts'
import { checkKeys } from '../base/options.ts'
import { Master } from '../master/master.ts'
import { McpServer, type Site } from './mcp-server.ts'
import { type McpServerSpec, keyOf, planMcpServer } from './spec.ts'

export interface McpServersOptions {
  /** Who keeps their workers: its caps, defaults and launcher hold for them. @default one of their own */
  readonly master?: Master
  /** For tests that turn time by hand. @default the machine's */
  readonly clock?: Clock
}

/**
 * MCP servers, shared: whoever asks for the same command, arguments, environment and so on gets the same server, and the
 * hosts of a server share one process.
 *
 * ```ts
 * import { Client } from '@modelcontextprotocol/client'
 * import { McpServers } from 'pagent/mcp'
 * await using servers = new McpServers()
 * const client = new Client({ name: 'example', version: '1.0.0' })
 * await client.connect(servers.get({ command: 'mcp-server-everything' }).transport())
 * console.log((await client.listTools()).tools.length > 0) // → true
 * await client.close()
 * ```
 */
export class McpServers implements AsyncDisposable {
  readonly #master: Master
  readonly #ownsMaster: boolean
  readonly #site: Site
  readonly #servers = new Map<string, McpServer>()
  readonly #keys = new WeakMap<McpServer, string>()
  /** Names for what can only be compared. */
  readonly #identities = new WeakMap<object, number>()
  #identified = 0

  /** What there is for one server only ends with it. @throws TypeError for an unknown option. */
  constructor(options: McpServersOptions = {}, isForOne = false) {
    checkKeys(options, ['master', 'clock'], 'Cannot make MCP servers')
    this.#ownsMaster = options.master === undefined
    this.#master = options.master ?? new Master()
    this.#site = {
      master: this.#master,
      clock: options.clock ?? systemClock,
      freeName: (program, server) => this.#freeName(program, server),
      left: (server) => this.#leave(server),
      back: (server) => this.#comeBack(server),
      stopped: () => (isForOne ? this.stop() : Promise.resolve()),
    }
  }

  /** What happens to them: each iteration is a subscriber of its own. Lines that are no messages are `noticed`. */
  get events(): AsyncIterable<MasterEvent> {
    return this.#master.events
  }

  /** Those that are in use, or were asked for and not used yet. */
  servers(): IterableIterator<McpServer> {
    return this.#servers.values()
  }

  /**
   * The server of that spec, made if there is none. Nothing is started by this.
   *
   * @throws TypeError, RangeError for a spec that cannot be.
   */
  get(spec: McpServerSpec): McpServer {
    const plan = planMcpServer(spec)
    const key = keyOf(spec, (value) => this.#identify(value))
    const known = this.#servers.get(key)
    if (known !== undefined) return known
    const server = new McpServer(this.#freeName(plan.name), plan, this.#site)
    this.#keys.set(server, key)
    this.#servers.set(key, server)
    return server
  }

  /** Stops them all, and closes the transports of their hosts. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()))
    if (this.#ownsMaster) await this.#master.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #leave(server: McpServer): void {
    const key = this.#keys.get(server) ?? ''
    if (this.#servers.get(key) === server) this.#servers.delete(key)
  }

  /** It is found again, unless another has taken its place. */
  #comeBack(server: McpServer): void {
    const key = this.#keys.get(server) ?? ''
    if (!this.#servers.has(key)) this.#servers.set(key, server)
  }

  /** Two servers of one program are told apart by a number. */
  #freeName(program: string, owner?: McpServer): string {
    const others = [...this.#servers.values()].filter((server) => server !== owner)
    const taken = new Set(others.map(({ name }) => name))
    const isFree = (name: string): boolean => !taken.has(name) && !this.#master.hasWorker(name)
    let name = owner?.name ?? program
    for (let i = 2; !isFree(name); i++) name = `${program}-${i}`
    return name
  }

  #identify(value: object): number {
    const known = this.#identities.get(value) ?? ++this.#identified
    this.#identities.set(value, known)
    return known
  }
}

/**
 * One MCP server, for a host that shares it with nobody. `stop()` leaves nothing behind.
 *
 * ```ts
 * import { Client } from '@modelcontextprotocol/client'
 * import { mcpServer } from 'pagent/mcp'
 * const server = mcpServer({ command: 'mcp-server-everything', limits: { memory: '512MiB' } })
 * const client = new Client({ name: 'example', version: '1.0.0' })
 * await client.connect(server.transport())
 * console.log(client.getServerVersion()?.name) // → mcp-servers/everything
 * await server.stop()
 * ```
 *
 * @throws TypeError, RangeError for a spec that cannot be.
 */
export function mcpServer(spec: McpServerSpec, options: McpServersOptions = {}): McpServer {
  return new McpServers(options, true).get(spec)
}
