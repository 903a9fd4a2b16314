import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectTo } from '../../src/control/client/client.ts'
import { cpuTime } from '../support/cpu-time.ts'
import { settled } from '../support/fake-clock.ts'
import { FakeFleet } from './fake-fleet.ts'
import { served, take } from './served.ts'

/** A server that says what a test wants, in the place of a fleet. */
async function answering(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  tell: (socketPath: string, connections: () => number) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pagent-client-'))
  let connections = 0
  const server = createServer(answer).on('connection', () => connections++)
  const socketPath = join(folder, 's')
  await new Promise<void>((resolve) => void server.listen(socketPath, resolve))
  try {
    await tell(socketPath, () => connections)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => void server.close(resolve))
    await rm(folder, { recursive: true })
  }
}

const version = { 'pagent-schema-version': '1', 'content-type': 'application/json' }

/** What some servers say. */
const newer = (_: IncomingMessage, response: ServerResponse): void =>
  void response.writeHead(200, { ...version, 'pagent-schema-version': '2' }).end('{"schemaVersion":2}')
const other = (_: IncomingMessage, response: ServerResponse): void => void response.end('<html>')
const broken = (_: IncomingMessage, response: ServerResponse): void => void response.writeHead(200, version).end('{')
const silent = (_: IncomingMessage, response: ServerResponse): void => void response.writeHead(502, version).end('')
const dyingHalfway = (_: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { ...version, 'content-length': '100' }).write('{"a":')
  setImmediate(() => response.destroy())
}
const answer = (_: IncomingMessage, response: ServerResponse): void => void response.writeHead(200, version).end('{}')

void test('where no fleet is, it says so, and what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pagent-client-'))
  const noMaster = { name: 'ControlError', code: 'ERR_PAGENT_NO_MASTER', status: undefined, message: /pagent up/ }
  const absent = connectTo(join(folder, 'absent', 'control.sock'))
  await assert.rejects(absent.fleet(), noMaster)
  await assert.rejects(absent.act({ action: 'stop', targets: ['all'] }), noMaster)
  await assert.rejects(take(absent.stream(['event']), 1), noMaster)
  await assert.rejects(take(absent.logs({}), 1), noMaster)
  await absent.stop()
  // A file is there, and nobody behind it.
  await writeFile(join(folder, 'dead'), '')
  await assert.rejects(connectTo(join(folder, 'dead')).fleet(), { ...noMaster, message: /nobody listens.*any more/ })
  await assert.rejects(connectTo(join(folder, 'dead', 'x')).fleet(), noMaster)
  await rm(folder, { recursive: true })
})

void test('a fleet of another version is named, not misread', async () => {
  await answering(newer, async (socketPath) => {
    const client = connectTo(socketPath)
    const skewed = { code: 'ERR_PAGENT_VERSION', message: /version 2 of the control API, and this pagent knows 1/ }
    await assert.rejects(client.fleet(), skewed)
    await assert.rejects(take(client.stream(['event']), 1), skewed)
    client.close()
  })
})

void test('what is no fleet is told from one', async () => {
  await answering(other, async (socketPath) => {
    await assert.rejects(connectTo(socketPath).fleet(), { code: 'ERR_PAGENT_CONTROL', message: /no fleet of pagent/ })
  })
  await answering(broken, async (socketPath) => {
    await assert.rejects(connectTo(socketPath).fleet(), { code: 'ERR_PAGENT_CONTROL' })
  })
  await answering(silent, async (socketPath) => {
    await assert.rejects(connectTo(socketPath).fleet(), { code: 'ERR_PAGENT_CONTROL', message: /status 502/ })
  })
})

void test('a fleet that ends in the middle of an answer has ended', async () => {
  await answering(dyingHalfway, async (socketPath) => {
    const ended = { code: 'ERR_PAGENT_NO_MASTER', message: /has ended before it had answered/ }
    await assert.rejects(connectTo(socketPath).fleet(), ended)
    await assert.rejects(take(connectTo(socketPath).logs({}), 1), ended, 'history is cut short')
    await assert.doesNotReject(take(connectTo(socketPath).logs({ follow: true }), 1), 'what is followed has an end')
  })
})

