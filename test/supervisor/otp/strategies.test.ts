import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { Exit, Intensity, Strategy, Supervisor, Worker } from '../../../src/index.ts'
import { type Stage, assertGone, counts, end, otp, pidOf, upTo, which, up } from './children.ts'

/** Children that are started one after the other. */
async function family(
  stage: Stage,
  strategy: Strategy,
  intensity: Intensity,
  size: 2 | 3,
): Promise<{ readonly sup: Supervisor; readonly children: readonly Worker[] }> {
  const children = ['child1', 'child2', 'child3'].slice(0, size).map((id) => stage.child(id))
  const sup = await stage.master.supervise({ id: 'sup', strategy, intensity, children: [] })
  for (const child of children) await sup.add(child)
  return { sup, children }
}

/** What was too much, and that nobody is left. */
async function gaveUp(stage: Stage, sup: Supervisor, pids: readonly number[] = []): Promise<readonly string[]> {
  const exit = await stage.events.over('sup')
  assert.equal(exit.kind, 'gave-up')
  assertGone(...pids)
  assert.deepEqual([sup.state, up(stage.master)], ['failed', []])
  assert.equal(stage.events.all({ type: 'child-exited', next: 'give-up' }).length, 1)
  return (exit as Exit & { kind: 'gave-up' }).exits.map(({ id }) => id)
}

