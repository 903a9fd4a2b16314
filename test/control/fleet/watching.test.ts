import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as listenAtPort } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { LogRecord } from '../../../src/control/api/wire.ts'
import type { Fleet } from '../../../src/control/fleet/contract.ts'
import { startFleet } from '../../../src/control/fleet/fleet.ts'
import { fleetStory, stage, stateOf } from '../../support/fleets.ts'
import { emptyFolder } from '../../support/folders.ts'
import { groupOf, planOf, poolOf, workerOf } from '../../support/plans.ts'
import { fixture } from '../../support/story.ts'

const CALC = fixture('serves-and-misbehaves.ts')

async function logOf(fleet: Fleet, ...workers: string[]): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for await (const record of fleet.logs({ lines: 1000, workers })) records.push(record)
  return records
}

fleetStory(
  'every line of every worker is a record, the last one without its end too, with what happened around it',
  planOf([
    workerOf('a', 'sh', ['-c', 'echo out; echo err >&2; printf half >&2; printf open; exit 3'], {
      restart: 'temporary',
    }),
  ]),
  async ({ fleet, until }) => {
    const live: LogRecord[] = []
    fleet.onLog((record) => live.push(record))
    await until('exited')
    const records = await logOf(fleet, 'a')
    assert.deepEqual(
      records.filter(({ stream }) => stream === 'out').map(({ msg, level }) => [msg, level]),
      [
        ['out', 30],
        ['open', 30],
      ],
    )
    assert.deepEqual(
      records.filter(({ stream }) => stream === 'err').map(({ msg, level }) => [msg, level]),
      [
        ['err', 40],
        ['half', 40],
      ],
    )
    const ours = records.filter(({ stream }) => stream === 'pagent').map(({ msg }) => msg)
    assert.match(ours[0] ?? '', /^started with pid \d+$/)
    assert.match(ours.at(-1) ?? '', /^exited with code 3 after /)
    assert.ok(records.every(({ incarnation, pid }) => incarnation === 1 && pid === records[0]?.pid))
    assert.deepEqual(
      live.map(({ seq }) => seq),
      records.map(({ seq }) => seq),
    )
  },
)

fleetStory(
  'a line of megabytes is cut, and ends nobody',
  planOf([
    workerOf('a', 'sh', [
      '-c',
      'head -c 3000000 /dev/zero | tr "\\0" x; echo; head -c 300000 /dev/zero | tr "\\0" y >&2; echo >&2; echo end; cat',
    ]),
  ]),
  async ({ fleet, seen }) => {
    await new Promise<void>((resolve) => {
      fleet.onLog(({ msg }) => {
        if (msg === 'end') resolve()
      })
    })
    const records = await logOf(fleet, 'a')
    const out = records.find(({ msg }) => msg.startsWith('x'))
    assert.match(out?.msg ?? '', /^x+… \(\d+ more characters\)$/)
    assert.ok(records.some(({ msg }) => /a message of \d+ bytes or more is longer than maxLength/.test(msg)))
    assert.ok(!seen.some(({ type }) => type === 'exited'))
    assert.equal(await stateOf(fleet, 'a'), 'running')
  },
)

