import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ServeOptions, serveFleet } from '../../src/control/api/serve.ts'
import { connectTo } from '../../src/control/client/client.ts'
import type { ControlClient } from '../../src/control/client/contract.ts'
import { FakeFleet } from './fake-fleet.ts'

/** A fake fleet that is served, and a client of it. */
export interface Served {
  readonly fleet: FakeFleet
  readonly client: ControlClient
  readonly socketPath: string
  /** What the server calls faults of its own. */
  readonly faults: unknown[]
  /** Asks as anybody might. */
  readonly get: (path: string, options?: AskOptions) => Promise<Answer>
}

/** How it is asked. */
export interface AskOptions extends Omit<RequestOptions, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request on a connection of its own. */
export function ask(socketPath: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const headers = { host: 'localhost', ...options.headers }
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false, ...options, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (piece: string) => (body += piece))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(options.body)
  })
}

/** A test of the API over a real socket: ends by asserting that nothing is left of it. */
export function served(
  title: string,
  tell: (served: Served) => Promise<void>,
  options: Partial<ServeOptions> & { readonly fleet?: () => FakeFleet } = {},
): void {
  void test(title, async () => {
    const before = process.getActiveResourcesInfo()
    const folder = await mkdtemp(join(tmpdir(), 'pagent-api-'))
    const socketPath = join(folder, 'run', 'control.sock')
    const fleet = options.fleet?.() ?? new FakeFleet({ web: {}, 'api-1': { service: 'api', group: 'app' } })
    const faults: unknown[] = []
    const server = await serveFleet(fleet, { onFault: (error) => faults.push(error), ...options, socketPath })
    const client = connectTo(socketPath)
    try {
      await tell({ fleet, client, socketPath, faults, get: (path, how) => ask(socketPath, path, how) })
    } finally {
      client.close()
      await server.close()
    }
    assert.deepEqual(await readdir(join(folder, 'run')), [], 'the socket is gone')
    await rm(folder, { recursive: true })
    assert.deepEqual(fleet.listeners, [0, 0], 'nobody listens to the fleet any more')
    await assertNoMore(before)
  })
}

/** Handles close a turn or two after they were told to. */
async function assertNoMore(before: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 100 && more(before).length > 0; turn++)
    await new Promise((resolve) => void setImmediate(resolve))
  assert.deepEqual(more(before), [], 'nothing keeps the process alive')
}

/** What there is now beside what there was. */
function more(before: readonly string[]): readonly string[] {
  const left = [...before]
  return process.getActiveResourcesInfo().filter((kind) => {
    const at = left.indexOf(kind)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
}

/** So many of what comes. */
export async function take<T>(from: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  if (count === 0) return taken
  for await (const item of from) if (taken.push(item) === count) break
  return taken
}
