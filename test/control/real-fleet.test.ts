/** The control API over a real fleet, and the examples of its pages. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServeOptions, serveFleet } from '../../src/control/api/serve.ts'
import { connectTo } from '../../src/control/client/client.ts'
import type { ControlClient } from '../../src/control/client/contract.ts'
import type { FleetPlan } from '../../src/control/config/fleet-plan.ts'
import { startFleet } from '../../src/control/fleet/fleet.ts'
import { holdings, assertNothingLeft } from '../support/processes.ts'
import { planOf, poolOf, workerOf } from '../support/plans.ts'
import { inSpan, registerTracing } from './fake-otel.ts'
import { parseExposition, total } from './exposition.ts'
import { ask } from './served.ts'
import { test } from 'node:test'

const needsCurl = spawnSync('curl', ['--version']).status === 0 ? false : 'needs curl: apt-get install curl'

interface Real {
  readonly client: ControlClient
  readonly socketPath: string
}

/** A real fleet that is served; ends by asserting that nothing is left of it. */
function real(title: string, plan: FleetPlan, tell: (real: Real) => Promise<void>, skip: string | false = false): void {
  void test(title, { skip }, async () => {
    const before = holdings()
    const folder = await mkdtemp(join(tmpdir(), 'pagent-real-'))
    const fleet = await startFleet(plan)
    const options: ServeOptions = { socketPath: join(folder, 'control.sock') }
    const server = await serveFleet(fleet, options)
    const client = connectTo(options.socketPath)
    try {
      await tell({ client, socketPath: options.socketPath })
    } finally {
      client.close()
      await fleet.stop({ hurry: true })
      await server.close()
      await rm(folder, { recursive: true })
    }
    await assertNothingLeft(before)
  })
}

/** The first event of that kind, past or to come. */
async function until(client: ControlClient, type: string, worker?: string): Promise<void> {
  for await (const frame of client.stream(['event'], { since: 0 }))
    if (frame.topic === 'event' && frame.data.type === type && (worker === undefined || frame.data.worker === worker))
      return
}

const web = workerOf('web', 'sh', ['-c', 'echo ready; exec cat'])
const quick = { backoff: { min: 1, max: 1, factor: 1, jitter: 0 } }

real('a crash is seen, counted and recovered from', planOf([
  workerOf('crasher', 'sh', ['-c', 'read -r line; exit 3'], quick),
  poolOf('adders', '', [], { module: new URL('../pool/fixtures/work.ts', import.meta.url).pathname }),
]), async ({ client, socketPath }) => {
  await until(client, 'ready', 'crasher')
  await client.send('crasher', 'go')
  for await (const frame of client.stream(['event'], { since: 0, workers: ['crasher'] }))
    if (frame.topic === 'event' && frame.data.type === 'ready' && frame.data.incarnation === 2) break
  assert.equal(await client.call('adders', { method: 'add', args: [1, 2] }), 3)
  await assert.rejects(client.call('adders', { method: 'subtract', args: [] }), { code: 'ERR_PAGENT_RPC', status: 502 })
  await assert.rejects(client.call('adders', { method: 'hold', args: [60_000], timeout: 10 }), { code: 'ERR_PAGENT_TIMEOUT', status: 504 })
  const { samples } = parseExposition((await ask(socketPath, '/metrics')).body)
  assert.equal(total(samples, 'pagent_worker_exits_total', { service: 'crasher', kind: 'failed', code: '3' }), 1)
  assert.equal(total(samples, 'pagent_worker_restarts_total', { service: 'crasher', reason: 'failed' }), 1)
  assert.equal(total(samples, 'pagent_worker_recovery_duration_seconds_count', { service: 'crasher' }), 1)
  assert.equal(total(samples, 'pagent_pool_calls_total', { pool: 'adders' }), 3)
  assert.equal(total(samples, 'pagent_pool_queue_wait_seconds_count', { pool: 'adders' }), 3)
  assert.equal(total(samples, 'pagent_worker_io_bytes_total', { service: 'crasher', direction: 'out' }), 'go\n'.length)
  assert.equal(total(samples, 'pagent_worker_io_bytes_total', { service: 'crasher', direction: 'in' }), 0)
  assert.ok(total(samples, 'pagent_worker_io_bytes_total', { service: 'adders', direction: 'in' }) > 0)
  const calls = (labels: object): number =>
    total(samples, 'pagent_rpc_duration_seconds_count', { service: 'adders', ...labels })
  assert.deepEqual([calls({ method: 'add', outcome: 'ok' }), calls({ method: 'hold', outcome: 'timeout' })], [1, 1])
  assert.deepEqual([calls({ method: 'other', outcome: 'error' }), calls({})], [1, 3], 'what does not exist has no name')
  const detail = await client.worker('crasher')
  assert.deepEqual([detail.restarts, detail.exits[0]?.kind], [1, 'failed'])
}) // prettier-ignore

real('what a worker writes is followed from its first line to its last', planOf([web]), async ({ client }) => {
  await until(client, 'ready', 'web')
  const heard: string[] = []
  const following = (async () => {
    for await (const { msg, stream } of client.logs({ follow: true })) if (stream === 'out') heard.push(msg)
  })()
  for (let count = 0; count < 200; count++) await client.send('web', `line ${count}`)
  await client.stop()
  await following
  assert.deepEqual(heard, ['ready', ...Array.from({ length: 200 }, (_, count) => `line ${count}`)])
})

registerTracing()

void test('a fleet propagates traces where somebody has registered a propagator', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const plan = planOf([workerOf('traced', 'sh', ['-c', 'echo "$TRACEPARENT"; exec cat'])])
  const fleet = await inSpan(traceId, () => startFleet(plan))
  const line = await new Promise((resolve) => {
    fleet.onLog(({ stream, msg }) => stream === 'out' && resolve(msg))
  })
  assert.equal(line, `00-${traceId}-b7ad6b7169203331-01`)
  await fleet.stop()
})

for (const page of ['control-api', 'metrics']) {
  const text = readFileSync(new URL(`../../docs/guide/${page}.md`, import.meta.url), 'utf8')
  const scripts = [...text.matchAll(/^```sh control-api\n(?<script>[\s\S]*?)^```$/gm)]
  for (const [index, { groups }] of scripts.entries()) {
    const script = groups?.['script'] ?? ''
    real(`docs/guide/${page}.md says what curl does (${index + 1})`, planOf([web], { name: 'shop' }), async ({ client, socketPath }) => {
      await until(client, 'ready', 'web')
      const expected = script.split('\n').filter((line) => line.startsWith('# → ')).map((line) => line.slice(4))
      const printed = await run(script, { ...process.env, SOCKET: socketPath })
      assert.equal(printed.length, expected.length, printed.join('\n'))
      for (const [at, line] of expected.entries()) assert.match(printed[at] ?? '', likeness(line))
    }, needsCurl) // prettier-ignore
  }
}

/** The lines that a script prints; answers of JSON have no line breaks of their own. */
function run(script: string, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const lineByLine = script.replaceAll(/^curl (.*)$/gm, 'curl $1; echo')
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', lineByLine], { env, timeout: 60_000 }, (error, stdout) => {
      if (error !== null) reject(error)
      else resolve(stdout.split('\n').filter((line) => line !== ''))
    })
  })
}

function likeness(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
