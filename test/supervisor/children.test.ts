import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Supervisor, type SupervisorSpec, supervisor, task } from '../../src/index.ts'
import type { ChildSpec } from '../../src/supervisor/child.ts'
import { planChild } from '../../src/supervisor/spec.ts'
import { settled } from '../support/fake-clock.ts'
import { type Puppet, Stage } from './puppets.ts'

const puppetOf = (top: Supervisor, index: number): Puppet => top.children()[index]?.child as Puppet
const MINUTE = { min: 60_000, max: 60_000, jitter: 0 }

async function running(
  children: (stage: Stage) => SupervisorSpec['children'] = () => [],
  spec: Partial<SupervisorSpec> = {},
): Promise<[Stage, Supervisor]> {
  const stage = new Stage()
  const top = await stage.supervisor({ ...spec, children: children(stage) }).start()
  stage.news()
  return [stage, top]
}

void describe('add', () => {
  void it('starts a child as the last in order, and resolves when it is ready', async () => {
    const [stage, top] = await running((s) => [s.puppet('a')])
    const b = stage.puppet('b', { ready: false })
    const added = top.add(b)
    assert.deepEqual(
      top.children().map(({ id }) => id),
      ['a'],
    )
    await b.isReady()
    await added
    assert.deepEqual(
      top.children().map(({ id, state }) => `${id} ${state}`),
      ['a running', 'b running'],
    )
    await top.stop()
    assert.equal(stage.news(), '+b ?b -b ?a -a')
  })

  void it('rejects when the child cannot be started, and does not keep it', async () => {
    const [stage, top] = await running()
    const b = stage.puppet('b', { ready: false })
    const added = assert.rejects(top.add(b), {
      code: 'ERR_PAGENT_EXIT',
      message: /Cannot add child "b": it exited with code 1/,
    })
    await b.ends('failed')
    await added
    assert.deepEqual([top.children(), top.state], [[], 'running'])
    const again = top.add(b)
    await b.isReady()
    await again
    await top.stop()
  })

  void it('keeps one that had nothing to do, unless it is temporary', async () => {
    const [stage, top] = await running()
    for (const restart of ['transient', 'temporary'] as const) {
      const child = stage.puppet(restart, { ready: false })
      const added = top.add({ child, restart })
      await child.ends('normal')
      await added
    }
    assert.deepEqual(
      top.children().map(({ id, state }) => `${id} ${state}`),
      ['transient exited'],
    )
    await top.stop()
  })

  void it('of a name that is taken is refused, also while that one is being added or removed', async () => {
    const [stage, top] = await running((s) => [s.puppet('a', { obeys: false })])
    const taken = { name: 'TypeError', message: /it has one of that name; remove\("[ab]"\) first/ }
    await assert.rejects(top.add(stage.puppet('a')), taken)
    const b = stage.puppet('b', { ready: false })
    const added = top.add(b)
    await assert.rejects(top.add(stage.puppet('b')), taken)
    await b.isReady()
    await added
    void top.remove('a')
    await assert.rejects(top.add(stage.puppet('a')), taken)
    await Promise.all([top.stop(), stage.clock.advanceAsync(5000)])
  })

  void it('ends with an error when the supervisor is stopped first', async () => {
    const [stage, top] = await running()
    const added = assert.rejects(top.add(stage.puppet('b', { ready: false })), { code: 'ERR_PAGENT_EXIT' })
    await top.stop()
    await added
    assert.equal(stage.news(), '+b ?b -b')
    await assert.rejects(top.add(stage.puppet('c')), {
      code: 'ERR_PAGENT_CLOSED',
      message: /does not run; start\(\) it first/,
    })
  })

  void it('many at once keeps them in the order in which they got ready', async () => {
    const [stage, top] = await running()
    const puppets = ['a', 'b', 'c'].map((id) => stage.puppet(id, { ready: false }))
    const added = Promise.all(puppets.map((puppet) => top.add(puppet)))
    for (const puppet of puppets.toReversed()) await puppet.isReady()
    await added
    stage.news()
    await top.stop()
    assert.equal(stage.news(), '?a -a ?b -b ?c -c')
  })
})

