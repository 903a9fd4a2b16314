/** What goes with starts and calls: the trace they belong to. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { fileURLToPath } from 'node:url'
import { type Master, Pool, type WorkerSpec, jsonRpc, memoryChannels, rpc } from '../../src/index.ts'
import { currentCall } from '../../src/sdk/index.ts'
import { story, watch } from '../support/story.ts'
import { test } from 'node:test'

const broken = (): never => {
  throw new Error('out of order')
}
const traced = (traceparent: string): object => ({ traceparent, 'x-b3-flags': '1' })

/** Stands for OpenTelemetry: which span is active, as its context manager has it. */
const active = new AsyncLocalStorage<string>()
const propagate = (): Record<string, string> | undefined => {
  const span = active.getStore()
  return span === undefined ? undefined : { traceparent: span, 'x-b3-flags': '1' }
}
const api = fileURLToPath(new URL('../sdk/fixtures/api-worker.ts', import.meta.url))
const traces = new URL('fixtures/traces.ts', import.meta.url)

async function printed(master: Master, id: string, spec: WorkerSpec): Promise<string | undefined> {
  const script = 'echo "$TRACEPARENT $X_B3_FLAGS"; read -r line'
  const worker = await master.getWorker(id).start('sh', ['-c', script], spec)
  return worker.receive()
}

story('a start carries the trace in which it was asked for into the environment', async (master) => {
  const line = await active.run('span-1', () => printed(master, 'traced', { propagate }))
  assert.equal(line, 'span-1 1')
  assert.equal(await printed(master, 'outside', { propagate }), ' ')
  assert.equal(process.env['TRACEPARENT'], undefined)
})

story(
  'also when it had to wait for its turn, behind starts of other traces',
  async (master) => {
    const spans = Array.from({ length: 12 }, (_, index) => `span-${index}`)
    const lines = await Promise.all(spans.map((span) => active.run(span, () => printed(master, span, { propagate }))))
    assert.deepEqual(lines, spans.map((span) => `${span} 1`)) // prettier-ignore
  },
  { maxStarts: 1 },
)

story('what its spec says of its environment stands above the trace', async (master) => {
  const env = { TRACEPARENT: undefined, X_B3_FLAGS: 'own' }
  assert.equal(await active.run('span', () => printed(master, 'own', { propagate, env })), ' own')
})

story('a call carries the trace in which it is made', async (master) => {
  const spec = { framing: jsonRpc<any>(), propagate }
  const worker = await master.getWorker('api').start(process.execPath, [api], spec)
  const client = worker.rpc()
  const asked = ['a', 'b', 'c'].map((span) => active.run(span, () => client.call('trace')))
  assert.deepEqual(await Promise.all(asked), ['a', 'b', 'c'])
  assert.equal(await client.call('trace'), null)
})

void test('the calls of a pool carry each their own trace, also those that wait', async (t) => {
  const pool = new Pool({ module: traces, size: 1, worker: { propagate } })
  t.after(() => pool.stop())
  const spans = Array.from({ length: 20 }, (_, index) => `span-${index}`)
  const asked = spans.map((span) => active.run(span, () => pool.call('traceparent', [])))
  assert.deepEqual(await Promise.all(asked), spans)
})

story(
  'what a master has by default, the pools below it have, too',
  async (master) => {
    const pool = new Pool({ module: traces, size: 1 })
    await master.supervise({ id: 'app', children: [pool] })
    const spans = Array.from({ length: 20 }, (_, index) => `span-${index}`)
    const asked = spans.map((span) => active.run(span, () => pool.call('traceparent', [])))
    assert.deepEqual(await Promise.all(asked), spans)
  },
  { defaults: { propagate } },
)

story('a propagator that throws fails its calls, and no start', async (master) => {
  const events = watch(master)
  const spec = { framing: jsonRpc<any>(), propagate: broken }
  const worker = await master.getWorker('api').start(process.execPath, [api], spec)
  const failed = await events.until('callback-failed')
  assert.deepEqual([failed.callback, failed.error.message], ['propagate', 'out of order'])
  await assert.rejects(worker.rpc().call('trace'), /out of order/)
  await assert.rejects(worker.rpc().notify('trace'), /out of order/)
})

void test('calls over any channel carry it, notices and streams too', async () => {
  const [here, there] = memoryChannels()
  const heard: unknown[] = []
  const hear = (): void => void heard.push(currentCall().meta)
  rpc(there, {
    serve: {
      hear,
      async *items() {
        hear()
        yield 1
      },
    },
  })
  const client = rpc(here, { propagate })
  await active.run('called', () => client.call('hear'))
  await active.run('noticed', () => client.notify('hear'))
  for await (const _ of active.run('streamed', () => client.stream('items'))) continue
  await client.call('hear')
  assert.deepEqual(heard, [traced('called'), traced('noticed'), traced('streamed'), {}])
})

story('what is no function is refused', async (master) => {
  const spec = { propagate: 'yes' as never }
  await assert.rejects(master.getWorker('cat').start('cat', [], spec), /propagate must be a function/)
})
