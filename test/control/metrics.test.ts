import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RpcError } from '../../src/base/errors.ts'
import { FleetMetrics } from '../../src/control/metrics/fleet-metrics.ts'
import { type End, Lives } from '../../src/control/metrics/lives.ts'
import { parseExposition, total } from './exposition.ts'
import { FakeFleet } from './fake-fleet.ts'
import { served } from './served.ts'

const readers = { count: 0, dropped: { event: 0, log: 0, metrics: 0 } }

/** What some facts amount to, as text. */
function told(facts: readonly (readonly [type: string, at: number, more?: object, worker?: string])[]): string[] {
  const said: string[] = []
  const say =
    (what: string) =>
    (worker: string, ...more: (number | End)[]): void =>
      void said.push([worker, what, ...more.map((one) => (typeof one === 'number' ? one : one.kind))].join(' '))
  const lives = new Lives({
    begun: () => {},
    started: say('started'),
    exited: say('exited'),
    restarted: say('restarted'),
    recovered: say('recovered'),
    dropped: say('dropped'),
    stalled: say('stalled'),
    linesDropped: (count) => said.push(`${count} lines dropped`),
  })
  for (const [type, at, more, worker = 'a'] of facts) lives.observe({ type, at, worker, ...more })
  return said
}

const failed = { exit: { kind: 'failed', exitCode: 3 } }

void test('a start, an end, a restart and a recovery are told from each other', () => {
  assert.deepEqual(told([['spawned', 0], ['ready', 250, { after: 250 }], ['exited', 1000, failed]]), [
    'a started 0.25',
    'a exited failed',
  ]) // prettier-ignore
  const restarted = ['a exited failed', 'a restarted failed', 'a started 0.5', 'a recovered 1.5']
  assert.deepEqual(
    told([
      ['exited', 1000, failed],
      ['restart-scheduled', 1000],
      ['spawned', 2000],
      ['ready', 2500, { after: 500 }],
    ]),
    restarted,
  )
  // A supervisor says it of its child.
  const planned = { supervisor: 'app', child: 'a', stop: [], start: ['a'] }
  assert.deepEqual(
    told([
      ['exited', 1000, failed],
      ['restart-planned', 1000, { ...planned, worker: undefined }],
      ['spawned', 2000],
      ['ready', 2500, { after: 500 }],
    ]),
    restarted,
  )
})

void test('who is stopped since another has failed comes back, too', () => {
  const facts = [
    ['restart-planned', 0, { supervisor: 'app', child: 'b', stop: ['a'], start: ['b', 'a'], worker: undefined }],
    ['exited', 100, { exit: { kind: 'stopped' } }],
    ['spawned', 200],
    ['ready', 300, { after: 100 }],
  ] as const
  assert.deepEqual(told(facts), ['a exited stopped', 'a restarted stopped', 'a started 0.1', 'a recovered 0.2'])
})

void test('what is started again by hand has nothing to recover from', () => {
  const facts = [['exited', 0, failed], ['spawned', 9000], ['ready', 9100, { after: 100 }]] as const // prettier-ignore
  assert.deepEqual(told(facts), ['a exited failed', 'a started 0.1'])
})

void test('an outage lasts until a life is usable, however many there are before that one', () => {
  const again = (at: number) =>
    [
      ['restart-scheduled', at],
      ['spawned', at],
      ['exited', at + 100, failed],
    ] as const
  const facts = [['exited', 0, failed], ...again(1000), ...again(2000), ['restart-scheduled', 3000]] as const
  const said = told([...facts, ['spawned', 3000], ['ready', 3500, { after: 500 }]])
  assert.deepEqual(said.slice(-2), ['a started 0.5', 'a recovered 3.5'])
  assert.equal(said.filter((line) => line.startsWith('a restarted')).length, 3)
})

void test('lines that a disk does not take are counted, too', () => {
  const facts = [['log-dropped', 0, { worker: undefined, state: 'fails' }], ['log-dropped', 9, { worker: undefined, state: 'works', dropped: 7 }]] as const // prettier-ignore
  assert.deepEqual(told(facts), ['0 lines dropped', '7 lines dropped'])
})

