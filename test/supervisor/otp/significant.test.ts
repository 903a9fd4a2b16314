import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type AutoShutdown, type Strategy, type Supervisor, type Worker, supervisor } from '../../../src/index.ts'
import { type How, type Stage, assertGone, counts, end, otp, pidOf, upTo, which } from './children.ts'

const MODES: readonly AutoShutdown[] = ['never', 'any-significant', 'all-significant']
const STRATEGIES: readonly Strategy[] = ['one-for-one', 'one-for-all', 'rest-for-one']

type Three = readonly [Worker, Worker, Worker]

/** Two significant children and one that is not. */
async function three(
  stage: Stage,
  id: string,
  autoShutdown: AutoShutdown,
  restart: 'transient' | 'temporary',
): Promise<{ readonly sup: Supervisor; readonly children: Three }> {
  const sup = await stage.master.supervise({ id, intensity: upTo(5), autoShutdown, children: [] })
  const children: Three = [stage.child(`${id}1`), stage.child(`${id}2`), stage.child(`${id}3`)]
  for (const [index, child] of children.entries()) await sup.add({ child, restart, significant: index < 2 })
  return { sup, children }
}

/** The child ends, and that is the end of its supervisor, in order, and of its siblings. */
async function endsAll(
  stage: Stage,
  sup: Supervisor,
  child: Worker,
  siblings: readonly Worker[],
  how: How,
): Promise<void> {
  const pids = siblings.map(pidOf)
  await end(child, how)
  assert.partialDeepStrictEqual(await stage.events.over(sup.id), { kind: 'normal' })
  assertGone(...pids)
  assert.equal(sup.state, 'exited')
  for (const sibling of siblings) assert.equal((await stage.events.ended(sibling.id)).next, 'stopped')
}

