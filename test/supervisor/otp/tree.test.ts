import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type Restart, type Strategy, type Supervisor, type Worker, supervisor, worker } from '../../../src/index.ts'
import { fixture } from '../../support/story.ts'
import {
  FAST,
  type Stage,
  assertGone,
  collect,
  counts,
  end,
  otp,
  pidOf,
  untilCollected,
  upTo,
  which,
} from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(2), children: [] }
const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']

void describe('OTP: trees, order, and what is remembered', () => {
  otp(
    'tree: a failure is dealt with where it happens, or by the supervisor above, which knows only its spec',
    async (stage) => {
      const [child1, child2, child3, child4] = [1, 2, 3, 4].map((number) => stage.child(`child${number}`)) as [
        Worker,
        Worker,
        Worker,
        Worker,
      ]
      const sup1 = supervisor({ id: 'supchild1', intensity: upTo(4), children: [child1, child2] })
      const sup2 = supervisor({ id: 'supchild2', intensity: upTo(4), children: [] })
      const sup3 = supervisor({ id: 'supchild3', intensity: upTo(4), children: [] })
      const top = await stage.master.supervise({ id: 'top', strategy: 'one-for-all', intensity: upTo(4), children: [] })
      for (const child of [sup1, sup2]) await top.add({ child, backoff: FAST })
      await top.add({ child: sup3, restart: 'transient', backoff: FAST })
      await top.terminate('supchild3')
      assert.deepEqual(
        [counts(top), counts(sup1), counts(sup2)],
        [
          [3, 2, 3, 0],
          [2, 2, 0, 2],
          [0, 0, 0, 0],
        ],
      )
      for (const child of [child3, child4]) await sup2.add(child)
      const pids = [child1, child2, child3].map(pidOf)

      await end(child4, 'abnormal')
      await stage.events.started('child4', 2)
      assert.deepEqual([child1, child2, child3].map(pidOf), pids)
      assert.deepEqual([counts(sup1), counts(sup2), sup2.incarnation], [[2, 2, 0, 2], [2, 2, 0, 2], 1])

      const last = pidOf(child4)
      await stage.refuse('child3')
      await end(child3, 'abnormal')
      await stage.events.until({ type: 'child-started', supervisor: 'top', child: 'supchild3' }, 2)
      assertGone(...pids, last)
      assert.equal((await stage.events.ended('supchild2')).exit.kind, 'gave-up')
      assert.deepEqual(
        [counts(top), counts(sup1), counts(sup2), counts(sup3)],
        [
          [3, 3, 3, 0],
          [2, 2, 0, 2],
          [0, 0, 0, 0],
          [0, 0, 0, 0],
        ],
      )
      assert.deepEqual(which(sup1), [
        ['child1', 'running'],
        ['child2', 'running'],
      ])
      assert.ok(pidOf(child1) !== pids[0] && pidOf(child2) !== pids[1])
      assert.equal(stage.events.all({ type: 'restart-planned', supervisor: 'top' }).length, 1)
    },
  )

  otp('child_unlink: a child that has cut all its ties is killed, and nobody has to wait for that', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const naughty = worker('naughty', fixture('cuts-its-ties.sh'), [], {
      ready: /^up/,
      shutdown: { eof: 50, grace: 50 },
    })
    await sup.add(naughty)
    const pid = pidOf(naughty)
    const terminated = sup.terminate('naughty')
    await sup.add(stage.child('child2'))
    assert.deepEqual(which(sup), [
      ['naughty', 'stopping'],
      ['child2', 'running'],
    ])
    assert.partialDeepStrictEqual(await terminated, { kind: 'stopped', step: 'SIGKILL' })
    assertGone(pid)
    assert.deepEqual(counts(sup), [2, 1, 0, 2])
  })

  otp(
    'order_of_children: they start in the order of the spec, and stop in reverse, in part and in all',
    async (stage) => {
      // Not that of the alphabet.
      const ids = ['ch7', 'ch3', 'ch10', 'ch2', 'ch5']
      const children = ids.map((id) => stage.child(id))
      const sup = await stage.master.supervise({ ...EMPTY, strategy: 'rest-for-one', children })
      const started = ids.map((id) => `start ${id}`)
      assert.deepEqual(await stage.log(), started)
      const pids = children.map(pidOf)
      const third = stage.master.getWorker('ch10')
      await end(third, 'abnormal')
      await stage.events.started('ch5', 2)
      assert.partialDeepStrictEqual(await stage.events.until({ type: 'restart-planned' }), {
        stop: ['ch5', 'ch2'],
        start: ['ch10', 'ch2', 'ch5'],
      })
      assert.deepEqual((await stage.log()).slice(5), ['end ch10', 'end ch5', 'end ch2', ...started.slice(2)])
      assert.deepEqual(
        children.map((child, index) => pidOf(child) === pids[index]),
        [true, true, false, false, false],
      )
      await sup.stop()
      assert.deepEqual(
        (await stage.log()).slice(11),
        ids.toReversed().map((id) => `end ${id}`),
      )
    },
  )

  otp(
    'do_not_save_start_parameters_for_temporary_children: a temporary child that has ended is held by nobody',
    async (stage) => {
      const held: WeakRef<object>[] = []
      for (const strategy of STRATEGIES) held.push(...(await endThree(stage, strategy)))
      for (const ref of held) await untilCollected(ref)
    },
  )

  otp(
    'do_not_save_child_specs_for_temporary_children: the name of a temporary child is free after its end, no other',
    async (stage) => {
      for (const strategy of STRATEGIES)
        for (const how of ['kill', 'normal', 'abnormal', 'terminated'] as const) {
          const sup = await stage.master.supervise({ ...EMPTY, id: `${strategy} ${how}`, strategy, intensity: upTo(9) })
          for (const restart of ['permanent', 'transient', 'temporary'] as const)
            await endOne(stage, sup, `${sup.id} ${restart}`, restart, how)
          await sup.stop()
        }
    },
  )
})