void test('a stop is done when the fleet is gone, also when it could not say so any more', async () => {
  let isGone = false
  const dying = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/v1/stop' || isGone) response.destroy()
    else response.writeHead(200, version).end('{}')
    isGone ||= request.headers['x'] === undefined && request.url === '/v1/stop' && stops++ > 0
  }
  let stops = 0
  await answering(dying, async (socketPath) => {
    await assert.rejects(connectTo(socketPath).stop(), { code: 'ERR_PAGENT_NO_MASTER' }, 'it answers still')
    await connectTo(socketPath).stop()
  })
})

void test('readings share a connection, and one that was closed meanwhile is made anew', async () => {
  await answering(answer, async (socketPath, connections) => {
    const client = connectTo(socketPath)
    for (let count = 0; count < 5; count++) await client.fleet()
    assert.equal(connections(), 1)
    client.close()
  })
  const known = new Set<unknown>()
  const moody = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    if (known.has(socket)) socket.destroy()
    else response.writeHead(200, version).end('{}')
    known.add(socket)
  }
  await answering(moody, async (socketPath, connections) => {
    const client = connectTo(socketPath)
    for (let count = 0; count < 3; count++) await client.fleet()
    assert.ok(connections() > 1)
    client.close()
  })
})

void test('a change is asked for once, whatever becomes of its connection', async () => {
  const asked: string[] = []
  const deaf = (request: IncomingMessage): void => {
    asked.push(request.url ?? '')
    request.socket.destroy()
  }
  await answering(deaf, async (socketPath) => {
    await assert.rejects(connectTo(socketPath).send('web', 'once'), { code: 'ERR_PAGENT_NO_MASTER' })
    assert.deepEqual(asked, ['/v1/workers/web/send'])
  })
})

served('a call that is aborted is cancelled in the fleet, and rejects with the reason', async ({ client, fleet }) => {
  const begun = Promise.withResolvers<AbortSignal>()
  fleet.answer = (_, __, signal) => {
    begun.resolve(signal)
    return new Promise(() => {})
  }
  const controller = new AbortController()
  const called = client.call('web', { method: 'forever', args: [] }, controller.signal)
  const inFleet = await begun.promise
  const cancelled = new Promise((resolve) => inFleet.addEventListener('abort', resolve))
  controller.abort(new Error('enough'))
  await assert.rejects(called, /enough/)
  await cancelled
  await assert.rejects(client.call('web', { method: 'x', args: [] }, AbortSignal.abort(new Error('no'))), /no/)
})

served('a stream that is left early leaves nothing', async ({ client, fleet }) => {
  for (let count = 0; count < 20; count++) {
    await take(client.stream(['event', 'log', 'metrics']), 1)
    fleet.write('web', 'hello')
    await take(client.logs({ follow: true }), 1)
  }
})

served('a stream that is aborted ends in order, whether it is read or waits', async ({ client, fleet }) => {
  const controller = new AbortController()
  const { signal } = controller
  const read: string[] = []
  const reading = (async () => {
    for await (const { topic } of client.stream(['event'], { signal })) read.push(topic)
  })()
  const following = (async () => {
    for await (const { msg } of client.logs({ follow: true }, signal)) read.push(msg)
  })()
  while (fleet.listeners[1] === 0) await settled()
  fleet.write('web', 'line')
  while (!read.includes('line')) await settled()
  controller.abort()
  await Promise.all([reading, following])
  assert.deepEqual(read, ['hello', 'line'])
  assert.deepEqual(await take(client.stream(['event'], { signal }), 5), [], 'aborted before it began')
})

served('a stream takes up where another has ended', async ({ client, fleet }) => {
  for (let count = 0; count < 3; count++) fleet.happen('early')
  const frames = await take(client.stream(['event'], { since: 1 }), 3)
  assert.deepEqual(frames.map(({ topic, data }) => (topic === 'event' ? data.seq : topic)), ['hello', 2, 3]) // prettier-ignore
})