void describe('OTP: who is restarted with whom, and when it is too much', () => {
  otp('multiple_restarts: failures that are further apart than the period can go on for ever', async (stage) => {
    const backoff = { min: 5, max: 5, jitter: 0 }
    const child = stage.child('child1', { backoff })
    const sup = await stage.master.supervise({ id: 'sup', intensity: { restarts: 1, within: 4 }, children: [child] })
    for (let life = 2; life <= 7; life++) {
      await end(child, 'abnormal')
      await stage.events.started('child1', life)
    }
    assert.deepEqual([sup.state, sup.children()[0]?.restarts], ['running', 6])
    await sup.remove('child1')
    // The same failures within a period are too much.
    await stage.master.supervise({ id: 'hasty', intensity: upTo(1), children: [child] })
    await end(child, 'abnormal')
    await stage.events.started('child1', 9)
    await end(child, 'abnormal')
    assert.equal((await stage.events.over('hasty')).kind, 'gave-up')
  })

  otp('one_for_one: only who has failed is restarted; the third failure is one too many', async (stage) => {
    const { sup, children } = await family(stage, 'one-for-one', upTo(2), 2)
    const [child1, child2] = children as [Worker, Worker]
    const pids = [pidOf(child1), pidOf(child2)]
    await end(child1, 'abnormal')
    await stage.events.started('child1', 2)
    assert.deepEqual([pidOf(child1) === pids[0], pidOf(child2) === pids[1]], [false, true])
    assert.deepEqual(counts(sup), [2, 2, 0, 2])
    await end(child2, 'abnormal')
    await stage.events.started('child2', 2)
    const last = pidOf(child2)
    await end(child1, 'abnormal')
    assert.deepEqual(await gaveUp(stage, sup, [last]), ['child1', 'child2', 'child1'])
    assert.deepEqual(stage.events.all({ type: 'restart-planned', stop: [] }).length, 2)
  })

  otp(
    'one_for_one_escalation: who cannot be restarted takes the supervisor and its siblings with it',
    async (stage) => {
      const { sup, children } = await family(stage, 'one-for-one', upTo(4), 2)
      const [child1, child2] = children as [Worker, Worker]
      const pid = pidOf(child2)
      await stage.refuse('child1')
      await end(child1, 'abnormal')
      assert.deepEqual(
        await gaveUp(stage, sup, [pid]),
        Array.from({ length: 5 }, () => 'child1'),
      )
      assert.deepEqual(await stage.log(), ['start child1', 'start child2', 'end child1', 'end child2'])
    },
  )

  otp('one_for_all: all are stopped and started again, in order; the third failure is one too many', async (stage) => {
    const { sup, children } = await family(stage, 'one-for-all', upTo(2), 2)
    const [child1, child2] = children as [Worker, Worker]
    const pids = children.map(pidOf)
    await end(child1, 'abnormal')
    await stage.events.started('child2', 2)
    assertGone(...pids)
    assert.equal(new Set([...pids, ...children.map(pidOf)]).size, 4)
    assert.deepEqual([which(sup).length, counts(sup)], [2, [2, 2, 0, 2]])
    const round = ['end child1', 'end child2', 'start child1', 'start child2']
    assert.deepEqual((await stage.log()).slice(2), round)
    await end(child2, 'abnormal')
    await stage.events.started('child2', 3)
    assert.deepEqual((await stage.log()).slice(6), ['end child2', 'end child1', 'start child1', 'start child2'])
    const last = pidOf(child1)
    await end(child2, 'abnormal')
    assert.deepEqual(await gaveUp(stage, sup, [last]), ['child1', 'child2', 'child2'])
  })

  otp('one_for_all_escalation: a sibling that cannot be restarted takes the supervisor with it', async (stage) => {
    const { sup, children } = await family(stage, 'one-for-all', upTo(4), 2)
    const [child1, child2] = children as [Worker, Worker]
    const pids = children.map(pidOf)
    await stage.refuse('child2')
    await end(child1, 'abnormal')
    assert.deepEqual(await gaveUp(stage, sup, pids), ['child1', 'child2', 'child2', 'child2', 'child2'])
    assert.equal(child2.incarnation, 5)
    // Each time the first one had been started, and had to go again.
    const rounds = Array.from({ length: 4 }, () => ['start child1', 'end child1']).flat()
    assert.deepEqual((await stage.log()).slice(2), ['end child1', 'end child2', ...rounds])
  })

  otp(
    'one_for_all_other_child_fails_restart: who has been restarted is stopped again when a later one fails to start',
    async (stage) => {
      const { sup, children } = await family(stage, 'one-for-all', upTo(3), 2)
      const [child1, child2] = children as [Worker, Worker]
      await stage.refuse('child2', 0, 'once')
      await end(child1, 'kill')
      await stage.events.started('child1', 2)
      const second = child1.pid
      const { exit, next } = await stage.events.ended('child2', 2)
      assert.deepEqual([exit.kind, next], ['normal', 'restart'])
      assert.partialDeepStrictEqual(await stage.events.until({ type: 'restart-planned', child: 'child2' }), {
        stop: ['child1'],
        start: ['child1', 'child2'],
      })
      await stage.events.started('child2', 2)
      if (second !== undefined) assertGone(second)
      assert.deepEqual([child1.incarnation, child2.incarnation, counts(sup)], [3, 3, [2, 2, 0, 2]])
      assert.deepEqual((await stage.log()).slice(2), [
        'end child2',
        'start child1',
        'end child1',
        'start child1',
        'start child2',
      ])
    },
  )

  otp(
    'rest_for_one: who was started after it goes and comes back with it, who was started before it stays',
    async (stage) => {
      const { sup, children } = await family(stage, 'rest-for-one', upTo(2), 3)
      const [child1, child2, child3] = children as [Worker, Worker, Worker]
      const pids = children.map(pidOf)
      assert.deepEqual(counts(sup), [3, 3, 0, 3])
      await end(child2, 'abnormal')
      await stage.events.started('child3', 2)
      assertGone(...pids.slice(1))
      assert.equal(pidOf(child1), pids[0])
      assert.deepEqual([which(sup).length, counts(sup)], [3, [3, 3, 0, 3]])
      assert.deepEqual((await stage.log()).slice(3), ['end child2', 'end child3', 'start child2', 'start child3'])
      const second = pidOf(child2)
      await end(child3, 'abnormal')
      await stage.events.started('child3', 3)
      assert.deepEqual([pidOf(child1), pidOf(child2)], [pids[0], second])
      const last = [pidOf(child1), pidOf(child3)]
      await end(child2, 'abnormal')
      assert.deepEqual(await gaveUp(stage, sup, last), ['child2', 'child3', 'child2'])
      assert.deepEqual((await stage.log()).slice(-2), ['end child3', 'end child1'])
    },
  )

  otp('rest_for_one_escalation: a later one that cannot be restarted takes the supervisor with it', async (stage) => {
    const { sup, children } = await family(stage, 'rest-for-one', upTo(4), 2)
    const [child1] = children as [Worker, Worker]
    const pids = children.map(pidOf)
    await stage.refuse('child2')
    await end(child1, 'abnormal')
    assert.deepEqual(await gaveUp(stage, sup, pids), ['child1', 'child2', 'child2', 'child2', 'child2'])
    assert.deepEqual((await stage.log()).slice(2), ['end child1', 'end child2', 'start child1', 'end child1'])
  })

  otp(
    'rest_for_one_other_child_fails_restart: who has been restarted stays when a later one fails to start',
    async (stage) => {
      const { sup, children } = await family(stage, 'rest-for-one', upTo(3), 2)
      const [child1, child2] = children as [Worker, Worker]
      await stage.refuse('child2', 0, 'once')
      await end(child1, 'kill')
      await stage.events.started('child1', 2)
      const second = pidOf(child1)
      assert.equal((await stage.events.ended('child2', 2)).next, 'restart')
      assert.partialDeepStrictEqual(await stage.events.until({ type: 'restart-planned', child: 'child2' }), {
        stop: [],
        start: ['child2'],
      })
      await stage.events.started('child2', 2)
      assert.deepEqual([pidOf(child1), child1.incarnation, child2.incarnation], [second, 2, 3])
      assert.deepEqual((await stage.log()).slice(2), ['end child2', 'start child1', 'start child2'])
      assert.deepEqual(counts(sup), [2, 2, 0, 2])
    },
  )
})
