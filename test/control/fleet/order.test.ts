import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fleetStory, stateOf } from '../../support/fleets.ts'
import { groupOf, planOf, workerOf } from '../../support/plans.ts'

const SLOW = ['-c', 'read go; echo ready; cat'] as const
/** Ends only once the file is there, or makes it when it ends. */
const gone = join(tmpdir(), `pagent-first-is-gone-${process.pid}`)
const WAITS = ['-c', `cat > /dev/null; while [ ! -e ${gone} ]; do sleep 0.01; done; rm ${gone}`] as const
const MAKES = ['-c', `cat > /dev/null; touch ${gone}`] as const
const patient = { shutdown: { farewell: undefined, eof: 60_000, killSignal: 'SIGTERM', grace: 3000 } } as const

const BROKEN = planOf([
  workerOf('gone', '/there/is/no/such/program'),
  workerOf('next', 'cat', [], { dependsOn: ['gone'] }),
  workerOf('last', 'cat', [], { dependsOn: ['next'] }),
  workerOf('other', 'cat'),
])

const readyByWord = { ready: { when: 'line', pattern: '^ready$' } } as const

fleetStory(
  'what depends on others is started once they are ready, and everything else at once',
  planOf([
    workerOf('db', 'sh', SLOW, readyByWord),
    workerOf('cache', 'cat'),
    workerOf('web', 'cat', [], { dependsOn: ['db', 'cache'] }),
  ]),
  async ({ fleet, seen, until }) => {
    await until('ready', ({ worker }) => worker === 'cache')
    await until('spawned', ({ worker }) => worker === 'db')
    assert.equal(await stateOf(fleet, 'web'), 'idle')
    assert.equal(fleet.status().isReady, false)
    await fleet.send('db', 'go')
    await until('fleet-ready')
    const order = seen.filter(({ type }) => type === 'ready').map(({ worker }) => worker)
    assert.deepEqual(order, ['cache', 'db', 'web'])
    assert.equal(fleet.status().isReady, true)
    assert.deepEqual(fleet.status().states, { running: 3 })
  },
)

fleetStory(
  'a fleet is stopped in reverse order of its dependencies',
  planOf([
    workerOf('db', 'cat'),
    groupOf('app', [workerOf('a', 'cat'), workerOf('b', 'cat')], { dependsOn: ['db'] }),
    workerOf('web', 'cat', [], { dependsOn: ['app'] }),
  ]),
  async ({ fleet, seen, until }) => {
    await until('fleet-ready')
    await fleet.stop()
    const order = seen.filter(({ type }) => type === 'exited').map(({ worker }) => worker)
    assert.deepEqual(order, ['web', 'b', 'a', 'db'])
    assert.ok(seen.some(({ type }) => type === 'fleet-stopping'))
  },
)

fleetStory(
  'a dependency that cannot be started leaves those that need it idle, and says so',
  BROKEN,
  async ({ fleet, until }) => {
    const failed = await until('start-failed')
    assert.equal(failed.worker, 'gone')
    assert.deepEqual((await until('dependency-failed', ({ worker }) => worker === 'next'))['dependsOn'], ['gone'])
    assert.deepEqual((await until('dependency-failed', ({ worker }) => worker === 'last'))['dependsOn'], ['next'])
    await until('ready', ({ worker }) => worker === 'other')
    assert.equal(await stateOf(fleet, 'gone'), 'failed')
    assert.equal(await stateOf(fleet, 'next'), 'idle')
    assert.equal(fleet.status().isReady, false)
  },
)

fleetStory(
  'who depends on one that has failed is not started with all, but by itself',
  BROKEN,
  async ({ fleet, until }) => {
    await until('fleet-incomplete')
    for (const action of ['start', 'restart'] as const) {
      const { results } = await fleet.act({ action, targets: ['all'] })
      assert.deepEqual(
        results.map(({ worker, ok, state }) => `${worker} ${ok} ${state}`),
        ['gone false failed', 'next false idle', 'last false idle', 'other true running'],
      )
      const why = `Cannot ${action} "next": it depends on gone, which did not start; start gone first, or next by itself`
      assert.equal(results[1]?.error?.message, why)
    }
    const { results } = await fleet.act({ action: 'restart', targets: ['next'] })
    assert.deepEqual([results[0]?.ok, results[0]?.state], [true, 'running'])
    await until('ready', ({ worker }) => worker === 'last')
  },
)

