import assert from 'node:assert/strict'
import type { EntryPlan, FleetPlan } from '../../../src/control/config/fleet-plan.ts'
import { fleetStory, pidsOf, stateOf } from '../../support/fleets.ts'
import { groupOf, planOf, poolOf, workerOf } from '../../support/plans.ts'
import { fixture } from '../../support/story.ts'

const APP = [workerOf('a', 'cat'), workerOf('b', 'cat')] as const
const CALC = poolOf('calc', process.execPath, [fixture('serves-and-misbehaves.ts')])

fleetStory(
  'another plan touches only what differs',
  planOf([workerOf('same', 'cat'), workerOf('other', 'cat'), workerOf('old', 'cat'), groupOf('app', APP), CALC]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const before = await pidsOf(fleet)
    const ready = next('fleet-ready')
    const plan = planOf([
      groupOf('app', APP),
      workerOf('same', 'cat'),
      workerOf('other', 'cat', [], { env: { A: '1' } }),
      CALC,
      workerOf('new', 'cat', [], { dependsOn: ['other'] }),
    ])
    // As it comes from another process.
    const result = await fleet.apply(JSON.parse(JSON.stringify(plan)))
    assert.deepEqual(result, {
      schemaVersion: 1,
      added: ['new'],
      changed: ['other'],
      removed: ['old'],
      unchanged: ['app', 'a', 'b', 'same', 'calc'],
    })
    await ready
    const after = await pidsOf(fleet)
    assert.deepEqual(
      Object.keys(after).filter((id) => after[id] === before[id]),
      ['a', 'b', 'same', 'calc-1'],
    )
    assert.equal(after['old'], undefined)
    assert.notEqual(after['new'], undefined)
    const other = await fleet.worker('other', { revealEnv: true })
    assert.deepEqual([other.incarnation, other.restarts, other.env], [2, 0, { A: '1' }])
    assert.equal(other.lastExit?.kind, 'stopped')
  },
)

fleetStory(
  'the same plan touches nothing, but starts what has failed or was left out',
  planOf([workerOf('same', 'cat'), workerOf('stopped', 'cat'), workerOf('done', 'true', [], { restart: 'transient' })]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    await until('exited', ({ worker }) => worker === 'done')
    await fleet.act({ action: 'stop', targets: ['stopped'] })
    const before = await pidsOf(fleet)
    const ready = next('fleet-ready')
    const { unchanged } = await fleet.apply(
      planOf([
        workerOf('same', 'cat'),
        workerOf('stopped', 'cat'),
        workerOf('done', 'true', [], { restart: 'transient' }),
      ]),
    )
    assert.deepEqual(unchanged, ['same', 'stopped', 'done'])
    await ready
    assert.deepEqual(await pidsOf(fleet), before)
    assert.equal(await stateOf(fleet, 'done'), 'exited')
  },
)

fleetStory(
  'children of a group come, go and change alone where each is restarted alone',
  planOf([groupOf('app', [workerOf('a', 'cat'), workerOf('b', 'cat'), workerOf('c', 'cat')])]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const before = await pidsOf(fleet)
    const ready = next('spawned', ({ worker }) => worker === 'd')
    const { added, changed, removed } = await fleet.apply(
      planOf([groupOf('app', [workerOf('a', 'cat'), workerOf('c', 'cat', ['-']), workerOf('d', 'cat')])]),
    )
    assert.deepEqual([added, changed, removed], [['d'], ['c'], ['b']])
    await ready
    const after = await pidsOf(fleet)
    assert.deepEqual(Object.keys(after), ['a', 'c', 'd'])
    assert.equal(after['a'], before['a'])
    assert.notEqual(after['c'], before['c'])
    const c = await fleet.worker('c', { revealEnv: false })
    assert.deepEqual([c.incarnation, c.restarts, c.command], [2, 0, ['cat', '-']])
  },
)

const nested = (y: string[], more: readonly EntryPlan[] = []): FleetPlan =>
  planOf([
    groupOf('g', [
      workerOf('b', 'cat'),
      groupOf('s', [workerOf('z', 'cat'), workerOf('y', 'cat', y), ...more]),
      workerOf('c', 'cat'),
    ]),
  ])

