import assert from 'node:assert/strict'
import { served, take } from './served.ts'

served('a client sees the fleet as it is', async ({ client, fleet }) => {
  assert.deepEqual(await client.fleet(), fleet.status())
  assert.deepEqual(await client.workers(), await fleet.workers())
  assert.deepEqual(await client.worker('web'), await fleet.worker('web', { revealEnv: false }))
  assert.equal((await client.worker('web', { revealEnv: true })).env['TOKEN'], 'secret')
  assert.deepEqual(await client.tree(), fleet.tree())
  assert.deepEqual(await client.pools(), [])
  const event = fleet.happen('ready', 'web', { after: 3 })
  assert.deepEqual(await client.events(), [event])
  assert.deepEqual(await client.events(event.seq), [])
})

served('what a client wants reaches the fleet', async ({ client, fleet }) => {
  const action = { action: 'signal', targets: ['web'], signal: 'SIGHUP' } as const
  assert.deepEqual((await client.act(action)).results, [{ worker: 'web', ok: true, state: 'running' }])
  await client.send('web', { hello: 1 })
  assert.deepEqual(await client.call('web', { method: 'add', args: [1, 2], timeout: 5 }), [1, 2])
  await client.stop({ hurry: true })
  assert.deepEqual(fleet.asked, [
    ['act', action],
    ['send', 'web', { hello: 1 }],
    ['call', 'web', { method: 'add', args: [1, 2], timeout: 5 }],
    ['stop', { hurry: true }],
  ])
})

served('one stream carries events, log lines and metrics, and begins with the fleet', async ({ client, fleet }) => {
  const stream = client.stream(['event', 'log', 'metrics'])
  const [hello, metrics] = await take(stream, 2)
  assert.deepEqual(hello, { topic: 'hello', data: fleet.status() })
  assert.equal(metrics?.topic, 'metrics')
})

served('events, log lines and metrics come in the order in which they happened', async ({ client, fleet }) => {
  const stream = client.stream(['event', 'log'])[Symbol.asyncIterator]()
  await stream.next()
  while (fleet.listeners[0] === 0) await new Promise((resolve) => void setImmediate(resolve))
  const expected = [
    { topic: 'log', data: fleet.write('web', 'one') },
    { topic: 'log', data: fleet.write('web', 'two') },
    { topic: 'event', data: fleet.happen('exited', 'web') },
    { topic: 'event', data: fleet.happen('restart-scheduled', 'web') },
    { topic: 'log', data: fleet.write('web', 'three') },
  ]
  for (const frame of expected) assert.deepEqual((await stream.next()).value, frame)
  await stream.return?.()
})

served('log lines are followed', async ({ client, fleet }) => {
  fleet.write('web', 'past')
  const logs = client.logs({ follow: true })[Symbol.asyncIterator]()
  assert.equal((await logs.next()).value?.msg, 'past')
  fleet.write('web', 'present')
  assert.equal((await logs.next()).value?.msg, 'present')
  await fleet.stop()
  assert.equal((await logs.next()).done, true)
})
