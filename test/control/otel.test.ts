import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ROOT_CONTEXT, propagation, trace } from '@opentelemetry/api'
import { Pool, type WorkerSpec, jsonRpc, worker } from '../../src/index.ts'
import { instrumentFleet } from '../../src/control/otel/instrument-fleet.ts'
import { instrument, traceContext } from '../../src/control/otel/index.ts'
import { story, watch } from '../support/story.ts'
import { FakeFleet } from './fake-fleet.ts'
import { FakeMeters, type Measurement, inSpan, registerTracing } from './fake-otel.ts'

registerTracing()
const api = fileURLToPath(new URL('../sdk/fixtures/api-worker.ts', import.meta.url))
const [one, other] = ['0af7651916cd43dd8448eb211c80319c', '4bf92f3577b34da6a3ce929d0e0e4736']

function of(measured: readonly Measurement[], name: string): readonly Measurement[] {
  return measured.filter((each) => each.name === name)
}

story('a master tells OpenTelemetry what happens to its workers, and what they use', async (master) => {
  const meters = new FakeMeters()
  const instrumentation = instrument(master, { meterProvider: meters.provider })
  const events = watch(master)
  const crashing: WorkerSpec = { restart: 'transient', backoff: { min: 1, max: 1 } }
  const once = ['-c', 'if [ -z "$(cat)" ]; then exit 0; fi; exit 3']
  const crasher = await master.getWorker('crasher').start('sh', once, crashing)
  await crasher.send('crash')
  await crasher.end()
  await events.untilOne((event) => event.type === 'ready' && event['incarnation'] === 2)
  await master.supervise({ id: 'app', children: [worker('cat', 'cat')] })
  const now = await meters.read()
  assert.deepEqual(of(now, 'pagent.worker.count'), [
    { name: 'pagent.worker.count', value: 1, attributes: { 'pagent.worker.state': 'running' } },
    { name: 'pagent.worker.count', value: 1, attributes: { 'pagent.group': 'app', 'pagent.worker.state': 'running' } },
  ])
  assert.deepEqual(of(meters.measured, 'pagent.worker.exits').map(({ attributes }) => attributes), [
    { 'pagent.exit.kind': 'failed', 'process.exit.code': 3 },
  ]) // prettier-ignore
  assert.deepEqual(of(meters.measured, 'pagent.worker.restarts')[0]?.attributes, { 'error.type': 'failed' })
  assert.equal(of(meters.measured, 'pagent.worker.start.duration').length, 3)
  const [recovery] = of(meters.measured, 'pagent.worker.recovery.duration')
  assert.ok(recovery !== undefined && recovery.value >= 0 && recovery.value < 60)
  assert.equal(meters.units.get('pagent.worker.recovery.duration'), 's')
  assert.ok(of(now, 'pagent.worker.cpu.time').every(({ value }) => value >= 0))
  instrumentation.stop()
  assert.equal(meters.callbacks, 0)
  const before = meters.measured.length
  await master.stop()
  assert.equal(meters.measured.length, before, 'it counts no more')
})

story('a master tells OpenTelemetry what went to and from its workers, and what became of calls', async (master) => {
  const meters = new FakeMeters()
  const instrumentation = instrument(master, { meterProvider: meters.provider })
  const cat = await master.getWorker('cat').start('cat')
  await cat.send('grüße')
  await cat.receive()
  const io = async (): Promise<unknown[]> =>
    of(await meters.read(), 'pagent.worker.io').map(({ value, attributes }) => [
      value,
      attributes['pagent.io.direction'],
    ])
  assert.deepEqual(await io(), [
    [8, 'in'],
    [8, 'out'],
  ])
  await master.delWorker('cat')
  await new Promise((resolve) => void setImmediate(resolve))
  assert.deepEqual(
    await io(),
    [
      [8, 'in'],
      [8, 'out'],
    ],
    'what it has carried counts when it is gone',
  )
  assert.deepEqual([meters.units.get('pagent.worker.io'), meters.units.get('rpc.client.call.duration')], ['By', 's'])
  const pool = new Pool({ id: 'sums', module: new URL('../pool/fixtures/work.ts', import.meta.url), size: 1 })
  await master.supervise({ id: 'app', children: [pool] })
  await pool.call('add', [1, 2])
  await assert.rejects(pool.call('fail', []))
  await assert.rejects(pool.call('subtract', [1, 2]))
  const calls = of(meters.measured, 'rpc.client.call.duration')
  const common = { 'pagent.group': 'app/sums', 'rpc.system.name': 'jsonrpc' }
  assert.deepEqual(calls.map(({ attributes }) => attributes), [
    { ...common, 'rpc.method': 'add' },
    { ...common, 'rpc.method': 'fail', 'error.type': 'error' },
    { ...common, 'rpc.method': '_OTHER', 'error.type': 'error' },
  ]) // prettier-ignore
  assert.ok(
    calls.every(({ value }) => value > 0 && value < 60),
    'in seconds',
  )
  const still = of(await meters.read(), 'pagent.worker.backpressure.duration')
  assert.ok(still.length > 0 && still.every(({ value }) => value === 0))
  instrumentation.stop()
  await pool.call('add', [1, 2])
  assert.equal(of(meters.measured, 'rpc.client.call.duration').length, 3, 'it counts no more')
})