void describe('terminate', () => {
  void it('ends a child and keeps it, down', async () => {
    const [stage, top] = await running((s) => s.puppets('a', 'b'))
    assert.equal((await top.terminate('a')).kind, 'stopped')
    assert.deepEqual(
      top.children().map(({ id, state }) => `${id} ${state}`),
      ['a exited', 'b running'],
    )
    assert.deepEqual([stage.news(), top.count().active], ['?a -a', 1])
    assert.equal((await top.terminate('a')).kind, 'stopped', 'again: its last exit')
    await top.stop()
  })

  void it('forgets a temporary one', async () => {
    const [, top] = await running((s) => [{ child: s.puppet('a'), restart: 'temporary' }])
    await top.terminate('a')
    await assert.rejects(top.restart('a'), { name: 'RangeError', message: /has none of that name \(it has none\)/ })
    await top.stop()
  })

  void it('ends the wait for a restart', async () => {
    const [stage, top] = await running((s) => [{ child: s.puppet('a'), backoff: MINUTE }])
    await puppetOf(top, 0).ends()
    assert.equal((await top.terminate('a')).kind, 'failed')
    assert.deepEqual([stage.clock.pending, top.children()[0]?.state], [0, 'exited'])
    await top.stop()
  })

  void it('does not keep it down when its siblings are restarted together', async () => {
    const [stage, top] = await running(
      (s) => s.puppets('a', 'b').map((child) => ({ child, backoff: { min: 0, max: 0 } })),
      { strategy: 'one-for-all' },
    )
    await top.terminate('a')
    await puppetOf(top, 1).ends()
    assert.equal(stage.news(), '?a -a -b +a +b')
    await top.stop()
  })

  void it('of one in the list of a group restart leaves that one out, and only that', async () => {
    const [stage, top] = await running((s) => s.puppets('a', 'b', 'c').map((child) => ({ child, backoff: MINUTE })), {
      strategy: 'one-for-all',
    })
    await puppetOf(top, 0).ends()
    await top.terminate('a')
    await top.terminate('b')
    stage.news()
    await stage.clock.advanceAsync(60_000)
    assert.equal(stage.news(), '+c')
    await top.stop()
  })
})

void describe('restart', () => {
  void it('starts a child that is down, with no charge and a fresh backoff', async () => {
    const [stage, top] = await running((s) => [{ child: s.puppet('a'), restart: 'transient' }], {
      intensity: { restarts: 0, within: '1h' },
    })
    await puppetOf(top, 0).ends('normal')
    await top.restart('a')
    assert.equal(stage.news(), '-a +a')
    await top.stop()
  })

  void it('stops a child that runs first; siblings do not notice', async () => {
    const [stage, top] = await running((s) => s.puppets('a', 'b'), { strategy: 'one-for-all' })
    await top.restart('a')
    assert.equal(stage.news(), '?a -a +a')
    await top.stop()
    assert.equal(stage.news(), '?b -b ?a -a', 'its place is the old one')
  })

  void it('does not wait for the backoff', async () => {
    const [stage, top] = await running((s) => [{ child: s.puppet('a'), backoff: MINUTE }])
    await puppetOf(top, 0).ends()
    await top.restart('a')
    assert.deepEqual([stage.news(), stage.clock.pending], ['-a +a', 0])
    await top.stop()
  })

  void it('that fails is told, and not repeated', async () => {
    const [stage, top] = await running((s) => [s.puppet('a')])
    const child = stage.puppet('b', { ready: false })
    const added = top.add(child)
    await child.isReady()
    await added
    const failed = assert.rejects(top.restart('b'), {
      code: 'ERR_PAGENT_EXIT',
      message: /Cannot restart child "b": it exited with code 1/,
    })
    await settled()
    await child.ends('failed')
    await failed
    assert.deepEqual([top.children()[1]?.state, top.state], ['exited', 'running'])
    await top.stop()
  })
})

void describe('remove', () => {
  void it('ends a child and forgets it; its name is free', async () => {
    const [stage, top] = await running((s) => s.puppets('a', 'b'))
    await top.remove('a')
    assert.deepEqual(
      top.children().map(({ id }) => id),
      ['b'],
    )
    await top.add(stage.puppet('a'))
    assert.equal(stage.news(), '?a -a +a')
    await top.stop()
  })

  void it('under way does not let a group restart start it again, and a stop waits for it', async () => {
    const [stage, top] = await running(
      (s) => [s.puppet('a', { obeys: false, killable: true }), { child: s.puppet('b'), backoff: { min: 0, max: 0 } }],
      { strategy: 'one-for-all' },
    )
    const a = puppetOf(top, 0)
    void top.remove('a')
    await puppetOf(top, 0).ends()
    assert.equal(stage.news(), '?a -b +b')
    const stopped = top.stop()
    await settled()
    assert.equal(top.state, 'stopping')
    await a.ends('stopped')
    await stopped
    assert.equal(stage.news(), '?b -b -a')
  })
})

