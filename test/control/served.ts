import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
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
}

/** A test of the API over a real socket: ends by asserting that nothing is left of it. */
export function served(
  title: string,
  tell: (served: Served) => Promise<void>,
  options: Partial<ServeOptions> & { readonly fleet?: () => FakeFleet } = {},
): void {
  void test(title, async () => {
    const before = process.getActiveResourcesInfo().toSorted()
    const folder = await mkdtemp(join(tmpdir(), 'pagent-api-'))
    const socketPath = join(folder, 'run', 'control.sock')
    const fleet = options.fleet?.() ?? new FakeFleet({ web: {}, 'api-1': { service: 'api', group: 'app' } })
    const faults: unknown[] = []
    const server = await serveFleet(fleet, { onFault: (error) => faults.push(error), ...options, socketPath })
    const client = connectTo(socketPath)
    try {
      await tell({ fleet, client, socketPath, faults })
    } finally {
      client.close()
      await server.close()
    }
    assert.deepEqual(await readdir(join(folder, 'run')), [], 'the socket is gone')
    await rm(folder, { recursive: true })
    assert.deepEqual(fleet.listeners, [0, 0], 'nobody listens to the fleet any more')
    await assertSame(before)
  })
}

/** Handles close a turn or two after they were told to. */
async function assertSame(before: readonly string[]): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if (String(process.getActiveResourcesInfo().toSorted()) === String(before)) return
    await new Promise((resolve) => void setImmediate(resolve))
  }
  assert.deepEqual(process.getActiveResourcesInfo().toSorted(), before, 'nothing keeps the process alive')
}

/** So many of what comes. */
export async function take<T>(from: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  if (count === 0) return taken
  for await (const item of from) if (taken.push(item) === count) break
  return taken
}
