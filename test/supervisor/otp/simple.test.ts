import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { Supervisor, Worker } from '../../../src/index.ts'
import { type Stage, assertGone, counts, end, otp, pidOf, untilCollected, upTo, which, up } from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(2), children: [] }

/** What it says first, in each life anew. */
async function extra(child: Worker): Promise<void> {
  assert.equal(await child.receive(), `up ${pidOf(child)}`)
}

void describe('OTP’s simple_one_for_one: a one-for-one whose children are all added', () => {
  otp('simple_one_for_one: only who has failed is restarted; the third failure is one too many', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const [child1, child2] = [stage.child('child1'), stage.child('child2')]
    for (const child of [child1, child2]) await sup.add(child)
    const pids = [pidOf(child1), pidOf(child2)]
    await end(child1, 'abnormal')
    await stage.events.started('child1', 2)
    assert.deepEqual([pidOf(child1) === pids[0], pidOf(child2) === pids[1]], [false, true])
    assert.deepEqual([which(sup).length, counts(sup)], [2, [2, 2, 0, 2]])
    await end(child2, 'abnormal')
    await stage.events.started('child2', 2)
    const last = pidOf(child1)
    await end(child2, 'abnormal')
    assert.equal((await stage.events.over('sup')).kind, 'gave-up')
    assertGone(last)
    // What was added is forgotten.
    await sup.start()
    assert.deepEqual([which(sup), counts(sup)], [[], [0, 0, 0, 0]])
  })

  otp(
    'simple_one_for_one_shutdown: they leave at the same time, and all together take no longer than the slowest',
    async (stage) => {
      const sup = await stage.master.supervise({ ...EMPTY, stop: 'together' })
      const children = Array.from({ length: 10 }, (_, number) => stage.reluctant(`child${number}`))
      for (const child of children) await sup.add({ child, shutdown: '1m' })
      const pids = children.map(pidOf)
      const stopping = sup.stop()
      // In the order of their start: each would wait for ever if one waited for another.
      for (const child of children) {
        await stage.release(child)
        assert.partialDeepStrictEqual((await stage.events.ended(child.id)).exit, { kind: 'stopped', step: 'eof' })
      }
      assert.equal((await stopping).kind, 'stopped')
      assertGone(...pids)
    },
  )

  otp(
    'simple_one_for_one_shutdown: who leaves within its time leaves in order where that is not said, who does not is killed',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      const [child1, child2, child3] = [stage.reluctant('child1'), stage.reluctant('child2'), stage.reluctant('child3')]
      for (const child of [child1, child2]) await sup.add({ child, shutdown: '1m' })
      await sup.add({ child: child3, shutdown: 100 })
      const pids = [child1, child2, child3].map(pidOf)
      const began = performance.now()
      const stopping = sup.stop()
      assert.partialDeepStrictEqual((await stage.events.ended('child3')).exit, { kind: 'stopped', step: 'SIGKILL' })
      assert.ok(performance.now() - began >= 99)
      for (const child of [child2, child1]) {
        assert.equal(sup.state, 'stopping')
        await stage.release(child)
        assert.partialDeepStrictEqual((await stage.events.ended(child.id)).exit, { kind: 'stopped', step: 'eof' })
      }
      assert.equal((await stopping).kind, 'stopped')
      assertGone(...pids)
    },
  )

  otp(
    'simple_one_for_one_extra: what a child says while it starts is there after its own restart, too',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      const [child1, child2] = ['child1', 'child2'].map((id) => stage.child(id, { ready: 'first-message' })) as [
        Worker,
        Worker,
      ]
      for (const child of [child1, child2]) {
        await sup.add(child)
        await extra(child)
      }
      const pid = pidOf(child2)
      await end(child1, 'abnormal')
      await stage.events.started('child1', 2)
      await extra(child1)
      assert.deepEqual([pidOf(child2), counts(sup)], [pid, [2, 2, 0, 2]])
      await end(child2, 'abnormal')
      await stage.events.started('child2', 2)
      await extra(child2)
      await end(child1, 'abnormal')
      assert.equal((await stage.events.over('sup')).kind, 'gave-up')
    },
  )

  otp(
    'simple_one_for_one_escalation: who cannot be restarted takes the supervisor and its siblings with it',
    async (stage) => {
      const sup = await stage.master.supervise({ ...EMPTY, intensity: upTo(4) })
      const [child1, child2] = [stage.child('child1'), stage.child('child2')]
      for (const child of [child1, child2]) await sup.add(child)
      const pid = pidOf(child2)
      await stage.refuse('child1')
      await end(child1, 'abnormal')
      assert.equal((await stage.events.over('sup')).kind, 'gave-up')
      assertGone(pid)
      assert.deepEqual([child1.incarnation, up(stage.master)], [5, []])
      assert.deepEqual(await stage.log(), ['start child1', 'start child2', 'end child1', 'end child2'])
    },
  )

  otp(
    'simple_one_for_one_corruption: after the end of a temporary child the next one is forgotten like it',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      let last: WeakRef<object> | undefined
      for (const id of ['child1', 'child2', 'child3', 'child4']) {
        const next = await endsOnce(stage, sup, id)
        assert.deepEqual([which(sup), counts(sup), sup.state], [[], [0, 0, 0, 0], 'running'])
        // The very last process may be held by Node itself, until there is another.
        if (last !== undefined) await untilCollected(last)
        last = next
      }
    },
  )

  otp('simple_one_for_one_restart_ignore: who has nothing to do when it is restarted stays down', async (stage) => {
    const sup = await stage.master.supervise({ ...EMPTY, intensity: upTo(10) })
    const transient = stage.child('transient')
    await sup.add({ child: transient, restart: 'transient' })
    await end(transient, 'kill')
    await stage.events.started('transient', 2)
    await stage.refuse('transient', 0)
    await end(transient, 'kill')
    assert.partialDeepStrictEqual(await stage.events.ended('transient', 3), {
      exit: { kind: 'normal' },
      next: 'stay-down',
    })
    assert.deepEqual([which(sup), counts(sup), sup.state], [[['transient', 'exited']], [1, 0, 0, 1], 'running'])
    // A permanent one has promised to be there, and is tried again.
    const permanent = stage.child('permanent')
    await sup.add({ child: permanent, restart: 'permanent' })
    await stage.refuse('permanent', 0, 'once')
    await end(permanent, 'kill')
    assert.partialDeepStrictEqual(await stage.events.ended('permanent', 2), {
      exit: { kind: 'normal' },
      next: 'restart',
    })
    await stage.events.started('permanent', 2)
    assert.deepEqual(which(sup), [
      ['transient', 'exited'],
      ['permanent', 'running'],
    ])
    assert.equal((await sup.stop()).kind, 'stopped')
  })
})

/** A temporary child with a lot to its name lives and fails. */
async function endsOnce(stage: Stage, sup: Supervisor, id: string): Promise<WeakRef<object>> {
  const child = stage.child(id, { env: { LARGE: 'x'.repeat(50_000) } })
  await sup.add({ child, restart: 'temporary' })
  await end(child, 'abnormal')
  assert.equal((await stage.events.ended(id)).next, 'stay-down')
  return new WeakRef(child)
}