void describe('of several wishes at once the last counts:', () => {
  const slow = { obeys: false, ready: false } as const
  const wishes: [title: string, ask: (top: Supervisor) => Promise<unknown>[], results: string[], at: string][] = [
    ['restart, remove', (top) => [top.restart('a'), top.remove('a')], ['ERR_PAGENT_EXIT', 'done'], ''],
    ['restart, terminate', (top) => [top.restart('a'), top.terminate('a')], ['ERR_PAGENT_EXIT', 'done'], 'a exited'],
    ['terminate, restart', (top) => [top.terminate('a'), top.restart('a')], ['done', 'done'], 'a running'],
    ['restart, restart', (top) => [top.restart('a'), top.restart('a')], ['done', 'done'], 'a running'],
    ['terminate, remove', (top) => [top.terminate('a'), top.remove('a')], ['done', 'done'], ''],
    ['restart, stop', (top) => [top.restart('a'), top.stop()], ['ERR_PAGENT_EXIT', 'done'], 'a exited'],
  ]
  for (const [title, ask, results, at] of wishes) {
    void it(title, async () => {
      const stage = new Stage()
      const a = stage.puppet('a', slow)
      const top = stage.supervisor({ children: [a] })
      void top.start()
      await a.isReady()
      const asked = Promise.allSettled(ask(top))
      await a.ends('stopped')
      await a.isReady()
      assert.deepEqual(
        (await asked).map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code)),
        results,
      )
      assert.equal(
        top
          .children()
          .map(({ id, state }) => `${id} ${state}`)
          .join(),
        at,
      )
      const stopped = top.stop()
      if (a.alive) await a.ends('stopped')
      await stopped
      assert.equal(a.alive, false)
    })
  }

  void it('a restart of one that fails rejects for all who asked', async () => {
    const [stage, top] = await running((s) => [{ child: s.puppet('b'), restart: 'transient' }])
    const a = stage.puppet('a', { ready: false })
    const added = top.add({ child: a, restart: 'transient' })
    await a.ends('normal')
    await added
    const asked = Promise.allSettled([top.restart('a'), top.restart('a')])
    await settled()
    await a.ends('failed')
    assert.deepEqual(
      (await asked).map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    await top.stop()
  })

  void it('a restart of a temporary child while its group is restarted rejects, and leaves nothing', async () => {
    const [, top] = await running(
      (s) => [
        { child: s.puppet('a'), backoff: MINUTE },
        { child: s.puppet('t', { obeys: false }), restart: 'temporary' },
      ],
      { strategy: 'one-for-all' },
    )
    const t = puppetOf(top, 1)
    const asked = assert.rejects(top.restart('t'), { code: 'ERR_PAGENT_EXIT' })
    await puppetOf(top, 0).ends()
    await t.ends('stopped')
    await asked
    assert.deepEqual([t.alive, top.children().length], [false, 1])
    await top.stop()
  })

  void it('a restart of one that has not had its first turn waits for that', async () => {
    const stage = new Stage()
    const [a, b, c] = ['a', 'b', 'c'].map((id) => stage.puppet(id, { ready: false })) as [Puppet, Puppet, Puppet]
    const top = stage.supervisor({ strategy: 'rest-for-one', children: [a, b, c] })
    const started = top.start()
    const asked = top.restart('c')
    assert.equal(stage.news(), '+a')
    for (const puppet of [a, b, c]) await puppet.isReady()
    await Promise.all([asked, started])
    assert.equal(stage.news(), '+b +c')
    await top.stop()
  })

  void it('a restart of one that waits with its group hurries the group, in its order', async () => {
    const [stage, top] = await running((s) => s.puppets('a', 'b', 'c').map((child) => ({ child, backoff: MINUTE })), {
      strategy: 'one-for-all',
    })
    await puppetOf(top, 0).ends()
    stage.news()
    await top.restart('c')
    assert.equal(stage.news(), '+a +b +c')
    await top.stop()
  })
})