void describe('OTP: significant children', () => {
  otp(
    'nonsignificant_temporary: however it ends, its supervisor lives on, whatever its auto-shutdown',
    async (stage) => {
      for (const autoShutdown of MODES) {
        const sup = await stage.master.supervise({ id: autoShutdown, autoShutdown, children: [] })
        const child = stage.child(`${autoShutdown} child`)
        await sup.add({ child, restart: 'temporary' })
        await sup.terminate(child.id)
        for (const [index, how] of (['kill', 'abnormal', 'normal'] as const).entries()) {
          await sup.add({ child, restart: 'temporary' })
          await end(child, how)
          assert.equal((await stage.events.ended(child.id, index + 2)).next, 'stay-down')
          assert.deepEqual([sup.state, counts(sup)], ['running', [0, 0, 0, 0]])
        }
        assert.equal((await sup.stop()).kind, 'stopped')
      }
    },
  )

  otp(
    'nonsignificant_transient: however it ends, its supervisor lives on, whatever its auto-shutdown',
    async (stage) => {
      for (const autoShutdown of MODES) {
        const sup = await stage.master.supervise({ id: autoShutdown, autoShutdown, intensity: upTo(5), children: [] })
        const child = stage.child(`${autoShutdown} child`)
        await sup.add({ child, restart: 'transient' })
        await sup.terminate(child.id)
        await sup.restart(child.id)
        for (const [index, how] of (['kill', 'abnormal'] as const).entries()) {
          await end(child, how)
          await stage.events.started(child.id, index + 3)
        }
        await end(child, 'normal')
        assert.equal((await stage.events.ended(child.id, 4)).next, 'stay-down')
        assert.deepEqual([sup.state, which(sup)], ['running', [[child.id, 'exited']]])
        assert.equal((await sup.stop()).kind, 'stopped')
      }
    },
  )

  otp(
    'significant_temporary: the first end, or the last, whatever it was, is that of the supervisor',
    async (stage) => {
      for (const how of ['kill', 'abnormal', 'normal', 'shutdown'] as const) {
        const { sup, children } = await three(stage, how, 'any-significant', 'temporary')
        const [child1, ...siblings] = children
        const pids = siblings.map(pidOf)
        // Not when it was terminated by hand.
        await sup.terminate(child1.id)
        assert.equal((await stage.events.ended(child1.id)).next, 'stopped')
        assert.deepEqual([sup.state, siblings.map(pidOf)], ['running', pids])
        await sup.add({ child: child1, restart: 'temporary', significant: true })
        await endsAll(stage, sup, child1, siblings, how)
      }
      const { sup, children } = await three(stage, 'all', 'all-significant', 'temporary')
      const [child1, child2, child3] = children
      const pids = [pidOf(child2), pidOf(child3)]
      await end(child1, 'abnormal')
      assert.equal((await stage.events.ended(child1.id)).next, 'stay-down')
      assert.deepEqual([sup.state, pidOf(child2), pidOf(child3)], ['running', ...pids])
      await endsAll(stage, sup, child2, [child3], 'normal')
      assert.equal((await stage.events.ended(child2.id)).next, 'shut-down')
    },
  )

  otp(
    'significant_transient: after a failure it comes back; its end in order is that of the supervisor',
    async (stage) => {
      for (const how of ['normal', 'shutdown'] as const) {
        const { sup, children } = await three(stage, how, 'any-significant', 'transient')
        const [child1, ...siblings] = children
        const pids = siblings.map(pidOf)
        await sup.terminate(child1.id)
        await sup.restart(child1.id)
        for (const [index, failure] of (['kill', 'abnormal'] as const).entries()) {
          await end(child1, failure)
          await stage.events.started(child1.id, index + 3)
        }
        assert.deepEqual([sup.state, siblings.map(pidOf)], ['running', pids])
        await endsAll(stage, sup, child1, siblings, how)
      }
      const { sup, children } = await three(stage, 'all', 'all-significant', 'transient')
      const [child1, child2, child3] = children
      const pids = [pidOf(child2), pidOf(child3)]
      await end(child1, 'normal')
      assert.equal((await stage.events.ended(child1.id)).next, 'stay-down')
      assert.deepEqual([sup.state, pidOf(child2), pidOf(child3)], ['running', ...pids])
      await endsAll(stage, sup, child2, [child3], 'normal')
    },
  )

  otp(
    'significant_simple: who is added to a supervisor that never shuts down by itself cannot be significant',
    async (stage) => {
      const never = await stage.master.supervise({ id: 'never', children: [] })
      const child = stage.child('child1')
      const spec = { child, restart: 'transient', significant: true } as const
      await assert.rejects(never.add(spec), /autoShutdown is 'never'/)
      assert.deepEqual([which(never), await stage.log()], [[], []])
      // OTP knows no auto-shutdown where all children are added; here it is like any other.
      const any = await stage.master.supervise({ id: 'any', autoShutdown: 'any-significant', children: [] })
      await any.add(spec)
      await endsAll(stage, any, child, [], 'normal')
      assert.equal(never.state, 'running')
    },
  )

  otp('significant_bystander: who has to go for a sibling’s sake does not end the supervisor', async (stage) => {
    for (const strategy of STRATEGIES)
      for (const autoShutdown of MODES.slice(1)) {
        const id = `${strategy} ${autoShutdown}`
        const sup = await stage.master.supervise({ id, strategy, autoShutdown, intensity: upTo(5), children: [] })
        const children: Three = [stage.child(`${id} 1`), stage.child(`${id} 2`), stage.child(`${id} 3`)]
        for (const child of children) await sup.add({ child, restart: 'transient', significant: child !== children[1] })
        const pids = children.map(pidOf)
        await end(children[1], 'kill')
        const affected = { 'one-for-one': [1], 'one-for-all': [0, 1, 2], 'rest-for-one': [1, 2] }[strategy]
        for (const index of affected) await stage.events.started(`${id} ${index + 1}`, 2)
        for (const [index, child] of children.entries())
          assert.equal(pidOf(child) === pids[index], !affected.includes(index), `${id}: child ${index + 1}`)
        assertGone(...affected.map((index) => pids[index] as number))
        assert.deepEqual([sup.state, counts(sup)], ['running', [3, 3, 0, 3]])
        assert.equal((await sup.stop()).kind, 'stopped')
      }
  })

  otp(
    'significant_bystander: nor when it ends by itself before it is its turn to be stopped, whatever its end',
    async (stage) => {
      const autoShutdown = 'any-significant'
      for (const how of ['normal', 'abnormal'] as const) {
        const sup = await stage.master.supervise({
          id: how,
          strategy: 'one-for-all',
          autoShutdown,
          intensity: upTo(1),
          children: [],
        })
        const [child1, child2] = [stage.child(`${how} 1`), stage.child(`${how} 2`)]
        const slow = stage.reluctant(`${how} slow`)
        await sup.add({ child: child1, restart: 'transient', significant: true })
        for (const child of [child2, slow]) await sup.add({ child, restart: 'transient' })
        await end(child2, 'kill')
        await stage.events.until({ type: 'restart-planned', supervisor: how })
        await end(child1, how)
        assert.equal((await stage.events.ended(child1.id)).next, 'stopped')
        await stage.release(slow)
        await stage.events.started(slow.id, 2)
        assert.deepEqual([sup.state, counts(sup)], ['running', [3, 3, 0, 3]])
        assert.equal(stage.events.all({ type: 'restart-planned', supervisor: how }).length, 1)
        const stopping = sup.stop()
        await stage.release(slow)
        await stopping
      }
    },
  )

  otp(
    'significant_escalation: a supervisor that shuts down takes the one above with it if it is significant',
    async (stage) => {
      for (const significant of [true, false]) {
        const name = significant ? 'significant' : 'not'
        const child = stage.child(`${name} child`)
        const inner = supervisor({
          id: 'inner',
          autoShutdown: 'any-significant',
          children: [{ child, restart: 'transient', significant: true }],
        })
        const outer = await stage.master.supervise({ id: name, autoShutdown: 'any-significant', children: [] })
        await outer.add({ child: inner, restart: 'transient', significant })
        const bystander = stage.child(`${name} bystander`)
        await outer.add(bystander)
        const pid = pidOf(bystander)
        await end(child, 'normal')
        assert.equal((await stage.events.over(`${name}/inner`)).kind, 'normal')
        const { next } = await stage.events.until({ type: 'child-exited', supervisor: name, child: 'inner' })
        assert.equal(next, significant ? 'shut-down' : 'stay-down')
        if (significant) {
          assert.equal((await stage.events.over(name)).kind, 'normal')
          assertGone(pid)
        } else {
          assert.deepEqual([outer.state, counts(outer), pidOf(bystander)], ['running', [2, 1, 1, 1], pid])
        }
      }
    },
  )
})