served('a stop resolves when the fleet has ended, and every stream ends with it', async ({ client, fleet }) => {
  const topics: string[] = []
  const reading = (async () => {
    for await (const { topic } of client.stream(['event'])) topics.push(topic)
  })()
  while (topics.length === 0) await settled()
  await client.stop()
  await reading
  assert.deepEqual(topics, ['hello', 'event'])
  assert.deepEqual(fleet.asked, [['stop', {}]])
})

served('a log that cannot be read to its end throws behind what could', async ({ client, fleet }) => {
  fleet.write('web', 'one')
  fleet.write('web', 'two')
  let reads = 0
  fleet.betweenRecords = () => {
    if (++reads === 2) throw new Error('the disk is gone')
  }
  const seen: string[] = []
  const reading = async (): Promise<void> => {
    for await (const { msg } of client.logs({})) seen.push(msg)
  }
  await assert.rejects(reading(), { code: 'ERR_PAGENT_INTERNAL', message: /the disk is gone/ })
  assert.deepEqual(seen, ['one'])
  await assert.rejects(take(client.logs({ workers: ['nobody'] }), 1), {
    code: 'ERR_PAGENT_UNKNOWN_WORKER',
    status: 404,
  })
})

served('a plan arrives as it was sent', async ({ client, fleet }) => {
  const program = {
    file: '/bin/cat',
    args: ['-u'],
    cwd: '/',
    env: { A: '1', B: null },
    inheritEnv: ['PATH'],
    framing: 'lines',
    ready: { when: 'probe', every: 100, probe: 'tcp', host: 'localhost', port: 80 },
    readyTimeout: 1000,
    alive: { every: 1, timeout: 2, retries: 3, probe: 'call', method: 'ping' },
    shutdown: { farewell: { bye: 1 }, eof: 1, killSignal: 'SIGTERM', grace: 2 },
    limits: { memory: 2 ** 20, enforce: 'exact' },
  } as const
  const worker = {
    ...program,
    kind: 'worker',
    id: 'web-1',
    service: 'web',
    dependsOn: [],
    restart: 'permanent',
    backoff: { min: 1, max: 2, factor: 2, jitter: 0.5 },
    intensity: { restarts: 3, within: 5000 },
    autostart: true,
    schedule: { cron: '* * * * *', timezone: undefined, overlap: 'skip' },
  } as const
  const pool = {
    kind: 'pool',
    id: 'p',
    dependsOn: ['web-1'],
    module: undefined,
    program,
    size: { min: 0, max: 4 },
    spares: 0,
    concurrency: 1,
    maxQueue: 10,
    idle: undefined,
    backoff: worker.backoff,
    intensity: worker.intensity,
    recycle: { calls: 3 },
    call: { timeout: 1000 },
  } as const
  const group = {
    kind: 'group',
    id: 'app',
    dependsOn: [],
    strategy: 'one-for-all',
    stop: 'one-by-one',
    intensity: worker.intensity,
  } as const
  const plan = {
    schemaVersion: 1,
    name: 'x',
    file: '/srv/pagent.yaml',
    folder: '/srv',
    entries: [{ ...group, children: [worker] }, pool],
    log: { maxSize: 1, maxFiles: 2, maxAge: undefined },
  } as const
  assert.deepEqual((await client.apply(plan)).added, ['app', 'p'])
  assert.deepEqual(fleet.asked, [['apply', JSON.parse(JSON.stringify(plan))]])
})

const crowd = Array.from({ length: 1000 }, (_, index): [string, object] => [`room-${index}`, { service: 'room' }])

served('a thousand workers are listed with little work', async ({ client }) => {
  const times: number[] = []
  for (let count = 0; count < 4; count++) {
    const spent = cpuTime()
    assert.equal((await client.workers()).length, 1000)
    times.push(spent())
  }
  // The first is slowed down by what was never run before, any by whatever else is cleaned up meanwhile.
  assert.ok(Math.min(...times) < 100, `server and client together took ${String(times)} ms`)
}, { fleet: () => new FakeFleet(Object.fromEntries(crowd)) }) // prettier-ignore