void describe('what cannot be is refused:', () => {
  const stage = new Stage()
  const child = stage.puppet('a')
  const one =
    (spec: object): (() => unknown) =>
    () =>
      stage.supervisor({ children: [{ child, ...spec }] })
  const cases: [title: string, attempt: () => unknown, error: RegExp][] = [
    ['no name', () => stage.supervisor({ id: '', children: [] }), /Cannot name a supervisor ""/],
    [
      'no children',
      () => stage.supervisor({} as SupervisorSpec),
      /Cannot make supervisor "top": children must be a list/,
    ],
    [
      'an unknown option',
      () => stage.supervisor({ children: [], restarts: 3 } as never),
      /there is no option "restarts"; there are id, strategy, intensity/,
    ],
    [
      'another strategy',
      () => stage.supervisor({ strategy: 'one_for_one' as 'one-for-one', children: [] }),
      /strategy cannot be "one_for_one"; expected 'one-for-one', 'one-for-all', 'rest-for-one'/,
    ],
    [
      'another autoShutdown',
      () => stage.supervisor({ autoShutdown: 'all' as 'never', children: [] }),
      /autoShutdown cannot be "all"/,
    ],
    [
      'an intensity of nothing',
      () => stage.supervisor({ intensity: { restarts: -1 }, children: [] }),
      /Cannot use -1 as intensity\.restarts/,
    ],
    [
      'a misspelt intensity',
      () => stage.supervisor({ intensity: { period: 5 } as object, children: [] }),
      /there is no option "period"/,
    ],
    ['two of one name', () => stage.supervisor({ children: [child, child] }), /two children are named "a"/],
    [
      'what is no child',
      () => stage.supervisor({ children: ['a' as never] }),
      /expected worker\(…\), supervisor\(…\), task\(…\) or \{ child, restart, … \}/,
    ],
    [
      'an unknown option of a child',
      one({ intensity: 3 }),
      /Cannot add child "a" to supervisor "top": there is no option "intensity"/,
    ],
    ['another restart', one({ restart: 'always' }), /Cannot use "always" as restart/],
    ['another shutdown', one({ shutdown: 'later' }), /Cannot use "later" as shutdown \(Cannot add child "a"/],
    ['a permanent significant child', one({ significant: true }), /a permanent child cannot be significant/],
    [
      'a significant child nobody looks at',
      one({ significant: true, restart: 'transient' }),
      /it is significant, but autoShutdown is 'never'/,
    ],
    [
      'an option beside run',
      () => stage.supervisor({ children: [{ ...task('t', () => {}), restart: 'transient' }] }),
      /restart does not belong to the child; write \{ child, restart: … \}/,
    ],
    ['a flag that is none', one({ significant: 'no' }), /significant cannot be "no"; expected true or false/],
    ['nothing at all', () => stage.supervisor(undefined as never), /children must be a list/],
    ['no spec', () => supervisor(undefined as never), /Cannot make a supervisor: expected an object, not undefined/],
    [
      'an intensity that is a number',
      () => stage.supervisor({ intensity: 5 as never, children: [] }),
      /Cannot use the intensity: expected an object, not 5/,
    ],
    ['a slash in its name', () => stage.supervisor({ id: 'a/b', children: [] }), /a slash parts the names of a path/],
    ['a backoff upside down', one({ backoff: { min: 9, max: 1 } }), /backoff\.min 9ms: it is above/],
  ]
  for (const [title, attempt, message] of cases) void it(title, () => assert.throws(attempt, { message }))

  void it('but not what is left undefined', async () => {
    const own = { id: 'a', run: () => child.run(undefined as never), childOptions: { restart: 'temporary' as const } }
    const top = stage.supervisor({ children: [] })
    await top.start()
    await top.add({ child: stage.puppet('x'), restart: undefined, shutdown: undefined } as unknown as ChildSpec)
    assert.equal(top.children()[0]?.restart, 'permanent')
    assert.equal(
      planChild('top', { strategy: 'one-for-one', autoShutdown: 'never' }, {
        child: own,
        restart: undefined,
      } as unknown as ChildSpec).restart,
      'temporary',
    )
    await top.stop()
  })

  void it('a child of two supervisors', async () => {
    const inner = stage.supervisor({ id: 'inner', children: [] })
    const [first, second] = ['first', 'second'].map((id) => stage.supervisor({ id, children: [inner] }))
    await first?.start()
    await assert.rejects(second?.start() as Promise<unknown>, {
      message: 'Cannot keep supervisor "inner" twice: supervisor "first" keeps it already',
    })
    assert.equal(second?.state, 'idle')
    await first?.stop()
    await second?.start()
    await second?.stop()
  })

  void it('a child that is not there', async () => {
    const top = await stage.supervisor({ children: [stage.puppet('a'), stage.puppet('b')] }).start()
    for (const action of ['terminate', 'restart', 'remove'] as const)
      await assert.rejects(top[action]('x'), {
        name: 'RangeError',
        message: `Cannot ${action} child "x": supervisor "top" has none of that name (it has a, b)`,
      })
    await top.stop()
    await assert.rejects(top.terminate('a'), { code: 'ERR_PAGENT_CLOSED' })
  })
})
