import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { ExitError, GaveUpError, supervisor, worker } from '../../../src/index.ts'
import { assertGone, counts, end, otp, pidOf, upTo, which, up } from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(2), children: [] }

void describe('OTP: how a supervisor starts', () => {
  otp('sup_start_normal: a supervisor without children starts, and stops when it is asked', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    assert.deepEqual([sup.state, counts(sup)], ['running', [0, 0, 0, 0]])
    assert.equal((await sup.stop()).kind, 'stopped')
    assert.deepEqual([sup.state, [...stage.master.supervisors()]], ['exited', []])
    await stage.events.until({ type: 'supervisor-exited', supervisor: 'sup' })
  })

  otp('sup_start_ignore_child: one that has nothing to do is kept, down, and the next is started', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    await stage.refuse('child1', 0)
    await sup.add(stage.child('child1', { restart: 'transient' }))
    await sup.add(stage.child('child2'))
    assert.deepEqual(which(sup), [
      ['child1', 'exited'],
      ['child2', 'running'],
    ])
    assert.deepEqual(counts(sup), [2, 1, 0, 2])
    await stage.accept('child1')
    await sup.restart('child1')
    assert.deepEqual(counts(sup), [2, 2, 0, 2])
  })

  otp('sup_start_ignore_temporary_child: a temporary child that has nothing to do is forgotten', async (stage) => {
    await stage.refuse('child1', 0)
    const children = ['child1', 'child2'].map((id) => stage.child(id, { restart: 'temporary' }))
    const sup = await stage.master.supervise({ ...EMPTY, children })
    assert.deepEqual([which(sup), counts(sup)], [[['child2', 'running']], [1, 1, 0, 1]])
    assert.equal(stage.master.hasWorker('child1'), false)
  })

  otp('sup_start_ignore_temporary_child_start_child: the same of one that is added', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    await stage.refuse('child1', 0)
    await sup.add(stage.child('child1', { restart: 'temporary' }))
    await sup.add(stage.child('child2', { restart: 'temporary' }))
    assert.deepEqual([which(sup), counts(sup)], [[['child2', 'running']], [1, 1, 0, 1]])
    assert.equal(stage.master.hasWorker('child1'), false)
  })

  otp(
    'sup_start_ignore_temporary_child_start_child_simple: of many that are added, who has nothing to do is forgotten',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      for (const id of ['idle1', 'idle2', 'idle3']) await stage.refuse(id, 0)
      for (const id of ['idle1', 'busy', 'idle2', 'idle3'])
        await sup.add({ child: stage.child(id), restart: 'temporary' })
      assert.deepEqual([which(sup), counts(sup)], [[['busy', 'running']], [1, 1, 0, 1]])
    },
  )

  otp(
    'sup_start_ignore_permanent_child_start_child_simple: a permanent child has promised to be there: it is refused and not kept',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      await stage.refuse('child1', 0)
      const refused = await sup.add(stage.child('child1')).catch((error: unknown) => error)
      assert.ok(refused instanceof ExitError)
      assert.equal(refused.exit.kind, 'normal')
      await sup.add(stage.child('child2'))
      assert.deepEqual([which(sup), counts(sup)], [[['child2', 'running']], [1, 1, 0, 1]])
      assert.equal((await sup.stop()).kind, 'stopped')
      assert.deepEqual(await stage.log(), ['start child2', 'end child2'])
    },
  )

  otp('sup_start_error_return: a spec that cannot be is refused before anything is started', async (stage) => {
    const children: any = [stage.child('child1'), 'invalid']
    await assert.rejects(stage.master.supervise({ ...EMPTY, children }), TypeError)
    await assert.rejects(stage.master.supervise({ ...EMPTY, children: 'invalid' as any }), TypeError)
    assert.deepEqual([[...stage.master.supervisors()], up(stage.master)], [[], []])
    assert.deepEqual([stage.events.seen, await stage.log()], [[], []])
  })

  otp(
    'sup_start_fail: when a child cannot start, those before it are stopped, and start() may revive it',
    async (stage) => {
      await stage.refuse('child3', 3)
      const children = ['child1', 'child2', 'child3', 'child4'].map((id) => stage.child(id))
      const sup = supervisor({ ...EMPTY, children })
      const error = await stage.master.supervise(sup).catch((reason: unknown) => reason)
      assert.ok(error instanceof GaveUpError)
      assert.partialDeepStrictEqual(error.exits.at(-1), { id: 'child3', kind: 'failed', exitCode: 3 })
      assert.match(error.message, /child3 cannot start/)
      assert.equal((await stage.events.ended('child3')).next, 'fail-start')
      assert.deepEqual(await stage.log(), ['start child1', 'start child2', 'end child2', 'end child1'])
      assert.deepEqual([sup.state, up(stage.master)], ['failed', []])
      await stage.accept('child3')
      await sup.start()
      assert.deepEqual(counts(sup), [4, 4, 0, 4])
    },
  )

  otp(
    'sup_start_child_returns_error: a child that cannot start is not added, and whoever added it is told',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      await stage.refuse('child1', 7)
      await assert.rejects(sup.add(stage.child('child1')), {
        code: 'ERR_PAGENT_EXIT',
        message: /"child1": it exited with code 7/,
      })
      await assert.rejects(sup.add(worker('child2', '/no/such/program')), {
        code: 'ERR_PAGENT_EXIT',
        message: /child2/,
      })
      assert.deepEqual([which(sup), counts(sup), sup.state], [[], [0, 0, 0, 0], 'running'])
      assert.deepEqual(up(stage.master), [])
    },
  )

  otp(
    'sup_start_restart_child_returns_error: a restart by hand that fails is told, and the child stays down',
    async (stage) => {
      const child = stage.child('child1')
      const sup = await stage.master.supervise({ ...EMPTY, children: [child] })
      await sup.terminate('child1')
      await stage.refuse('child1', 7)
      await assert.rejects(sup.restart('child1'), { code: 'ERR_PAGENT_EXIT', message: /exited with code 7/ })
      assert.deepEqual([which(sup), counts(sup), sup.state], [[['child1', 'exited']], [1, 0, 0, 1], 'running'])
      assert.equal((await stage.events.ended('child1', 2)).next, 'stay-down')
      assert.deepEqual(stage.events.all({ type: 'restart-planned' }), [])
    },
  )

  otp('sup_start_child_returns_error_simple: among many that are added, its name is free again', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    await sup.add(stage.child('child1'))
    await stage.refuse('child2')
    for (let again = 0; again < 4; again++)
      await assert.rejects(sup.add(stage.child('child2')), { code: 'ERR_PAGENT_EXIT' })
    assert.deepEqual([which(sup), sup.state], [[['child1', 'running']], 'running'])
    await stage.accept('child2')
    await sup.add(stage.child('child2'))
    assert.deepEqual(counts(sup), [2, 2, 0, 2])
  })

  otp(
    'sup_start_map: what a spec leaves out is OTP’s: permanent, not significant; three failures in 5 s',
    async (stage) => {
      const child1 = stage.child('child1')
      const inner = supervisor({ id: 'child3', children: [stage.child('grandchild')] })
      const children = [child1, { child: stage.reluctant('child2'), shutdown: 'brutal-kill' as const }, inner]
      const sup = await stage.master.supervise({ id: 'sup', children })
      assert.deepEqual(
        sup.children().map(({ id, kind, restart, significant, state }) => [id, kind, restart, significant, state]),
        [
          ['child1', 'worker', 'permanent', false, 'running'],
          ['child2', 'worker', 'permanent', false, 'running'],
          ['child3', 'supervisor', 'permanent', false, 'running'],
        ],
      )
      await assert.rejects(sup.restart('child4'), RangeError)
      for (let life = 2; life <= 4; life++) {
        await end(child1, 'kill')
        await stage.events.started('child1', life)
      }
      const pids = [pidOf(child1)]
      await end(child1, 'kill')
      assert.equal((await stage.events.over('sup')).kind, 'gave-up')
      assertGone(...pids)
      // It had no time at all, and so its reluctance did not matter.
      assert.partialDeepStrictEqual((await stage.events.ended('child2')).exit, { kind: 'stopped', step: 'SIGKILL' })
    },
  )

  otp('sup_start_map_simple: children added with one spec are alike in everything but their names', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    for (const id of ['child1', 'child2', 'child3']) await sup.add({ child: stage.child(id), restart: 'temporary' })
    const specs = sup.children()
    const spec = { kind: 'worker', state: 'running', restart: 'temporary', significant: false }
    assert.partialDeepStrictEqual(specs, [spec, spec, spec])
    await assert.rejects(sup.terminate('child4'), RangeError)
  })

  otp('sup_start_map_faulty_specs: a faulty child spec is refused with what is wrong with it', async (stage) => {
    const child = stage.child('child1')
    const faults: readonly [unknown, RegExp][] = [
      [{ run: () => {} }, /Cannot name a child/],
      [{ id: 'child2' }, /expected worker\(…\), supervisor\(…\), task\(…\)/],
      [{ child, sillyFlag: true }, /there is no option "sillyFlag"/],
      ['child4', /expected worker/],
      [undefined, /expected worker/],
    ]
    for (const [spec, message] of faults)
      await assert.rejects(stage.master.supervise({ ...EMPTY, children: [spec] as any }), {
        name: 'TypeError',
        message,
      })
    assert.deepEqual([...stage.master.supervisors()], [])
  })
})
