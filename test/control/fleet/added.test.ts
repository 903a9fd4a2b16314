import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { WorkerEntry } from '../../../src/control/config/fleet-plan.ts'
import { fleetStory, stateOf } from '../../support/fleets.ts'
import { emptyFolder } from '../../support/folders.ts'
import { groupOf, planOf, workerOf } from '../../support/plans.ts'

const APP = [workerOf('a', 'cat'), workerOf('b', 'cat')] as const
const ONCE = { intensity: { restarts: 0, within: 60_000 } } as const
const folder = await emptyFolder()

/** Ends before it is ready, as often as it is told. */
const flaky = (id: string, times: number): WorkerEntry =>
  workerOf(
    id,
    'sh',
    ['-c', `n=$(cat "$N" || echo 0); echo $((n+1)) >"$N"; [ $n -lt ${times} ] && exit 1; echo ok; cat`],
    {
      ready: { when: 'line', pattern: '^ok$' },
      env: { N: join(folder, id) },
    },
  )

fleetStory(
  'who is new in a group that runs is tried as often as at the top',
  planOf([groupOf('g', APP)]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const ready = next('fleet-ready')
    const behind = workerOf('behind', 'cat', [], { dependsOn: ['added'] })
    await fleet.apply(
      planOf([flaky('top', 2), groupOf('g', [...APP, flaky('added', 2), behind, groupOf('s', [flaky('deep', 2)])])]),
    )
    await ready
    const lives = (await fleet.workers()).map(({ id, state, incarnation, restarts }) => [
      id,
      state,
      incarnation,
      restarts,
    ])
    assert.deepEqual(lives, [
      ['top', 'running', 3, 2],
      ['a', 'running', 1, 0],
      ['b', 'running', 1, 0],
      ['added', 'running', 3, 2],
      ['behind', 'running', 1, 0],
      ['deep', 'running', 3, 2],
    ])
    const at = async (id: string): Promise<number> => (await fleet.worker(id, { revealEnv: false })).startedAt ?? 0
    assert.ok((await at('behind')) >= (await at('added')))
  },
)

fleetStory(
  'who is new in a group and never starts has failed, and another apply tries it again',
  planOf([groupOf('g', APP)]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const incomplete = next('fleet-incomplete')
    const ready = next('fleet-ready')
    const plan = planOf([groupOf('g', [...APP, flaky('bad', 5), workerOf('gone', '/there/is/no/such/program')])])
    await fleet.apply(plan)
    assert.deepEqual((await incomplete)['missing'], ['bad', 'gone'])
    assert.deepEqual(fleet.status().states, { running: 2, failed: 2 })
    const dead = fleet.eventsSince(0).filter(({ type, worker }) => type === 'start-failed' && worker !== undefined)
    assert.deepEqual(new Set(dead.map(({ worker }) => worker)), new Set(['bad', 'gone']))
    await fleet.apply(planOf([groupOf('g', [...APP, flaky('bad', 5)])]))
    await ready
    assert.deepEqual(await stateOf(fleet, 'bad'), 'running')
  },
)

const never = (...args: string[]): WorkerEntry =>
  workerOf('slow', 'cat', args, { ready: { when: 'line', pattern: '^ok$' } })

fleetStory(
  'who is being added to a group can be changed, stopped, started and removed',
  planOf([groupOf('g', APP)]),
  async ({ fleet, until, next, seen }) => {
    await until('fleet-ready')
    const spawned = (): Promise<unknown> => next('spawned', ({ worker }) => worker === 'slow')
    for (const args of [[], ['-']]) {
      const isThere = spawned()
      await fleet.apply(planOf([groupOf('g', [...APP, never(...args)])]))
      await isThere
    }
    assert.equal((await fleet.act({ action: 'stop', targets: ['slow'] })).results[0]?.state, 'exited')
    const isBack = spawned()
    const started = fleet.act({ action: 'start', targets: ['slow'] })
    await isBack
    await fleet.send('slow', 'ok')
    assert.deepEqual((await started).results[0]?.state, 'running')
    const isNew = spawned()
    void fleet.act({ action: 'restart', targets: ['slow'] })
    await isNew
    const ready = next('fleet-ready')
    await fleet.apply(planOf([groupOf('g', APP)]))
    await ready
    assert.deepEqual(fleet.status().states, { running: 2 })
    assert.ok(!seen.some(({ type }) => type === 'start-failed'))
  },
)

fleetStory(
  'who is being added to a group that gives up does not revive it',
  planOf([groupOf('g', [workerOf('crasher', 'sh', ['-c', 'read go; exit 1'])], ONCE)]),
  async ({ fleet, until, next, seen }) => {
    await until('fleet-ready')
    const waits = next('restart-scheduled', ({ worker }) => worker === 'bad')
    const bad = flaky('bad', 1000)
    const backoff = { min: 50, max: 50, factor: 1, jitter: 0 }
    const crasher = workerOf('crasher', 'sh', ['-c', 'read go; exit 1'])
    await fleet.apply(
      planOf([groupOf('g', [crasher, { ...bad, backoff, intensity: { restarts: 100, within: 60_000 } }], ONCE)]),
    )
    await waits
    const gaveUp = next('supervisor-exited')
    const failed = next('start-failed', ({ worker }) => worker === 'bad')
    await fleet.send('crasher', 'go')
    await gaveUp
    await failed
    assert.deepEqual(fleet.status().states, { failed: 2 })
    assert.equal(seen.filter(({ type }) => type === 'supervisor-started').length, 1)
  },
)