void test('a clock that was set back makes no time negative', () => {
  const facts = [['exited', 9000, failed], ['restart-scheduled', 9000], ['spawned', 0], ['ready', 1, { after: 1 }]] as const // prettier-ignore
  assert.equal(told(facts).at(-1), 'a recovered 0')
})

void test('counts are what has happened, in whatever order it has', async () => {
  const workers = { 'web-1': { service: 'web' }, 'web-2': { service: 'web' }, db: { group: 'app' } }
  const step = fc.record({
    worker: fc.constantFrom(...Object.keys(workers)),
    kind: fc.constantFrom('failed', 'normal', 'limit'),
    isRestarted: fc.boolean(),
    took: fc.integer({ min: 0, max: 20_000 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const fleet = new FakeFleet(workers)
      const metrics = new FleetMetrics(fleet)
      for (const [index, { worker, kind, isRestarted, took }] of steps.entries()) {
        const exit = { kind, usage: { cpuTime: 500 }, ...(kind === 'failed' ? { exitCode: 1 } : {}) }
        fleet.happen('exited', worker, { exit, incarnation: index + 1 })
        if (isRestarted) fleet.happen('restart-scheduled', worker)
        fleet.happen('spawned', worker)
        fleet.happen('ready', worker, { after: took })
      }
      const { samples } = parseExposition((await metrics.text(readers)).text)
      const count = (what: (one: (typeof steps)[number]) => boolean): number => steps.filter(what).length
      assert.equal(total(samples, 'pagent_worker_exits_total'), steps.length)
      assert.equal(
        total(samples, 'pagent_worker_exits_total', { service: 'web' }),
        count((one) => one.worker !== 'db'),
      )
      assert.equal(
        total(samples, 'pagent_worker_exits_total', { code: '1' }),
        count((one) => one.kind === 'failed'),
      )
      const restarts = count((one) => one.isRestarted)
      assert.equal(total(samples, 'pagent_worker_restarts_total'), restarts)
      assert.equal(total(samples, 'pagent_worker_recovery_duration_seconds_count'), restarts)
      assert.equal(total(samples, 'pagent_worker_start_duration_seconds_count', { group: 'app' }), count((one) => one.worker === 'db')) // prettier-ignore
      const quick = count((one) => one.took <= 1000)
      assert.equal(total(samples, 'pagent_worker_start_duration_seconds_bucket', { le: '1' }), quick)
      metrics.close()
    }),
    { numRuns: 50 },
  )
})

void test('bytes and pauses of all lives add up, also while nobody looked', async () => {
  const fleet = new FakeFleet({ web: {} })
  const metrics = new FleetMetrics(fleet)
  const traffic = { bytesIn: 70, bytesOut: 5, pausedFor: 250 }
  const read = async (): Promise<readonly number[]> => {
    const { samples } = parseExposition((await metrics.text(readers)).text)
    const io = (direction: string): number => total(samples, 'pagent_worker_io_bytes_total', { direction })
    return [io('in'), io('out'), total(samples, 'pagent_worker_backpressure_seconds_total')]
  }
  // The fake says so much of the life that runs, which is the first.
  assert.deepEqual(await read(), [1000, 200, 1.5])
  assert.deepEqual(await read(), [1000, 200, 1.5], 'the same twice is not twice as much')
  fleet.happen('exited', 'web', { exit: { kind: 'failed', traffic: { ...traffic, bytesIn: 1300, bytesOut: 200 } }, incarnation: 1 }) // prettier-ignore
  assert.deepEqual(await read(), [1300, 200, 1.5])
  fleet.happen('exited', 'web', { exit: { kind: 'failed', traffic }, incarnation: 2 })
  assert.deepEqual(await read(), [1370, 205, 1.75])
  fleet.happen('exited', 'web', { exit: { kind: 'crashed' }, incarnation: 3 })
  assert.deepEqual(await read(), [1370, 205, 1.75], 'who never was a process has carried nothing')
  metrics.close()
})

void test('what a worker uses that was removed, and is added again, comes on top', async () => {
  const fleet = new FakeFleet({ web: {} })
  const metrics = new FleetMetrics(fleet)
  const cpu = async (): Promise<number> => {
    const { samples } = parseExposition((await metrics.text(readers)).text)
    return total(samples, 'pagent_worker_cpu_seconds_total')
  }
  for (const incarnation of [1, 2, 3]) {
    fleet.happen('spawned', 'web', { incarnation })
    fleet.happen('exited', 'web', { exit: { kind: 'stopped', usage: { cpuTime: 2000 } }, incarnation })
  }
  fleet.happen('deleted', 'web', { incarnation: 3 })
  assert.equal(await cpu(), 6, 'what was looked at before its end, and is told after that, is passed over')
  fleet.happen('spawned', 'web', { incarnation: 1 })
  assert.equal(await cpu(), 6 + 15)
  fleet.happen('exited', 'web', { exit: { kind: 'stopped', usage: { cpuTime: 16_000 } }, incarnation: 1 })
  assert.equal(await cpu(), 6 + 16)
  metrics.close()
})

void test('calls are counted by method and outcome, and no flood of names becomes one of series', async () => {
  const fleet = new FakeFleet({ api: { service: 'web', group: 'app' } })
  const metrics = new FleetMetrics(fleet)
  const unknown = {
    outcome: 'error',
    duration: 1,
    error: new RpcError('worker "api"', 'x', 'no such', -32_601),
  } as const
  for (let n = 0; n < 500; n++) fleet.called({ worker: 'api', method: `made-up-${n}`, ...unknown })
  fleet.called({ worker: 'api', method: 'get', outcome: 'ok', duration: 2 })
  fleet.called({ worker: 'api', method: 'get', outcome: 'timeout', duration: 3000 })
  fleet.called({ worker: 'api', method: 'x'.repeat(101), outcome: 'lost', duration: 1 })
  fleet.called({ pool: 'thumbs', method: 'get', outcome: 'cancelled', duration: 40 })
  for (let n = 0; n < 500; n++) fleet.called({ worker: 'api', method: `real-${n}`, outcome: 'ok', duration: 1 })
  fleet.called({ worker: 'api', method: 'get', outcome: 'ok', duration: 4 })
  const { samples } = parseExposition((await metrics.text(readers)).text)
  const count = (labels: Record<string, string>): number => total(samples, 'pagent_rpc_duration_seconds_count', labels)
  assert.equal(count({}), 1005)
  assert.equal(count({ method: 'get', outcome: 'ok', group: 'app', service: 'web' }), 2)
  assert.equal(total(samples, 'pagent_rpc_duration_seconds_sum', { method: 'get', outcome: 'timeout' }), 3)
  assert.equal(total(samples, 'pagent_rpc_duration_seconds_bucket', { method: 'get', outcome: 'ok', le: '0.0025' }), 1)
  assert.equal(count({ method: 'get', outcome: 'cancelled', service: 'thumbs' }), 1)
  assert.deepEqual(
    [count({ method: 'other', outcome: 'error' }), count({ method: 'other', outcome: 'lost' })],
    [500, 1],
  )
  assert.equal(count({ method: 'other', outcome: 'ok' }), 500 - 99)
  const names = new Set(samples.map(({ labels }) => labels['method']))
  assert.equal(names.size, 102, 'a hundred, the others, and series without a method')
  metrics.close()
  assert.deepEqual(fleet.listeners, [0, 0])
})

void test('what workers call, and what is only said, counts by itself', async () => {
  const fleet = new FakeFleet({ api: { service: 'web', group: 'app' } })
  const metrics = new FleetMetrics(fleet)
  const byWorker = { worker: 'api', from: 'worker', duration: 20 } as const
  const note = { kind: 'notification', duration: 1 } as const
  for (let n = 0; n < 500; n++) fleet.called({ ...byWorker, ...note, method: `made-up-${n}`, outcome: 'ok' })
  fleet.called({ worker: 'api', method: 'get', outcome: 'ok', duration: 2 })
  fleet.called({ ...byWorker, method: 'made-up-1', outcome: 'ok' })
  fleet.called({ ...byWorker, method: 'made-up-1', outcome: 'cancelled' })
  fleet.called({ ...note, worker: 'api', method: 'hear', outcome: 'lost' })
  fleet.called({ ...note, pool: 'thumbs', method: 'hear', outcome: 'ok' })
  const { samples } = parseExposition((await metrics.text(readers)).text)
  const sum = (name: string, labels: Record<string, string>): number => total(samples, `pagent_rpc_${name}`, labels)
  assert.equal(sum('duration_seconds_count', {}), 1)
  assert.equal(sum('duration_seconds_count', { method: 'get', outcome: 'ok' }), 1)
  assert.equal(sum('served_duration_seconds_count', { method: 'made-up-1', service: 'web', group: 'app' }), 2)
  assert.equal(sum('served_duration_seconds_bucket', { outcome: 'cancelled', le: '0.025' }), 1)
  assert.equal(sum('notifications_total', { direction: 'in', outcome: 'ok', service: 'web' }), 500)
  assert.equal(sum('notifications_total', { direction: 'in', method: 'other' }), 400)
  assert.equal(sum('notifications_total', { direction: 'out', method: 'hear', outcome: 'lost', service: 'web' }), 1)
  assert.equal(sum('notifications_total', { direction: 'out', method: 'hear', outcome: 'ok', service: 'thumbs' }), 1)
  metrics.close()
})

served('GET /metrics is the text format of Prometheus, and says what there is', async ({ client, fleet, get }) => {
  fleet.places.set('pool-1', { service: 'thumbs', pool: 'thumbs' })
  fleet.happen('exited', 'web', {
    exit: { kind: 'signaled', signalCode: 'SIGKILL', usage: { cpuTime: 5000 } },
    incarnation: 0,
  })
  const { status, headers, body } = await get('/metrics')
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  const { samples, types } = parseExposition(body)
  assert.equal(total(samples, 'pagent_build_info', { version: '0.0.0', node: '24.0.0' }), 1)
  assert.equal(total(samples, 'pagent_fleet_ready'), 1)
  assert.equal(total(samples, 'pagent_workers', { state: 'running' }), 3)
  assert.equal(total(samples, 'pagent_workers', { group: 'app', service: 'api' }), 1)
  assert.equal(total(samples, 'pagent_worker_memory_bytes'), 3 * 2 ** 25)
  assert.equal(total(samples, 'pagent_worker_cpu_seconds_total', { service: 'web' }), 5 + 15)
  assert.equal(total(samples, 'pagent_worker_exits_total', { kind: 'signaled', signal: 'SIGKILL', code: '' }), 1)
  assert.equal(total(samples, 'pagent_pool_queue_length', { pool: 'thumbs' }), 3)
  assert.equal(total(samples, 'pagent_pool_calls_total', { pool: 'thumbs' }), 10)
  const waits = samples.filter(({ name }) => name === 'pagent_pool_queue_wait_seconds_bucket')
  assert.deepEqual(waits.map(({ labels, value }) => [labels['le'], value]), [['0.00001', 1], ['0.00002', 2], ['+Inf', 4]]) // prettier-ignore
  assert.ok([...types.keys()].every((name) => name.startsWith('pagent_')))
  assert.ok(
    samples.every(({ labels }) => labels['worker'] === undefined),
    'no series for each worker, unless asked for',
  )
  await client.fleet()
})

served('a label for each worker is there for who asks', async ({ get }) => {
  const { samples } = parseExposition((await get('/metrics')).body)
  assert.equal(total(samples, 'pagent_workers', { worker: 'api-1', state: 'running' }), 1)
}, { metrics: { perWorker: true } }) // prettier-ignore