story('a master tells OpenTelemetry what its workers call, and what is only said', async (master) => {
  const meters = new FakeMeters()
  const instrumentation = instrument(master, { meterProvider: meters.provider })
  const client = (await master.getWorker('api').start(process.execPath, [api], { framing: jsonRpc<any>() })).rpc({
    serve: { greet: (name: string) => `hello ${name}` },
  })
  assert.equal(await client.call('callBack', 'greet', 'you'), 'hello you')
  await assert.rejects(client.call('callBack', 'nothing'))
  await client.notify('add', 1, 2)
  const seen = (name: string): unknown => of(meters.measured, name).map(({ attributes }) => attributes)
  const common = { 'rpc.system.name': 'jsonrpc' }
  assert.deepEqual(seen('rpc.server.call.duration'), [
    { ...common, 'rpc.method': 'greet' },
    { ...common, 'rpc.method': '_OTHER', 'error.type': 'error' },
  ])
  assert.deepEqual(seen('pagent.rpc.notifications'), [
    { ...common, 'rpc.method': 'add', 'pagent.rpc.direction': 'out' },
  ])
  assert.equal(of(meters.measured, 'rpc.client.call.duration').length, 2)
  assert.deepEqual(
    ['rpc.server.call.duration', 'pagent.rpc.notifications'].map((name) => meters.units.get(name)),
    ['s', '{notification}'],
  )
  instrumentation.stop()
})

story('an instrumented master that is disposed of is let go', async (master) => {
  const meters = new FakeMeters()
  instrument(master, { meterProvider: meters.provider, perWorker: true })
  await (
    await master.getWorker('true').start('true')
  ).exited
  await master[Symbol.asyncDispose]()
  await new Promise((resolve) => void setImmediate(resolve))
  assert.equal(meters.callbacks, 0)
  assert.equal(of(meters.measured, 'pagent.worker.exits')[0]?.attributes['pagent.worker'], 'true')
})

void test('a fleet tells it from its first event on, and of its pools', async () => {
  const fleet = new FakeFleet({
    'web-1': { service: 'web', group: 'app' },
    'pool-1': { service: 'pool', pool: 'pool' },
  })
  const exit = { kind: 'signaled', signalCode: 'SIGSEGV', usage: { cpuTime: 250 } }
  fleet.happen('exited', 'web-1', { exit, incarnation: 1 })
  const meters = new FakeMeters()
  const instrumentation = instrumentFleet(fleet, { meterProvider: meters.provider })
  fleet.happen('exited', 'web-1', { exit, incarnation: 2 })
  const [first] = of(meters.measured, 'pagent.worker.exits')
  const group = { 'pagent.group': 'app', 'pagent.service': 'web' }
  assert.deepEqual(first?.attributes, { ...group, 'pagent.exit.kind': 'signaled', 'pagent.exit.signal': 'SIGSEGV' })
  assert.equal(meters.measured.length, 2)
  const now = await meters.read()
  assert.deepEqual(of(now, 'pagent.pool.queue.length'), [
    { name: 'pagent.pool.queue.length', value: 3, attributes: { 'pagent.pool': 'pool' } },
  ])
  // Of the life that runs nothing is told before it is another than the two that have ended.
  assert.deepEqual(of(now, 'pagent.worker.cpu.time').map(({ value }) => value), [0.5, 15]) // prettier-ignore
  instrumentation.stop()
  assert.deepEqual([fleet.listeners, meters.callbacks], [[0, 0], 0])
})

story('the trace that is active reaches a worker by its environment, and a function by its call', async (master) => {
  const spec = { framing: jsonRpc<any>(), propagate: traceContext }
  const shell = await inSpan(one, () =>
    master.getWorker('shell').start('sh', ['-c', 'echo $TRACEPARENT; cat'], { propagate: traceContext }),
  )
  assert.equal(await shell.receive(), `00-${one}-b7ad6b7169203331-01`)
  const client = (await master.getWorker('api').start(process.execPath, [api], spec)).rpc()
  const received = (await inSpan(other, () => client.call('trace'))) as string
  assert.equal(trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent: received }))?.traceId, other)
  assert.equal(await client.call('trace'), null)
})