fleetStory(
  'a change inside a group that is in another touches nobody else',
  nested([], [workerOf('x', 'cat')]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const before = await pidsOf(fleet)
    const ready = next('fleet-ready')
    const { changed, removed } = await fleet.apply(nested(['-']))
    assert.deepEqual([changed, removed], [['y'], ['x']])
    await ready
    const after = await pidsOf(fleet)
    assert.deepEqual(
      Object.keys(after).filter((id) => after[id] !== before[id]),
      ['y'],
    )
    assert.deepEqual(fleet.status().states, { running: 4 })
    // It begins its next life with those who are in it now.
    const again = next('supervisor-started', ({ supervisor }) => supervisor === 'g/s')
    await fleet.act({ action: 'restart', targets: ['s'] })
    await again
    assert.deepEqual(fleet.status().states, { running: 4 })
    assert.deepEqual((await fleet.worker('y', { revealEnv: false })).command, ['cat', '-'])
  },
)

fleetStory(
  'a group in another that changes its rules, or was stopped, is begun as it is now',
  nested([]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const { b, c } = await pidsOf(fleet)
    await fleet.act({ action: 'stop', targets: ['s'] })
    for (const more of [{}, { strategy: 'one-for-all' }] as const) {
      const ready = next('fleet-ready')
      const inner = groupOf('s', [workerOf('z', 'cat'), workerOf('y', 'cat', ['-'])], more)
      await fleet.apply(planOf([groupOf('g', [workerOf('b', 'cat'), inner, workerOf('c', 'cat')])]))
      await ready
      assert.deepEqual(fleet.status().states, { running: 4 })
    }
    const after = await pidsOf(fleet)
    assert.deepEqual([after['b'], after['c']], [b, c])
  },
)

fleetStory(
  'a group whose rules change is restarted as a whole, in order',
  planOf([groupOf('app', APP), workerOf('same', 'cat')]),
  async ({ fleet, until, next }) => {
    await until('fleet-ready')
    const before = await pidsOf(fleet)
    const ready = next('fleet-ready')
    const { changed, unchanged } = await fleet.apply(
      planOf([groupOf('app', APP, { strategy: 'rest-for-one' }), workerOf('same', 'cat')]),
    )
    assert.deepEqual([changed, unchanged], [['app', 'a', 'b'], ['same']])
    await ready
    const after = await pidsOf(fleet)
    assert.equal(after['same'], before['same'])
    assert.notEqual(after['a'], before['a'])
    assert.notEqual(after['b'], before['b'])
    assert.equal(fleet.tree().children?.[0]?.strategy, 'rest-for-one')
  },
)

fleetStory('a plan of another fleet is refused', planOf([workerOf('a', 'cat')]), async ({ fleet, until }) => {
  await until('fleet-ready')
  await assert.rejects(fleet.apply(planOf([], { name: 'another' })), /Cannot apply fleet "another" to fleet "test"/)
})

const moving = workerOf('x', 'cat')
const places: Record<string, FleetPlan> = {
  'the top': planOf([moving, groupOf('g', APP)]),
  'a group': planOf([groupOf('g', [...APP, moving])]),
  'a group in a group': planOf([groupOf('g', [...APP, groupOf('s', [moving])])]),
  'another group': planOf([groupOf('h', [moving]), groupOf('g', APP)]),
}

fleetStory(
  'who moves from one group to another, or to the top, is stopped there and started here',
  places['the top']!,
  async ({ fleet, until, next, seen }) => {
    await until('fleet-ready')
    const { a } = await pidsOf(fleet)
    let life = 1
    for (const place of [
      'a group',
      'a group in a group',
      'another group',
      'a group',
      'the top',
      'another group',
      'the top',
    ]) {
      const ready = next('fleet-ready')
      const { changed } = await fleet.apply(places[place]!)
      assert.ok(changed.includes('x'))
      await ready
      const x = await fleet.worker('x', { revealEnv: false })
      assert.deepEqual([place, x.state, x.incarnation, x.restarts], [place, 'running', ++life, 0])
    }
    const after = await pidsOf(fleet)
    assert.deepEqual([Object.keys(after).toSorted(), after['a']], [['a', 'b', 'x'], a])
    assert.ok(!seen.some(({ type }) => type === 'start-failed'))
  },
)
