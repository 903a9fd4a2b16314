import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Fleet } from '../../../src/control/fleet/contract.ts'
import { startFleet } from '../../../src/control/fleet/fleet.ts'
import { fleetStory, pidsOf, stage, stateOf } from '../../support/fleets.ts'
import { groupOf, planOf, poolOf, workerOf } from '../../support/plans.ts'
import { fixture } from '../../support/story.ts'

const WEB = [1, 2].map((number) => workerOf(`web-${number}`, 'cat', [], { service: 'web', dependsOn: ['db'] }))

const PLAN = planOf([
  workerOf('db', 'cat'),
  ...WEB,
  groupOf('app', [workerOf('a', 'cat'), groupOf('inner', [workerOf('b', 'cat'), workerOf('c', 'cat')])]),
  poolOf('calc', process.execPath, [fixture('serves-and-misbehaves.ts')], { size: { min: 2, max: 2 } }),
])

const SPARE = workerOf('spare', 'cat', [], { autostart: false })

/** Who has another pid than before. */
async function changed(fleet: Fleet, before: Awaited<ReturnType<typeof pidsOf>>): Promise<string[]> {
  const after = await pidsOf(fleet)
  return Object.keys(after).filter((id) => after[id] !== before[id])
}

fleetStory(
  'a target is a worker, a service, a group, a pool, one of its workers, or all',
  PLAN,
  async ({ fleet, until }) => {
    await until('fleet-ready')
    const cases: [targets: string[], meant: string[]][] = [
      [['db'], ['db']],
      [['web'], ['web-1', 'web-2']],
      [['web-2'], ['web-2']],
      [['app:*'], ['a', 'b', 'c']],
      [['app'], ['a', 'b', 'c']],
      [['inner:*'], ['b', 'c']],
      [['app/inner'], ['b', 'c']],
      [
        ['c', 'inner', 'c'],
        ['b', 'c'],
      ],
      [['calc'], ['calc-1', 'calc-2']],
      [['calc-2'], ['calc-2']],
    ]
    for (const [targets, meant] of cases) {
      const before = await pidsOf(fleet)
      const { results } = await fleet.act({ action: 'restart', targets })
      assert.deepEqual([...new Set(results.map(({ worker }) => worker))], meant, targets.join(' '))
      assert.ok(
        results.every(({ ok }) => ok),
        JSON.stringify(results),
      )
      await until('fleet-ready')
      if (!targets.includes('calc-2')) assert.deepEqual(await changed(fleet, before), meant, targets.join(' '))
    }
    const { results } = await fleet.act({ action: 'restart', targets: ['all'] })
    assert.equal(results.length, 8)
    await assert.rejects(fleet.act({ action: 'stop', targets: ['db', 'nobody'] }), {
      code: 'ERR_PAGENT_UNKNOWN_WORKER',
      message: /^Cannot stop worker "nobody": there is no worker of that name \(known: db, web-1/,
    })
    assert.equal(await stateOf(fleet, 'db'), 'running', 'nothing was done')
    assert.equal((await fleet.worker('db', { revealEnv: false })).restarts, 0, 'what is asked for is no restart')
  },
)

fleetStory(
  'what is stopped stays down until it is started, each by its own keeper',
  PLAN,
  async ({ fleet, until, seen }) => {
    await until('fleet-ready')
    for (const target of ['db', 'web', 'a', 'c', 'inner', 'app', 'calc']) {
      const { results } = await fleet.act({ action: 'stop', targets: [target] })
      assert.ok(
        results.every(({ ok, state }) => ok && state === 'exited'),
        `${target}: ${JSON.stringify(results)}`,
      )
      assert.ok(results.every(({ exit }) => exit === undefined || exit.kind === 'stopped'))
    }
    assert.deepEqual(fleet.status().states, { exited: 6 })
    // Twice is not once more.
    await fleet.act({ action: 'stop', targets: ['all'] })
    const before = seen.filter(({ type }) => type === 'spawned').length
    const { results } = await fleet.act({ action: 'start', targets: ['all'] })
    assert.ok(
      results.every(({ ok, state }) => ok && state === 'running'),
      JSON.stringify(results),
    )
    await fleet.act({ action: 'start', targets: ['all'] })
    assert.equal(seen.filter(({ type }) => type === 'spawned').length, before + 8)
    const order = seen.filter(({ type }) => type === 'spawned').slice(before)
    const at = (id: string): number => order.findIndex(({ worker }) => worker === id)
    assert.ok(at('db') < at('web-1') && at('a') < at('b'))
  },
)

fleetStory(
  'a target that fails stops no other, and says why',
  planOf([
    workerOf('gone', '/there/is/no/such/program', [], { autostart: false }),
    workerOf('flaky', 'sh', ['-c', 'exit 3'], {
      autostart: false,
      ready: { when: 'line', pattern: 'never' },
      intensity: { restarts: 1, within: 60_000 },
    }),
    workerOf('fine', 'cat', [], { autostart: false }),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    const { results } = await fleet.act({ action: 'start', targets: ['gone', 'flaky', 'fine'] })
    assert.deepEqual(
      results.map(({ worker, ok }) => [worker, ok]),
      [
        ['gone', false],
        ['flaky', false],
        ['fine', true],
      ],
    )
    assert.equal(results[0]?.error?.code, 'ERR_PAGENT_SPAWN')
    assert.match(results[0]?.error?.message ?? '', /no\/such\/program does not exist/)
    assert.equal(results[1]?.error?.code, 'ERR_PAGENT_EXIT')
    assert.match(results[1]?.error?.message ?? '', /exited with code 3/)
    await until('start-failed', ({ worker }) => worker === 'flaky')
    assert.equal(await stateOf(fleet, 'flaky'), 'failed')
  },
)

fleetStory(
  'a pool whose workers do not start tries as often as it is told, and waits as long',
  planOf([
    poolOf('never', 'false', [], { intensity: { restarts: 0, within: 60_000 } }),
    poolOf('once', 'false', [], {
      intensity: { restarts: 1, within: 60_000 },
      backoff: { min: 7, max: 7, factor: 1, jitter: 0 },
    }),
  ]),
  async ({ seen, until }) => {
    await until('supervisor-exited', ({ supervisor }) => supervisor === 'never')
    assert.equal(seen.filter(({ type, worker }) => type === 'spawned' && worker === 'never-1').length, 1)
    const { after } = await until('restart-planned', ({ supervisor }) => supervisor === 'once/once')
    assert.equal(after, 7)
    await until('supervisor-exited', ({ supervisor }) => supervisor === 'once')
    assert.equal(seen.filter(({ type, worker }) => type === 'spawned' && worker === 'once-1').length, 2)
  },
)

fleetStory('a signal reaches all who are meant', PLAN, async ({ fleet, until, next }) => {
  await until('fleet-ready')
  const ends = ['a', 'b', 'c', 'calc-1'].map((id) => next('exited', ({ worker }) => worker === id))
  const { results } = await fleet.act({ action: 'signal', targets: ['app:*', 'calc-1'], signal: 'SIGKILL' })
  assert.deepEqual(
    results.map(({ worker, ok }) => [worker, ok]),
    [
      ['a', true],
      ['b', true],
      ['c', true],
      ['calc-1', true],
    ],
  )
  for (const event of await Promise.all(ends)) assert.equal((event['exit'] as { kind: string }).kind, 'signaled')
})

fleetStory(
  'who was left out follows when what it needs is started by hand',
  planOf([
    workerOf('db', 'sh', ['-c', 'test -e "$FLAG" && echo ready && cat'], {
      ready: { when: 'line', pattern: 'ready' },
      restart: 'temporary',
      env: { FLAG: `/tmp/pagent-flag-${process.pid}` },
    }),
    workerOf('web', 'cat', [], { dependsOn: ['db'] }),
    workerOf('last', 'cat', [], { dependsOn: ['web'] }),
  ]),
  async ({ fleet, until }) => {
    assert.deepEqual((await until('fleet-incomplete'))['missing'], ['db', 'web', 'last'])
    const flag = `/tmp/pagent-flag-${process.pid}`
    await writeFile(flag, '')
    await fleet.act({ action: 'start', targets: ['db'] })
    await until('ready', ({ worker }) => worker === 'last')
    await until('fleet-ready')
    await rm(flag)
  },
)

fleetStory(
  'children of a group that do not start by themselves are started by hand, and go with it',
  planOf([
    groupOf('app', [workerOf('a', 'cat'), SPARE], {
      strategy: 'one-for-all',
    }),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    assert.equal(await stateOf(fleet, 'spare'), 'idle')
    const { results } = await fleet.act({ action: 'start', targets: ['spare'] })
    assert.deepEqual([results[0]?.ok, results[0]?.state], [true, 'running'])
    await fleet.act({ action: 'stop', targets: ['app'] })
    assert.deepEqual(fleet.status().states, { exited: 2 })
  },
)

fleetStory(
  'a group that is started while it runs starts those of it that were stopped, and nobody else',
  planOf([
    workerOf('db', 'cat'),
    groupOf('app', [workerOf('a', 'cat'), groupOf('inner', [workerOf('b', 'cat'), workerOf('c', 'cat')]), SPARE]),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    const cases: [stopped: string[], target: string, started: string[]][] = [
      [['a'], 'app:*', ['a']],
      [['c'], 'all', ['c']],
      [['b', 'a'], 'all', ['a', 'b']],
      [['inner'], 'app', ['b', 'c']],
      [['b'], 'inner:*', ['b']],
    ]
    for (const [stopped, target, started] of cases) {
      const before = await pidsOf(fleet)
      await fleet.act({ action: 'stop', targets: stopped })
      const { results } = await fleet.act({ action: 'start', targets: [target] })
      assert.ok(results.every(({ ok }) => ok))
      assert.deepEqual(fleet.status().states, { running: 4, idle: 1 })
      assert.deepEqual(await changed(fleet, before), started)
    }
  },
)

fleetStory(
  'who is started by hand starts the groups it is in, and itself',
  planOf([groupOf('app', [workerOf('a', 'cat'), groupOf('inner', [workerOf('b', 'cat'), SPARE])])]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    for (const stopped of ['inner', 'app'])
      for (const target of ['spare', 'b']) {
        await fleet.act({ action: 'stop', targets: [stopped] })
        const { results } = await fleet.act({ action: 'start', targets: [target] })
        assert.deepEqual([results[0]?.worker, results[0]?.state], [target, 'running'])
        assert.equal(await stateOf(fleet, 'b'), 'running')
      }
  },
)

fleetStory(
  'what waits for its restart, or is on its way out, is started at once by hand',
  planOf([
    workerOf('waits', 'sh', ['-c', 'read go; exit 1'], {
      backoff: { min: 3_600_000, max: 3_600_000, factor: 1, jitter: 0 },
    }),
    workerOf('slow', 'sh', ['-c', 'cat; sleep 0.3']),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    await fleet.send('waits', 'go')
    await until('restart-scheduled', ({ worker }) => worker === 'waits')
    assert.equal(await stateOf(fleet, 'waits'), 'backoff')
    const started = await fleet.act({ action: 'start', targets: ['waits'] })
    assert.deepEqual([started.results[0]?.ok, started.results[0]?.state], [true, 'running'])
    const [stopped, again] = await Promise.all([
      fleet.act({ action: 'stop', targets: ['slow'] }),
      fleet.act({ action: 'start', targets: ['slow'] }),
    ])
    assert.ok(stopped.results[0]?.ok === true && again.results[0]?.ok === true, JSON.stringify([stopped, again]))
    assert.equal(await stateOf(fleet, 'slow'), 'running')
  },
)

void test('a plan that cannot be is refused, and nothing is touched', async (t) => {
  const bad: [plan: ReturnType<typeof planOf>, why: RegExp][] = [
    [
      planOf([workerOf('a', 'cat', [], { ready: { when: 'line', pattern: '(' } })]),
      /Cannot start worker "a": its ready line is no regular/,
    ],
    [planOf([workerOf('a', 'cat', ['\0'])]), /worker "a"/],
    [
      planOf([workerOf('a', 'cat', [], { schedule: { cron: '99 * * * *', timezone: undefined, overlap: 'skip' } })]),
      /Cannot schedule worker "a" at "99 \* \* \* \*"/,
    ],
    [
      planOf([workerOf('a', 'cat', [], { schedule: { cron: '* * * * *', timezone: 'Moon/Base', overlap: 'skip' } })]),
      /Cannot schedule worker "a" at .* in Moon\/Base/,
    ],
    [
      planOf([
        groupOf('g', [
          workerOf('a', 'cat', [], { shutdown: { farewell: 0, eof: -1, killSignal: 'SIGTERM', grace: 0 } }),
        ]),
      ]),
      /eof/,
    ],
    [planOf([poolOf('p', 'cat', [], { size: { min: 3, max: 1 } })]), /size/],
  ]
  for (const [plan, why] of bad) await assert.rejects(startFleet(plan), why)
  const fleet = await startFleet(planOf([workerOf('a', 'cat')]))
  t.after(() => fleet.stop())
  await stage(fleet).until('fleet-ready')
  const before = await pidsOf(fleet)
  for (const [plan, why] of bad) await assert.rejects(fleet.apply(plan), why)
  assert.deepEqual(await pidsOf(fleet), before)
})