/** Ends a child that way, and looks what is still known of it. */
async function endOne(
  stage: Stage,
  sup: Supervisor,
  id: string,
  restart: Restart,
  how: 'kill' | 'normal' | 'abnormal' | 'terminated',
): Promise<void> {
  const child = stage.child(id)
  await sup.add({ child, restart })
  if (how === 'terminated') await sup.terminate(id)
  else {
    await end(child, how)
    await stage.events.ended(id)
  }
  if (restart === 'temporary') {
    await sup.add({ child: stage.child(id), restart })
    assert.equal(sup.children().at(-1)?.incarnation, 1)
    return
  }
  await assert.rejects(sup.add({ child: stage.child(id), restart }), /it has one of that name/)
  if (how === 'terminated' || (how === 'normal' && restart === 'transient')) {
    assert.deepEqual(which(sup).at(-1), [id, 'exited'])
    await sup.restart(id)
  } else await stage.events.started(id, 2)
  assert.deepEqual(which(sup).at(-1), [id, 'running'])
  await sup.remove(id)
}

/** Three temporary children end: by itself, by hand, and where there is such a thing for the sake of a sibling. */
async function endThree(stage: Stage, strategy: Strategy): Promise<readonly WeakRef<object>[]> {
  const sup = await stage.master.supervise({ ...EMPTY, id: strategy, strategy })
  const ids = ['sibling', 'itself', 'hand', 'another'].map((name) => `${strategy} ${name}`)
  const held: WeakRef<object>[] = []
  for (const [index, id] of ids.entries()) {
    const child = stage.child(id, { env: { LARGE: 'x'.repeat(50_000) } })
    await sup.add({ child, restart: index === 0 ? 'permanent' : 'temporary' })
    held.push(new WeakRef(child))
  }
  const [sibling, itself, hand, another] = ids as [string, string, string, string]
  await end(stage.master.getWorker(itself), 'normal')
  await sup.terminate(hand)
  await end(stage.master.getWorker(sibling), 'kill')
  await stage.events.started(sibling, 2)
  if (strategy === 'one-for-one') await sup.terminate(another)
  assert.deepEqual(which(sup), [[sibling, 'running']])
  collect()
  assert.ok(held[0]?.deref() !== undefined)
  return held.slice(1)
}
