import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { GaveUpError, type Restart, type Supervisor, type Worker, supervisor } from '../../../src/index.ts'
import { type How, type Stage, assertGone, counts, end, otp, pidOf, upTo, which, up } from './children.ts'

/** A child of that kind below a supervisor that bears two failures. */
async function supervised(stage: Stage, restart: Restart): Promise<{ sup: Supervisor; child: Worker }> {
  const sup = await stage.master.supervise({ id: 'sup', intensity: upTo(2), children: [] })
  const child = stage.child('child1')
  await sup.add({ child, restart })
  return { sup, child }
}

/** It comes back, as another process. */
async function comesBack(stage: Stage, restart: Restart, hows: readonly How[]): Promise<void> {
  const { sup, child } = await supervised(stage, restart)
  for (const [index, how] of hows.entries()) {
    const pid = pidOf(child)
    await end(child, how)
    assert.equal((await stage.events.ended('child1', index + 1)).next, 'restart')
    await stage.events.started('child1', index + 2)
    assert.notEqual(pidOf(child), pid)
    assert.deepEqual([which(sup), counts(sup)], [[['child1', 'running']], [1, 1, 0, 1]])
    assert.equal(sup.children()[0]?.restarts, index + 1)
  }
}

/** It stays down, and no restart is even planned; a transient one is kept, a temporary one is forgotten. */
async function staysDown(stage: Stage, restart: Restart, hows: readonly How[]): Promise<void> {
  const { sup, child } = await supervised(stage, restart)
  for (const [index, how] of hows.entries()) {
    await end(child, how)
    assert.equal((await stage.events.ended('child1', index + 1)).next, 'stay-down')
    if (restart === 'transient') {
      assert.deepEqual([which(sup), counts(sup)], [[['child1', 'exited']], [1, 0, 0, 1]])
      await sup.restart('child1')
    } else {
      assert.deepEqual([which(sup), counts(sup)], [[], [0, 0, 0, 0]])
      await sup.add({ child, restart })
    }
    assert.deepEqual([which(sup), counts(sup)], [[['child1', 'running']], [1, 1, 0, 1]])
  }
  assert.deepEqual(stage.events.all({ type: 'restart-planned' }), [])
}

void describe('OTP: which child comes back after which end', () => {
  otp('permanent_normal: a permanent child that ends in order comes back', (stage) =>
    comesBack(stage, 'permanent', ['normal']),
  )

  otp('transient_normal: a transient child that ends in order stays down', (stage) =>
    staysDown(stage, 'transient', ['normal']),
  )

  otp('temporary_normal: a temporary child that ends in order is forgotten', (stage) =>
    staysDown(stage, 'temporary', ['normal']),
  )

  otp('permanent_shutdown: a permanent child that somebody else has stopped comes back, each time', (stage) =>
    comesBack(stage, 'permanent', ['shutdown', 'shutdown']),
  )

  otp('transient_shutdown: a transient child that somebody else has stopped stays down, each time', (stage) =>
    staysDown(stage, 'transient', ['shutdown', 'shutdown']),
  )

  otp('temporary_shutdown: a temporary child that somebody else has stopped is forgotten, each time', (stage) =>
    staysDown(stage, 'temporary', ['shutdown', 'shutdown']),
  )

  otp(
    'faulty_application_shutdown: what failed deep in a tree is what whoever started the tree is told',
    async (stage) => {
      await stage.refuse('server', 9)
      const before = stage.child('before')
      const faulty = supervisor({ id: 'app_faulty', children: [before, stage.child('server')] })
      const error = await stage.master.supervise({ id: 'app', children: [faulty] }).catch((reason: unknown) => reason)
      assert.ok(error instanceof GaveUpError)
      assert.match(error.message, /its child "app_faulty" gave up\b.*"server" exited with code 9/)
      assert.match(error.message, /its last stderr:\n {2}server cannot start/)
      assert.deepEqual(await stage.log(), ['start before', 'end before'])
      assert.deepEqual(up(stage.master), [])
    },
  )

  otp('permanent_abnormal: a permanent child that fails or is killed comes back', (stage) =>
    comesBack(stage, 'permanent', ['abnormal', 'kill']),
  )

  otp('transient_abnormal: a transient child that fails or is killed comes back', (stage) =>
    comesBack(stage, 'transient', ['abnormal', 'kill']),
  )

  otp('temporary_abnormal: a temporary child that fails or is killed is forgotten', (stage) =>
    staysDown(stage, 'temporary', ['abnormal', 'kill']),
  )

  for (const strategy of ['one-for-all', 'rest-for-one'] as const)
    otp(
      `temporary_bystander: in a ${strategy} a temporary child that has to go for a sibling’s sake never comes back`,
      async (stage) => {
        const sup = await stage.master.supervise({ id: 'sup', strategy, intensity: upTo(2), children: [] })
        const [child1, child2] = [stage.child('child1'), stage.child('child2')]
        await sup.add({ child: child1, restart: 'permanent' })
        await sup.add({ child: child2, restart: 'temporary' })
        const pids = [pidOf(child1), pidOf(child2)]
        await end(child1, 'normal')
        const plan = await stage.events.until({ type: 'restart-planned' })
        assert.deepEqual([plan.stop, plan.start], [['child2'], ['child1']])
        await stage.events.started('child1', 2)
        assertGone(...pids)
        assert.equal((await stage.events.ended('child2')).next, 'stopped')
        assert.deepEqual([which(sup), counts(sup), sup.state], [[['child1', 'running']], [1, 1, 0, 1], 'running'])
        assert.deepEqual(await stage.log(), [
          'start child1',
          'start child2',
          'end child1',
          'end child2',
          'start child1',
        ])
        assert.equal(stage.master.hasWorker('child2'), false)
      },
    )
})