fleetStory(
  'workers and pools answer calls, and what is sent arrives',
  planOf([
    workerOf('calls', process.execPath, [CALC], { framing: 'json-rpc' }),
    workerOf('json', 'cat', [], { framing: 'json' }),
    workerOf('lines', 'cat'),
    groupOf('app', [poolOf('calc', process.execPath, [CALC])]),
    poolOf('own', process.execPath, [CALC]),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    const { signal } = new AbortController()
    for (const id of ['calls', 'calc', 'own'])
      assert.deepEqual(await fleet.call(id, { method: 'echo', args: [{ a: 1 }] }, signal), { a: 1 }, id)
    await assert.rejects(fleet.call('calls', { method: 'nothing', args: [] }, signal), { code: 'ERR_PAGENT_RPC' })
    await assert.rejects(fleet.call('calls', { method: 'never', args: [], timeout: 50 }, signal), {
      code: 'ERR_PAGENT_TIMEOUT',
    })
    const over = new AbortController()
    const call = fleet.call('own', { method: 'never', args: [] }, over.signal)
    over.abort(new Error('enough'))
    await assert.rejects(call, /enough/)
    const heard = new Promise<string>((resolve) => {
      fleet.onLog(({ worker, stream, msg }) => {
        if (worker === 'json' && stream === 'out') resolve(msg)
      })
    })
    await fleet.send('json', { b: [2] })
    assert.equal(await heard, '{"b":[2]}')
    await fleet.send('lines', 'hello')
    await assert.rejects(fleet.send('lines', { b: 2 }), /Cannot send to worker "lines": it reads lines; send text/)
    await assert.rejects(fleet.send('calls', 'x'), /it serves calls/)
    await assert.rejects(fleet.call('lines', { method: 'x', args: [] }, signal), /does not serve calls/)
    await assert.rejects(fleet.send('nobody', 'x'), { code: 'ERR_PAGENT_UNKNOWN_WORKER' })
    await assert.rejects(fleet.call('nobody', { method: 'x', args: [] }, signal), { code: 'ERR_PAGENT_UNKNOWN_WORKER' })
    const pools = fleet.pools()
    assert.deepEqual(
      pools.map(({ id, workers, calls }) => ({ id, workers, calls })),
      [
        { id: 'calc', workers: 1, calls: 1 },
        { id: 'own', workers: 1, calls: 2 },
      ],
    )
    const detail = await fleet.worker('calc-1', { revealEnv: false })
    assert.deepEqual(detail.command, [process.execPath, CALC])
    const members = (await fleet.workers()).filter(({ pool }) => pool !== undefined)
    assert.deepEqual(
      members.map(({ id, pool, group, service }) => ({ id, pool, group, service })),
      [
        { id: 'calc-1', pool: 'calc', group: 'app', service: 'calc' },
        { id: 'own-1', pool: 'own', group: undefined, service: 'own' },
      ],
    )
  },
)

fleetStory(
  'a module is a pool of its functions, and what it prints is logged',
  planOf([poolOf('mod', '', [], { module: fixture('prints-and-adds.ts') })]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    const printed = new Promise<string>((resolve) => {
      fleet.onLog(({ worker, stream, msg }) => {
        if (worker === 'mod-1' && msg === 'adding 1 and 2') resolve(stream)
      })
    })
    assert.equal(await fleet.call('mod', { method: 'add', args: [1, 2] }, new AbortController().signal), 3)
    assert.equal(await printed, 'err')
  },
)

fleetStory(
  'what workers use is measured at once for all of them, and only when somebody asks',
  planOf([
    workerOf('busy', 'sh', ['-c', '(while :; do :; done) & echo up; wait'], { ready: { when: 'line', pattern: 'up' } }),
    workerOf('idle', 'cat', [], { limits: { memory: 500 * 2 ** 20 } }),
    workerOf('down', 'true', [], { restart: 'temporary' }),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    await until('exited', ({ worker }) => worker === 'down')
    const [[busy, idle, down], again] = [await fleet.workers(), await fleet.workers()]
    assert.equal(again[0]?.memory, busy?.memory, 'within half a second nobody looks twice')
    assert.ok((busy?.memory ?? 0) > 0 && (busy?.processes ?? 0) >= 2)
    // Both have just begun, and on a machine that stands still the busy one has not been busy yet.
    for (let one = busy, other = idle; (one?.cpu ?? 0) <= (other?.cpu ?? 1); await turn())
      [one, other] = await fleet.workers()
    assert.equal(idle?.memoryLimit, 500 * 2 ** 20)
    assert.deepEqual(
      [down?.state, down?.pid, down?.cpu, down?.lastExit?.kind],
      ['exited', undefined, undefined, 'normal'],
    )
  },
)

test('a worker whose checks fail is degraded, recovers, and is ended when too many fail in a row', async (t) => {
  const answers: number[] = []
  const server = createServer((_, response) => {
    response.statusCode = answers.shift() ?? 500
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  // Ready at the third look; then one failure, well again, and then nothing but failures.
  answers.push(500, 404, 204, 500, 302)
  const ask = { probe: 'http', url } as const
  const fleet = await startFleet(
    planOf([
      workerOf('web', 'cat', [], {
        ready: { when: 'probe', every: 1, ...ask },
        alive: { ...ask, every: 1, timeout: 5000, retries: 3 },
        restart: 'temporary',
      }),
    ]),
  )
  t.after(() => fleet.stop({ hurry: true }))
  const { until, seen } = stage(fleet)
  const exited = (await until('exited')) as { exit?: any }
  const types = seen
    .map(({ type }) => type)
    .filter((type) => type === 'degraded' || type === 'recovered' || type === 'ready')
  assert.deepEqual(types, ['ready', 'degraded', 'recovered', 'degraded'])
  assert.equal(exited.exit.kind, 'unresponsive')
  assert.match(exited.exit.error.message, /answered 500$/)
})

test('a command, a port and a call say whether a worker works', async (t) => {
  const server = listenAtPort().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const probe = { when: 'probe', every: 5 } as const
  const fleet = await startFleet(
    planOf([
      workerOf('command', 'cat', [], {
        env: { WELL: 'yes' },
        ready: { ...probe, probe: 'command', file: 'sh', args: ['-c', 'test "$WELL" = yes'] },
      }),
      workerOf('port', 'cat', [], { ready: { ...probe, probe: 'tcp', host: '127.0.0.1', port } }),
      workerOf('call', process.execPath, [CALC], {
        framing: 'json-rpc',
        ready: { ...probe, probe: 'call', method: 'pid' },
        alive: { probe: 'call', method: 'pid', every: 5, timeout: 5000, retries: 1 },
      }),
      workerOf('unwell', 'cat', [], {
        ready: { ...probe, probe: 'command', file: 'false', args: [] },
        readyTimeout: 100,
        restart: 'temporary',
      }),
    ]),
  )
  t.after(() => fleet.stop({ hurry: true }))
  const { until } = stage(fleet)
  for (const id of ['command', 'port', 'call']) await until('ready', ({ worker }) => worker === id)
  const { exit } = (await until('exited', ({ worker }) => worker === 'unwell')) as { exit?: any }
  assert.equal(exit.kind, 'unready')
  // Probes are nobody's workers.
  assert.equal((await fleet.workers()).length, 4)
})

test('a loop of crashes makes one report for each step of its backoff, and no more', async (t) => {
  const folder = await emptyFolder()
  const fleet = await startFleet(
    planOf([
      workerOf('loop', 'sh', ['-c', 'echo last words >&2; exit 7'], {
        env: { SECRET: 'hush' },
        backoff: { min: 1, max: 8, factor: 2, jitter: 0 },
        intensity: { restarts: 40, within: 600_000 },
      }),
    ]),
    { stateFolder: folder },
  )
  t.after(() => fleet.stop({ hurry: true }))
  const { until, seen } = stage(fleet)
  await until('gave-up')
  await fleet.stop()
  assert.equal(seen.filter(({ type }) => type === 'exited').length, 41)
  const names = await readdir(join(folder, 'crashes'))
  // Four steps up to the longest wait, and the last one of all.
  assert.ok(names.length >= 4 && names.length <= 6, `${names.length} reports`)
  const text = await readFile(join(folder, 'crashes', names.toSorted()[0]!), 'utf8')
  const report = JSON.parse(text) as Record<string, any>
  assert.equal(report['text'].startsWith('exited with code 7'), true)
  assert.equal(report['stderrTail'], 'last words\n')
  assert.deepEqual(report['spec'].env, { SECRET: '***' })
  assert.ok(!text.includes('hush'))
  assert.ok(report['log'].some(({ msg }: LogRecord) => msg === 'last words'))
  const detail = await fleet.worker('loop', { revealEnv: false })
  assert.deepEqual(
    detail.crashes,
    names
      .toSorted()
      .toReversed()
      .map((name) => join(folder, 'crashes', name)),
  )
  assert.equal(detail.exits.length, 20)
  assert.deepEqual(detail.env, { SECRET: '***' })
  assert.deepEqual((await fleet.worker('loop', { revealEnv: true })).env, { SECRET: 'hush' })
})

test('a state folder that cannot be written to is told once, and no worker notices', async (t) => {
  const folder = join(await emptyFolder(), 'state')
  await mkdir(folder)
  // What should be folders are files.
  await writeFile(join(folder, 'logs'), '')
  await writeFile(join(folder, 'crashes'), '')
  const fleet = await startFleet(
    planOf([
      workerOf('a', 'sh', ['-c', 'seq 1 200; exit 1'], { intensity: { restarts: 3, within: 60_000 } }),
      workerOf('b', 'cat'),
    ]),
    { stateFolder: folder },
  )
  t.after(() => fleet.stop({ hurry: true }))
  const { until, seen } = stage(fleet)
  await until('gave-up')
  await until('log-dropped')
  await until('state-not-written')
  assert.equal(await stateOf(fleet, 'b'), 'running')
  assert.deepEqual((await logOf(fleet, 'a')).filter(({ msg }) => msg === '200').length, 4)
  await fleet.stop()
  assert.equal(seen.filter(({ type }) => type === 'log-dropped').length, 1)
  assert.equal(seen.filter(({ type }) => type === 'state-not-written').length, 1)
})

test('a disk that takes nothing, and a reader that stops, do not slow a worker', async (t) => {
  const folder = await emptyFolder()
  const fleet = await startFleet(planOf([workerOf('flood', 'seq', ['1', '300000'], { restart: 'temporary' })]), {
    stateFolder: folder,
    openLog: () => ({ append: () => new Promise(() => {}), close: () => Promise.resolve() }),
  })
  t.after(() => fleet.stop({ hurry: true }))
  let heard = 0
  fleet.onLog(({ stream }) => {
    if (stream === 'out') heard++
  })
  const { until } = stage(fleet)
  const reader = fleet.logs({ lines: 10 })[Symbol.asyncIterator]()
  await reader.next()
  const { exit } = (await until('exited')) as { exit?: any }
  assert.equal(exit.kind, 'normal')
  assert.equal(heard, 300_000)
})
