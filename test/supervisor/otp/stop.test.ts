import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type Worker, supervisor } from '../../../src/index.ts'
import { assertGone, counts, otp, pidOf, upTo } from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(2), children: [] }

void describe('OTP: how a supervisor stops', () => {
  otp(
    'sup_stop_infinity: a child, worker or supervisor, that may take for ever is waited for, the last one first',
    async (stage) => {
      const [child1, child2] = [stage.reluctant('child1'), stage.reluctant('child2')]
      const inner = supervisor({ id: 'inner', children: [{ child: child1, shutdown: 'infinity' }] })
      const sup = await stage.master.supervise({
        ...EMPTY,
        children: [
          { child: inner, shutdown: 'infinity' },
          { child: child2, shutdown: 'infinity' },
        ],
      })
      const pids = [pidOf(child1), pidOf(child2)]
      const stopping = sup.stop()
      await untilLeaving(child2)
      assert.deepEqual([sup.state, inner.state, child1.state], ['stopping', 'running', 'running'])
      await stage.release(child2)
      await untilLeaving(child1)
      assert.deepEqual([sup.state, inner.state], ['stopping', 'stopping'])
      await stage.release(child1)
      assert.equal((await stopping).kind, 'stopped')
      assertGone(...pids)
      for (const id of ['child1', 'child2'])
        assert.partialDeepStrictEqual((await stage.events.ended(id)).exit, {
          kind: 'stopped',
          step: 'eof',
          exitCode: 0,
        })
      assert.deepEqual((await stage.log()).slice(2), ['end child2', 'end child1'])
    },
  )

  otp('sup_stop_timeout: a child that takes longer than it may is killed, the others leave in order', async (stage) => {
    const [child1, child2] = [stage.child('child1'), stage.reluctant('child2')]
    const children = [
      { child: child1, shutdown: '1m' },
      { child: child2, shutdown: 50 },
    ]
    const sup = await stage.master.supervise({ ...EMPTY, children })
    const pids = [pidOf(child1), pidOf(child2)]
    assert.equal((await sup.stop()).kind, 'stopped')
    assertGone(...pids)
    assert.partialDeepStrictEqual((await stage.events.ended('child1')).exit, { kind: 'stopped', step: 'eof' })
    const { exit } = await stage.events.ended('child2')
    assert.partialDeepStrictEqual(exit, { kind: 'stopped', step: 'SIGKILL', signalCode: 'SIGKILL' })
    // It had been asked before, and had its time.
    assert.match(exit.stdoutTail, /leaving/)
    assert.ok(exit.uptime >= 50)
    assert.deepEqual((await stage.log()).slice(2), ['end child1'])
  })

  otp('sup_stop_timeout_dynamic: the same of temporary children that were added', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    await sup.add({ child: stage.child('child1'), restart: 'temporary', shutdown: '1m' })
    await sup.add({ child: stage.reluctant('child2'), restart: 'temporary', shutdown: 50 })
    const pids = [...stage.master.workers()].map(pidOf)
    assert.equal((await sup.stop()).kind, 'stopped')
    assertGone(...pids)
    assert.partialDeepStrictEqual((await stage.events.ended('child1')).exit, { kind: 'stopped', step: 'eof' })
    assert.partialDeepStrictEqual((await stage.events.ended('child2')).exit, { kind: 'stopped', step: 'SIGKILL' })
  })

  otp('sup_stop_brutal_kill: a child that gets no time is killed, the others leave in order', async (stage) => {
    const [child1, child2] = [stage.child('child1'), stage.reluctant('child2')]
    const children = [
      { child: child1, shutdown: '1m' },
      { child: child2, shutdown: 'brutal-kill' as const },
    ]
    const sup = await stage.master.supervise({ ...EMPTY, children })
    const pids = [pidOf(child1), pidOf(child2)]
    assert.equal((await sup.stop()).kind, 'stopped')
    assertGone(...pids)
    assert.partialDeepStrictEqual((await stage.events.ended('child1')).exit, { kind: 'stopped', step: 'eof' })
    assert.partialDeepStrictEqual((await stage.events.ended('child2')).exit, {
      kind: 'stopped',
      step: 'SIGKILL',
      signalCode: 'SIGKILL',
    })
    assert.deepEqual((await stage.log()).slice(2), ['end child1'])
  })

  otp(
    'sup_stop_brutal_kill: a child that gets no time is not asked before, not even by the end of its stdin',
    async (stage) => {
      for (let again = 0; again < 40; again++) {
        const sup = await stage.master.supervise(EMPTY)
        await sup.add({ child: stage.child('child1'), shutdown: 'brutal-kill' })
        await sup.stop()
        const { exit } = await stage.events.ended('child1', again + 1)
        assert.partialDeepStrictEqual(exit, { kind: 'stopped', step: 'SIGKILL', signalCode: 'SIGKILL' })
      }
      assert.deepEqual(new Set(await stage.log()), new Set(['start child1']))
    },
  )

  otp('sup_stop_brutal_kill_dynamic: ten temporary children that were added are killed, one by one', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const ids = Array.from({ length: 10 }, (_, index) => `child${index}`)
    for (const id of ids) await sup.add({ child: stage.reluctant(id), restart: 'temporary', shutdown: 'brutal-kill' })
    const pids = [...stage.master.workers()].map(pidOf)
    assert.deepEqual([new Set(pids).size, counts(sup)], [10, [10, 10, 0, 10]])
    assert.equal((await sup.stop()).kind, 'stopped')
    assertGone(...pids)
    await stage.events.until({ type: 'supervisor-exited' })
    const ends = stage.events.all({ type: 'child-exited' })
    assert.deepEqual(
      ends.map(({ child, exit }) => [child, exit.step]),
      ids.toReversed().map((id) => [id, 'SIGKILL']),
    )
  })

  otp(
    'sup_stop_race: children that end by themselves while the supervisor stops are told as they ended, and stay down',
    async (stage) => {
      const sup = await stage.master.supervise({ ...EMPTY, intensity: upTo(0) })
      const first = stage.child('first')
      const last = stage.reluctant('last')
      await sup.add({ child: first, restart: 'temporary' })
      const racers = (['temporary', 'transient', 'permanent'] as const).flatMap((restart) => [
        { child: stage.child(`${restart} normal`), restart, kind: 'normal' },
        { child: stage.child(`${restart} shutdown`), restart, kind: 'stopped' },
        { child: stage.child(`${restart} killed`), restart, kind: 'signaled' },
        { child: stage.child(`${restart} other`), restart, kind: 'failed' },
      ])
      for (const { child, restart } of racers) await sup.add({ child, restart })
      await sup.add({ child: last, restart: 'temporary' })
      const pids = [...stage.master.workers()].map(pidOf)
      const stopping = sup.stop()
      await untilLeaving(last)
      for (const { child, kind } of racers) {
        if (kind === 'signaled') child.kill()
        else if (kind === 'stopped') void child.stop()
        else void child.send(kind === 'normal' ? 'stop' : 'die')
      }
      for (const { child, kind } of racers) {
        const { exit, next } = await stage.events.ended(child.id)
        assert.deepEqual([exit.kind, next], [kind, 'stopped'])
      }
      assert.equal(sup.state, 'stopping')
      await stage.release(last)
      assert.equal((await stopping).kind, 'stopped')
      assertGone(...pids)
      assert.partialDeepStrictEqual(await stage.events.ended('first'), { exit: { kind: 'stopped' }, next: 'stopped' })
      assert.deepEqual(stage.events.all({ type: 'restart-planned' }), [])
      assert.equal((await stage.log()).at(-1), 'end first')
    },
  )

  otp(
    'sup_stop_non_shutdown_exit_dynamic: however a child answers to being stopped, of whatever kind, it was stopped',
    async (stage) => {
      for (const restart of ['temporary', 'transient', 'permanent'] as const) {
        const sup = await stage.master.supervise({ ...EMPTY, id: restart, intensity: upTo(0) })
        const codes = [0, 1, 3, 42]
        for (const code of codes) await sup.add({ child: stage.child(`${restart} ${code}`, {}, code), restart })
        assert.equal((await sup.stop()).kind, 'stopped')
        for (const code of codes)
          assert.partialDeepStrictEqual(await stage.events.ended(`${restart} ${code}`), {
            exit: { kind: 'stopped', step: 'eof', exitCode: code },
            next: 'stopped',
          })
      }
      assert.deepEqual(stage.events.all({ type: 'restart-planned' }), [])
    },
  )
})

/** It says `up …` first. */
async function untilLeaving(child: Worker): Promise<void> {
  while ((await child.receive()) !== 'leaving');
}