fleetStory(
  'a first start that fails is tried again, and those that depend on it wait for it',
  planOf([
    // Every attempt but the third ends before it is ready.
    workerOf(
      'db',
      'sh',
      ['-c', 'n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) >n; [ $n -lt 2 ] && exit 1; rm n; echo ready; cat'],
      {
        ...readyByWord,
        cwd: process.cwd(),
      },
    ),
    workerOf('web', 'cat', [], { dependsOn: ['db'] }),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    const [db] = await fleet.workers()
    assert.equal(db?.incarnation, 3)
    assert.equal(db?.restarts, 2)
  },
)

fleetStory(
  'what does not start by itself is started by who depends on it, or by hand',
  planOf([
    workerOf('needed', 'cat', [], { autostart: false }),
    workerOf('user', 'cat', [], { dependsOn: ['needed'] }),
    workerOf('spare', 'cat', [], { autostart: false }),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    assert.equal(await stateOf(fleet, 'needed'), 'running')
    assert.equal(await stateOf(fleet, 'spare'), 'idle')
    const { results } = await fleet.act({ action: 'start', targets: ['spare'] })
    assert.deepEqual(
      results.map(({ worker, ok, state }) => ({ worker, ok, state })),
      [{ worker: 'spare', ok: true, state: 'running' }],
    )
  },
)

const only = String.raw`test -z "$HOME" && test -n "$PATH" && test "$OWN" = own`

fleetStory(
  'a worker inherits the variables that are named, and so does the command that asks whether it is ready',
  planOf([
    workerOf('few', 'sh', ['-c', `${only} && exec cat`], {
      inheritEnv: ['PATH'],
      env: { OWN: 'own' },
      ready: { when: 'probe', every: 10, probe: 'command', file: 'sh', args: ['-c', only] },
    }),
    workerOf('all', 'sh', ['-c', 'test -n "$HOME" && exec cat'], { dependsOn: ['few'] }),
  ]),
  async ({ fleet, until }) => {
    await until('fleet-ready')
    assert.deepEqual(fleet.status().states, { running: 2 })
    await fleet.send('few', 'still there')
  },
)

fleetStory(
  'a group that stops together asks all at once: the last may wait for the first to end',
  planOf([
    groupOf('app', [workerOf('a', 'sh', MAKES, patient), workerOf('b', 'sh', WAITS, patient)], { stop: 'together' }),
  ]),
  async ({ fleet, seen, until }) => {
    await until('fleet-ready')
    await fleet.stop()
    const ends = seen.filter(({ type }) => type === 'exited')
    // Which of them is gone first is a matter of luck.
    assert.deepEqual(new Set(ends.map(({ worker }) => worker)), new Set(['a', 'b']))
    for (const { exit } of ends) assert.partialDeepStrictEqual(exit, { kind: 'stopped', step: 'eof' })
  },
)

fleetStory(
  'a fleet that is stopped while it starts starts nobody else',
  planOf([workerOf('db', 'sh', SLOW, readyByWord), workerOf('web', 'cat', [], { dependsOn: ['db'] })]),
  async ({ fleet, seen, until }) => {
    await until('spawned')
    await fleet.stop()
    assert.deepEqual(
      seen.filter(({ type }) => type === 'spawned').map(({ worker }) => worker),
      ['db'],
    )
    assert.ok(!seen.some(({ type }) => type === 'start-failed' || type === 'dependency-failed'))
  },
)

fleetStory(
  'what only has to be started before others need not be ready',
  planOf([
    workerOf('db', 'sh', SLOW, readyByWord),
    workerOf('web', 'cat', [], { startsAfter: ['db'] }),
    workerOf('other', 'cat', [], { dependsOn: ['db'] }),
  ]),
  async ({ fleet, seen, until }) => {
    await until('ready', ({ worker }) => worker === 'web')
    assert.deepEqual(
      seen.filter(({ type }) => type === 'spawned').map(({ worker }) => worker),
      ['db', 'web'],
    )
    assert.equal(await stateOf(fleet, 'db'), 'starting')
  },
)
