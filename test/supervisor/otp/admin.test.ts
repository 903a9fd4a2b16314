import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type AutoShutdown, type Restart, supervisor, task } from '../../../src/index.ts'
import { assertGone, counts, end, otp, pidOf, upTo, which } from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(2), children: [] }
const RESTARTS = [undefined, 'permanent', 'transient', 'temporary'] as const
const SHUTDOWNS = [undefined, 0, 1000, 'infinity', 'brutal-kill'] as const

void describe('OTP: children are added, ended, restarted and forgotten by hand', () => {
  otp(
    'child_adm: add, terminate, restart and remove do what they say to one child, and charge nothing',
    async (stage) => {
      const child1 = stage.child('child1')
      const sup = await stage.master.supervise({ ...EMPTY, intensity: upTo(0), children: [child1] })
      const first = pidOf(child1)
      await assert.rejects(sup.add(stage.child('child1')), /it has one of that name/)
      for (const action of ['terminate', 'restart', 'remove'] as const)
        await assert.rejects(sup[action]('hej'), RangeError)

      assert.equal((await sup.terminate('child1')).kind, 'stopped')
      assertGone(first)
      assert.deepEqual([which(sup), counts(sup)], [[['child1', 'exited']], [1, 0, 0, 1]])
      assert.equal((await sup.terminate('child1')).incarnation, 1)
      await assert.rejects(sup.add(stage.child('child1')), /it has one of that name/)

      await sup.restart('child1')
      const second = pidOf(child1)
      assert.deepEqual([which(sup), counts(sup)], [[['child1', 'running']], [1, 1, 0, 1]])
      // OTP refuses what follows while a child runs; here it is stopped first.
      await sup.restart('child1')
      const third = pidOf(child1)
      assert.equal(new Set([first, second, third]).size, 3)
      await sup.remove('child1')
      assertGone(second, third)
      assert.deepEqual([which(sup), counts(sup)], [[], [0, 0, 0, 0]])
      await assert.rejects(sup.restart('child1'), RangeError)

      await sup.add(child1)
      assert.deepEqual(counts(sup), [1, 1, 0, 1])
      assert.deepEqual(stage.events.all({ type: 'restart-planned' }), [])
      await sup.stop()
      for (const action of ['terminate', 'restart', 'remove'] as const)
        await assert.rejects(sup[action]('child1'), { code: 'ERR_PAGENT_CLOSED' })
      await assert.rejects(sup.add(stage.child('child2')), { code: 'ERR_PAGENT_CLOSED' })
    },
  )

  otp(
    'child_adm_simple: of many that were added, the one that is named is ended, and only one’s own',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      const other = await stage.master.supervise({ ...EMPTY, id: 'other', children: [stage.child('stranger')] })
      const [child1, child2] = [stage.child('child1'), stage.child('child2')]
      for (const child of [child1, child2]) await sup.add(child)
      assert.deepEqual(counts(sup), [2, 2, 0, 2])
      const pids = [pidOf(child1), pidOf(child2)] as const
      await assert.rejects(sup.terminate('child3'), RangeError)
      await assert.rejects(sup.terminate('stranger'), RangeError)
      assert.deepEqual(
        [counts(sup), counts(other)],
        [
          [2, 2, 0, 2],
          [1, 1, 0, 1],
        ],
      )
      await sup.remove('child1')
      assertGone(pids[0])
      assert.deepEqual([which(sup), counts(sup)], [[['child2', 'running']], [1, 1, 0, 1]])
      assert.equal(pidOf(child2), pids[1])
      assert.equal(other.children()[0]?.incarnation, 1)
    },
  )

  otp(
    'child_specs: an option that cannot be is refused, at a running supervisor too; what can be is taken',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      const child = stage.child('child')
      const faults: readonly [object, RegExp][] = [
        [{ child: 'mfa' }, /expected worker\(…\)/],
        [{ child, restart: 'prmanent' }, /"prmanent" as restart/],
        [{ child, shutdown: -10 }, /-10 as shutdown/],
        [{ child, shutdown: 'soon' }, /"soon" as shutdown/],
        [{ child, significant: true, restart: 'transient' }, /autoShutdown is 'never'/],
        [{ child, type: 'wrker' }, /there is no option "type"/],
        [{ child, backoff: { min: 2, max: 1 } }, /above backoff.max/],
      ]
      for (const [spec, message] of faults) {
        await assert.rejects(sup.add(spec as any), { message })
        assert.throws(() => supervisor({ ...EMPTY, children: [spec as any] }), { message })
      }
      assert.deepEqual([which(sup), stage.events.all({ type: 'child-started' }), await stage.log()], [[], [], []])
      for (const restart of RESTARTS.slice(1) as Restart[])
        for (const shutdown of SHUTDOWNS.slice(1)) {
          await sup.add({ child, restart, shutdown: shutdown ?? 0 })
          await sup.remove('child')
        }
      const twice = [stage.child('child'), stage.child('child')]
      assert.throws(() => supervisor({ ...EMPTY, children: twice }), /two children are named "child"/)
    },
  )

  otp('child_specs_map: exactly those are refused that are significant and cannot be', async () => {
    for (const autoShutdown of [undefined, 'never', 'any-significant', 'all-significant'] as const)
      for (const restart of RESTARTS)
        for (const shutdown of SHUTDOWNS)
          for (const significant of [undefined, true, false])
            for (const child of [task('child', () => {}), supervisor({ ...EMPTY, id: 'child' })]) {
              const given = { restart, shutdown, significant }
              const known = Object.entries(given).filter(([, value]) => value !== undefined)
              const spec = { child, ...Object.fromEntries(known) }
              const isOff = (autoShutdown ?? 'never') === 'never'
              const cannotBe = significant === true && (isOff || (restart ?? 'permanent') === 'permanent')
              const make = (): unknown => supervisor({ ...EMPTY, ...shutsDown(autoShutdown), children: [spec] })
              if (cannotBe) assert.throws(make, /significant/)
              else make()
            }
  })

  otp(
    'extra_return: what a child says while it starts is there after add, restart and its own restart',
    async (stage) => {
      const child1 = stage.child('child1', { ready: 'first-message' })
      const sup = await stage.master.supervise({ ...EMPTY, children: [child1] })
      const extra = async (): Promise<void> => assert.equal(await child1.receive(), `up ${pidOf(child1)}`)
      await extra()
      await sup.terminate('child1')
      await sup.restart('child1')
      await extra()
      await sup.remove('child1')
      await sup.add(child1)
      await extra()
      await end(child1, 'abnormal')
      await stage.events.started('child1', 4)
      await extra()
      assert.deepEqual([which(sup), counts(sup)], [[['child1', 'running']], [1, 1, 0, 1]])
    },
  )

  otp('sup_flags: a strategy, a budget or an auto-shutdown that cannot be is refused', async (stage) => {
    const faults: readonly object[] = [
      { strategy: 'none-for-one' },
      { intensity: { restarts: Infinity } },
      { intensity: { restarts: -1 } },
      { intensity: { within: 'never' } },
      { intensity: { within: -1 } },
      { intensity: { period: 5 } },
      { autoShutdown: 'sometimes' },
      { sillyFlag: true },
    ]
    for (const fault of faults)
      await assert.rejects(
        stage.master.supervise({ ...EMPTY, ...fault }),
        (error) => error instanceof TypeError || error instanceof RangeError,
        JSON.stringify(fault),
      )
    assert.deepEqual([[...stage.master.supervisors()], stage.events.seen], [[], []])
  })

  otp('sup_flags: a budget within no time at all, which nothing could exceed, is refused', async () => {
    assert.throws(() => supervisor({ ...EMPTY, intensity: { restarts: 0, within: 0 } }), RangeError)
  })

  otp(
    'which_children: all there are, in the order of their start, up or down, until they are removed',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      assert.deepEqual(which(sup), [])
      await sup.add(stage.child('child2'))
      assert.deepEqual(which(sup), [['child2', 'running']])
      await sup.add(stage.child('child1'))
      const [second, first] = sup.children()
      assert.deepEqual([second?.id, first?.id, first?.child], ['child2', 'child1', stage.master.getWorker('child1')])
      await sup.terminate('child2')
      assert.deepEqual(which(sup), [
        ['child2', 'exited'],
        ['child1', 'running'],
      ])
      assert.partialDeepStrictEqual(sup.children()[0]?.exit, { kind: 'stopped', incarnation: 1 })
      await sup.remove('child2')
      assert.deepEqual(which(sup), [['child1', 'running']])
    },
  )

  otp('which_children_simple_one_for_one: temporary children that are terminated are not among them', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    for (const id of ['child1', 'child2']) await sup.add(stage.child(id, { restart: 'temporary' }))
    assert.deepEqual(which(sup), [
      ['child1', 'running'],
      ['child2', 'running'],
    ])
    await sup.terminate('child1')
    assert.deepEqual(which(sup), [['child2', 'running']])
    await assert.rejects(sup.terminate('child1'), RangeError)
  })

  otp('already_started_outside_supervisor: a name that somebody else has is refused, and left alone', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const outsider = await stage.master.getWorker('registered_name').start('cat')
    const pid = pidOf(outsider)
    await assert.rejects(sup.add({ child: stage.child('registered_name'), restart: 'transient' }), {
      name: 'TypeError',
      message: /the master has one of that name/,
    })
    assert.deepEqual([which(sup), await stage.log()], [[], []])
    await sup.stop()
    assert.equal(pidOf(outsider), pid)
    await outsider.send('still here')
    assert.equal(await outsider.receive(), 'still here')
  })
})

function shutsDown(autoShutdown: AutoShutdown | undefined): { autoShutdown?: AutoShutdown } {
  return autoShutdown === undefined ? {} : { autoShutdown }
}
