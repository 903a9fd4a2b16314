/** Hosts of the tests: clients of the official SDK, connected to servers of ours. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client, type ClientOptions } from '@modelcontextprotocol/client'
import type { Exit, Master } from '../../src/index.ts'
import { type McpServer, type McpServerSpec, McpServers, type McpTransport } from '../../src/mcp/index.ts'
import { eventually } from '../support/processes.ts'
import { story, watch } from '../support/story.ts'

const program = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

/** What runs a fixture, with its faults. */
export function fixtureSpec(faults: readonly string[] = [], spec: Partial<McpServerSpec> = {}): McpServerSpec {
  return {
    command: process.execPath,
    args: [program('serves.mjs'), ...faults],
    name: 'serves',
    backoff: { min: 1, max: 5 },
    ...spec,
  }
}

export function modernSpec(spec: Partial<McpServerSpec> = {}): McpServerSpec {
  return { ...fixtureSpec(), args: [program('modern.mjs')], name: 'modern', ...spec }
}

/** A story of servers: nothing is left of them. */
export function servers(
  title: string,
  tell: (own: McpServers, seen: ReturnType<typeof watch>, master: Master) => Promise<void>,
): void {
  story(title, async (master) => {
    const own = new McpServers({ master })
    try {
      await tell(own, watch(master), master)
    } finally {
      await own.stop()
    }
  })
}

export interface Host extends Client {
  readonly errors: Error[]
}

/** A client that is connected. */
export async function connect(server: McpServer, options: ClientOptions = {}): Promise<Host> {
  const host = newHost(options)
  await host.connect(server.transport())
  return host
}

export function newHost(options: ClientOptions = {}): Host {
  const client = new Client({ name: 'host', version: '1.0.0' }, options)
  const errors: Error[] = []
  return Object.assign(client, { errors, onerror: (error: Error) => void errors.push(error) })
}

/** Calls a tool, and returns the text it answers with. */
export async function callTool(host: Client, name: string, given: Record<string, unknown> = {}): Promise<string> {
  const { content } = await host.callTool({ name, arguments: given })
  const [first] = content as { text: string }[]
  return first?.text ?? ''
}

/** What a promise rejects with. */
export function errorOf(promise: Promise<unknown>): Promise<any> {
  return promise.then(
    (value) => {
      throw new Error(`it has resolved with ${JSON.stringify(value)}`)
    },
    (error: unknown) => error,
  )
}

export async function exitOf(promise: Promise<unknown>): Promise<Exit> {
  const error = await errorOf(promise)
  if (error?.code !== 'ERR_PAGENT_EXIT') throw error
  return error.exit
}

/** The methods a fixture has heard, life after life. */
export function heard(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}

/** A host without a library: says what it likes, and keeps what it hears. */
export class BareHost {
  readonly transport: McpTransport
  readonly heard: any[] = []
  readonly errors: Error[] = []

  constructor(server: McpServer) {
    this.transport = Object.assign(server.transport(), {
      onmessage: (message: unknown) => void this.heard.push(message),
      onerror: (error: Error) => void this.errors.push(error),
    })
  }

  async begin(capabilities: object = {}, name = 'bare'): Promise<this> {
    await this.transport.start()
    const params = { protocolVersion: '2025-06-18', capabilities, clientInfo: { name, version: '1' } }
    await this.transport.send({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params })
    await this.transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    return this
  }

  /** The text that it was answered with. */
  async textOf(id: number | string): Promise<string> {
    return (await this.until((message) => message.id === id)).result.content[0].text
  }

  tool(id: number | string, name: string, given: object = {}, meta?: object): Promise<void> {
    const params = { name, arguments: given, ...(meta !== undefined && { _meta: meta }) }
    return this.transport.send({ jsonrpc: '2.0', id, method: 'tools/call', params })
  }

  async until(match: (message: any) => boolean): Promise<any> {
    await eventually(
      () => this.heard.some(match),
      10_000,
      () => `it has heard ${JSON.stringify(this.heard)}`,
    )
    return this.heard.find(match)
  }
}
