import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe } from 'node:test'
import type { Supervisor, Worker } from '../../../src/index.ts'
import { type Stage, assertGone, counts, end, otp, pidOf, upTo, which, up } from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(1_000_000), children: [] }

/** Ends a child which is then restarted again and again, in vain, and waits until that has gone on for a while. */
async function loops(stage: Stage, child: Worker): Promise<void> {
  await stage.refuse(child.id)
  const before = stage.events.all({ type: 'child-exited', child: child.id }).length
  await end(child, 'abnormal')
  const { next } = await stage.events.ended(child.id, before + 6)
  assert.equal(next, 'restart')
}

/** Ends a child whose restart hangs then; the process that hangs. */
async function hangs(stage: Stage, child: Worker): Promise<number> {
  await stage.refuse(child.id, 'hang')
  const { incarnation } = child
  await end(child, 'abnormal')
  await stage.events.until({ type: 'spawned', worker: child.id, incarnation: incarnation + 1 })
  return pidOf(child)
}

/** Whatever is the matter with the child, its supervisor stops at once, and nothing is started after that. */
async function stops(stage: Stage, sup: Supervisor, child: Worker): Promise<void> {
  assert.equal((await sup.stop()).kind, 'stopped')
  await stage.events.until({ type: 'supervisor-exited' })
  assert.equal(stage.events.seen.at(-1)?.type, 'supervisor-exited')
  assert.deepEqual([child.state, up(stage.master)], ['exited', []])
}

void describe('OTP: a child that cannot be restarted, and a supervisor that goes on trying', () => {
  otp('hanging_restart_loop: the child can be ended and started by hand, the supervisor be stopped', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const child = stage.child('child1')
    await sup.add({ child, shutdown: 'brutal-kill' })
    await loops(stage, child)
    await assert.rejects(sup.add(stage.child('child1')), /it has one of that name/)
    assert.deepEqual([sup.state, counts(sup)[0]], ['running', 1])
    await sup.terminate('child1')
    assert.deepEqual([which(sup), counts(sup)], [[['child1', 'exited']], [1, 0, 0, 1]])
    const lives = child.incarnation
    await stage.accept('child1')
    await sup.restart('child1')
    assert.deepEqual([which(sup), child.incarnation], [[['child1', 'running']], lives + 1])
    await loops(stage, child)
    await stops(stage, sup, child)
  })

  otp('hanging_restart_loop: the same when it is the restart itself that hangs', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const child = stage.child('child1')
    await sup.add({ child, shutdown: 'brutal-kill' })
    const hanging = await hangs(stage, child)
    assert.deepEqual(which(sup), [['child1', 'starting']])
    await sup.terminate('child1')
    assertGone(hanging)
    assert.deepEqual([which(sup), counts(sup)], [[['child1', 'exited']], [1, 0, 0, 1]])
    await stage.accept('child1')
    await sup.restart('child1')
    const again = await hangs(stage, child)
    await stops(stage, sup, child)
    assertGone(again)
  })

  otp(
    'hanging_restart_loop_rest_for_one: who was started before it lives on, who comes after it waits',
    async (stage) => {
      const { sup, child1, child2 } = await restForOne(stage)
      const pid = pidOf(child1)
      await loops(stage, child2)
      assert.deepEqual(which(sup)[2], ['child3', 'restarting'])
      assert.deepEqual([pidOf(child1), which(sup)[0]], [pid, ['child1', 'running']])
      await sup.terminate('child2')
      assert.deepEqual([pidOf(child1), which(sup)[1]], [pid, ['child2', 'exited']])
      await stage.accept('child2')
      await sup.restart('child2')
      assert.deepEqual([pidOf(child1), which(sup)[1]], [pid, ['child2', 'running']])
      await loops(stage, child2)
      await stops(stage, sup, child2)
      assertGone(pid)
    },
  )

  otp('hanging_restart_loop_rest_for_one: the same when it is the restart itself that hangs', async (stage) => {
    const { sup, child1, child2 } = await restForOne(stage)
    const pid = pidOf(child1)
    const hanging = await hangs(stage, child2)
    assert.deepEqual(which(sup), [
      ['child1', 'running'],
      ['child2', 'starting'],
      ['child3', 'restarting'],
    ])
    assert.deepEqual([pidOf(child1), counts(sup)], [pid, [3, 2, 0, 3]])
    await stops(stage, sup, child2)
    assertGone(pid, hanging)
    assert.deepEqual(stage.events.all({ type: 'child-started', child: 'child3' }).length, 1)
  })

  otp(
    'hanging_restart_loop_rest_for_one: who waits with a child that is then terminated by hand goes on waiting, and is started without it',
    async (stage) => {
      const { sup, child1, child2 } = await restForOne(stage)
      const pid = pidOf(child1)
      await loops(stage, child2)
      await sup.terminate('child2')
      // Whatever is done by hand after that has been done after whatever followed from it.
      await sup.add(stage.child('child4'))
      await stage.master.getWorker('child3').ready()
      // The worker knows a moment before its supervisor.
      await turn()
      assert.deepEqual(which(sup), [
        ['child1', 'running'],
        ['child2', 'exited'],
        ['child3', 'running'],
        ['child4', 'running'],
      ])
      assert.equal(pidOf(child1), pid)
    },
  )

  otp(
    'hanging_restart_loop_simple: a child that was added can be removed, the supervisor be stopped',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      const [child1, child2] = [stage.child('child1'), stage.child('child2')]
      for (const child of [child1, child2]) await sup.add({ child, shutdown: 'brutal-kill' })
      const pid = pidOf(child2)
      await loops(stage, child1)
      await sup.remove('child1')
      assert.deepEqual([which(sup), counts(sup), pidOf(child2)], [[['child2', 'running']], [1, 1, 0, 1], pid])
      await stage.accept('child1')
      await sup.add({ child: child1, shutdown: 'brutal-kill' })
      assert.deepEqual(counts(sup), [2, 2, 0, 2])
      await loops(stage, child1)
      await stops(stage, sup, child1)
      assertGone(pid)
    },
  )
})

/** Three children, of which the second will be in trouble. */
async function restForOne(stage: Stage): Promise<{ sup: Supervisor; child1: Worker; child2: Worker }> {
  const sup = await stage.master.supervise({ ...EMPTY, strategy: 'rest-for-one' })
  const [child1, child2, child3] = ['child1', 'child2', 'child3'].map((id) => stage.child(id)) as [
    Worker,
    Worker,
    Worker,
  ]
  for (const child of [child1, child2, child3]) await sup.add({ child, shutdown: 'brutal-kill' })
  return { sup, child1, child2 }
}
