import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settled } from '../support/fake-clock.ts'
import { SpawnError } from '../../src/base/errors.ts'
import { type Exit, describeExit } from '../../src/base/exit.ts'
import type { Child, ChildContext } from '../../src/supervisor/child.ts'
import type { Strategy } from '../../src/supervisor/plan.ts'
import { supervisor } from '../../src/supervisor/supervisor.ts'
import { type Puppet, Stage } from './puppets.ts'

const MANY = { restarts: 1000, within: '1h' }
const AT_ONCE = { min: 0, max: 0 }
const SECOND = { min: 1000, max: 1000, jitter: 0 }

/** Says of its end what it wants. */
function liar(what: unknown): Child {
  const run = ({ ready }: ChildContext): Promise<any> => {
    ready()
    return Promise.resolve(what)
  }
  return { id: 'liar', run }
}

/** A stage with a running supervisor over `a b c`, which are restarted at once. */
async function trio(strategy: Strategy, habits: Parameters<Stage['puppet']>[1] = {}) {
  const stage = new Stage()
  const [a, b, c] = ['a', 'b', 'c'].map((id) => stage.puppet(id, habits)) as [Puppet, Puppet, Puppet]
  const children = [a, b, c].map((child) => ({ child, backoff: AT_ONCE }))
  const top = stage.supervisor({ strategy, intensity: MANY, children })
  const started = top.start()
  return { stage, a, b, c, top, started }
}

void describe('a start', () => {
  void it('starts each child when the one before is ready, and resolves with the last', async () => {
    const { stage, a, b, c, top, started } = await trio('one-for-one', { ready: false })
    assert.equal(stage.news(), '+a')
    await a.isReady()
    assert.equal(stage.news(), '+b')
    await b.isReady()
    assert.deepEqual([stage.news(), top.state], ['+c', 'starting'])
    await c.isReady()
    assert.deepEqual([await started, top.state], [top, 'running'])
  })

  void it('that fails stops in reverse order whom it had started, and says why', async () => {
    const { stage, a, b, c, top, started } = await trio('one-for-one', { ready: false })
    const failed = assert.rejects(started, {
      code: 'ERR_PAGENT_GAVE_UP',
      message: 'Cannot start supervisor "top": its child "c" exited with code 1 after 0ms',
    })
    await a.isReady()
    await b.isReady()
    await c.ends('failed')
    await failed
    assert.equal(stage.news(), '+a +b +c -c ?b -b ?a -a')
    assert.deepEqual([top.state, stage.clock.pending], ['failed', 0])
  })

  void it('is over when it is stopped meanwhile', async () => {
    const { stage, top, started } = await trio('one-for-one', { ready: false })
    const failed = assert.rejects(started, { code: 'ERR_PAGENT_EXIT' })
    assert.partialDeepStrictEqual(await top.stop(), { kind: 'stopped', step: 'abort', id: 'top' })
    await failed
    assert.equal(stage.news(), '+a ?a -a')
  })

  void it('goes on with its next child while one that was ready is restarted', async () => {
    const { stage, a, b, c, started } = await trio('one-for-one', { ready: false })
    await a.isReady()
    await a.ends()
    assert.equal(stage.news(), '+a +b -a +a')
    await b.isReady()
    await c.isReady()
    await started
    assert.equal(a.lives, 2)
  })

  void it('begins anew where children are restarted together and one that was ready fails', async () => {
    const { stage, a, b, c, started } = await trio('one-for-all', { ready: false })
    await a.isReady()
    await a.ends()
    assert.equal(stage.news(), '+a +b -a ?b -b +a')
    for (const puppet of [a, b, c]) await puppet.isReady()
    await started
    assert.equal(stage.news(), '+b +c')
  })

  void it('twice is an error that leaves the first alone', async () => {
    const { stage, top, started } = await trio('one-for-one')
    await started
    await assert.rejects(top.start(), {
      code: 'ERR_PAGENT_ALREADY_STARTED',
      message: /supervisor "top": it is running/,
    })
    assert.equal(stage.news(), '+a +b +c')
  })

  void it('begins a new life after the last: nothing is remembered but the spec', async () => {
    const { stage, a, top, started } = await trio('one-for-one')
    await started
    await top.add(stage.puppet('d'))
    await a.ends()
    await top.stop()
    await top.start()
    assert.deepEqual(top.count(), { specs: 3, active: 3, supervisors: 0, workers: 3 })
    assert.deepEqual([top.incarnation, top.children()[0]?.restarts], [2, 0])
  })
})

void describe('a stop', () => {
  void it('asks in reverse order, each after the one before has ended', async () => {
    const { stage, a, b, c, top, started } = await trio('rest-for-one', { obeys: false })
    await started
    stage.news()
    const stopped = top.stop()
    assert.equal(stage.news(), '?c')
    await c.ends('stopped')
    await b.ends('normal')
    assert.equal(stage.news(), '-c ?b -b ?a')
    await a.ends('failed')
    assert.equal((await stopped).kind, 'stopped')
    assert.equal(stage.decisions(), 'c stopped, b stopped, a stopped')
  })

  void it('asks all at once where they stop together, the newest first, and takes as long as the slowest', async () => {
    const stage = new Stage()
    const [a, b, c] = ['a', 'b', 'c'].map((id) => stage.puppet(id, { obeys: false })) as [Puppet, Puppet, Puppet]
    const top = stage.supervisor({ stop: 'together', children: [a, b, { child: c, shutdown: 200 }] })
    await top.start()
    stage.news()
    const stopped = top.stop()
    assert.equal(stage.news(), '?c ?b ?a')
    await b.ends('normal')
    stage.clock.advance(200)
    await settled()
    assert.deepEqual([top.state, stage.decisions()], ['stopping', 'b stopped, c stopped'])
    await a.ends('failed')
    assert.deepEqual([(await stopped).kind, stage.decisions()], ['stopped', 'b stopped, c stopped, a stopped'])
  })

  void it('together is for a one-for-one, whose children do not depend on each other', () => {
    const spec = { id: 'top', stop: 'together', children: [] } as const
    assert.throws(() => supervisor({ ...spec, strategy: 'rest-for-one' }), {
      name: 'TypeError',
      message: /rest-for-one/,
    })
    assert.throws(() => supervisor({ ...spec, stop: 'at once' as never }), { message: /'one-by-one', 'together'$/ })
  })

  void it('gives a child five seconds, then gives it up if it does not listen', async () => {
    const { stage, top, started } = await trio('one-for-one', { obeys: false })
    await started
    const stopped = top.stop()
    await stage.clock.advanceAsync(14_999)
    assert.equal(top.state, 'stopping')
    await stage.clock.advanceAsync(1)
    await stopped
    assert.equal(stage.events.filter(({ type }) => type === 'child-abandoned').length, 3)
    assert.match(describeExit(top.children()[0]?.exit as Exit), /Cannot stop child "a": it has ignored its signals/)
    assert.equal(stage.clock.pending, 0)
  })

  void it('kills one that listens, and waits for it', async () => {
    const { stage, c, started, top } = await trio('one-for-one', { obeys: false, killable: true })
    await started
    stage.news()
    const stopped = top.stop()
    await stage.clock.advanceAsync(5000)
    assert.equal(stage.news(), '?c -c ?b')
    assert.equal(c.alive, false)
    await stage.clock.advanceAsync(10_000)
    await stopped
  })

  for (const [shutdown, expected] of [
    ['brutal-kill', 0],
    [0, 0],
    ['200ms', 200],
    ['infinity', Infinity],
    [Infinity, Infinity],
  ] as const) {
    void it(`waits as long as shutdown says: ${shutdown}`, async () => {
      const stage = new Stage()
      const child = stage.puppet('a', { obeys: false, killable: true })
      const top = await stage.supervisor({ children: [{ child, shutdown }] }).start()
      const stopped = top.stop()
      await stage.clock.advanceAsync(Math.min(expected, 86_400_000))
      assert.equal(child.alive, expected === Infinity)
      await child.ends('stopped')
      await stopped
    })
  }

  void it('of what does not run resolves at once', async () => {
    const top = new Stage().supervisor({ children: [] })
    assert.partialDeepStrictEqual(await top.stop(), { kind: 'stopped', incarnation: 0 })
  })

  void it('during a backoff cancels it', async () => {
    const stage = new Stage()
    const child = stage.puppet('a')
    const top = await stage.supervisor({ children: [{ child, backoff: SECOND }] }).start()
    await child.ends()
    assert.equal(top.children()[0]?.state, 'restarting')
    await top.stop()
    assert.deepEqual([stage.clock.pending, child.lives], [0, 1])
  })
})

void describe('a restart', () => {
  void it('waits for its backoff, longer each time, and less once it has proved itself', async () => {
    const stage = new Stage()
    const child = stage.puppet('a', { ready: false })
    const backoff = { min: 100, max: 1000, jitter: 0 }
    const top = stage.supervisor({ intensity: MANY, children: [{ child, backoff }] })
    void top.start()
    await child.isReady('assumed')
    const waits: number[] = []
    for (const proof of ['assumed', 'assumed', undefined, 'assumed'] as const) {
      await child.ends()
      waits.push(stage.clock.untilNext ?? 0)
      await stage.clock.advanceAsync(1000)
      await child.isReady(proof)
    }
    assert.deepEqual(waits, [100, 200, 400, 100])
    await top.stop()
  })

  void it('waits less after a life as long as the window', async () => {
    const stage = new Stage()
    const child = stage.puppet('a', { ready: false })
    const top = stage.supervisor({
      intensity: { restarts: 9, within: '5s' },
      children: [{ child, backoff: { min: 100, max: 1000, jitter: 0 } }],
    })
    void top.start()
    await child.isReady('assumed')
    for (const [life, wait] of [
      [0, 100],
      [4999, 200],
      [5000, 100],
    ] as const) {
      await stage.clock.advanceAsync(life)
      await child.ends()
      assert.equal(stage.clock.untilNext, wait)
      await stage.clock.advanceAsync(wait)
      await child.isReady('assumed')
    }
    await top.stop()
  })

  void it('of a group stops at once, in reverse order, and starts when the wait is over, in order', async () => {
    const stage = new Stage()
    const [a, b, c] = stage.puppets('a', 'b', 'c') as [Puppet, Puppet, Puppet]
    const top = stage.supervisor({ strategy: 'one-for-all', children: [a, { child: b, backoff: SECOND }, c] })
    await top.start()
    stage.news()
    await b.ends()
    assert.equal(stage.news(), '-b ?c -c ?a -a')
    await stage.clock.advanceAsync(999)
    assert.equal(stage.news(), '')
    await stage.clock.advanceAsync(1)
    assert.equal(stage.news(), '+a +b +c')
    assert.partialDeepStrictEqual(
      stage.events.find(({ type }) => type === 'restart-planned'),
      { child: 'b', after: 1000, stop: ['c', 'a'], start: ['a', 'b', 'c'] },
    )
    await top.stop()
  })

  void it('takes in what fails meanwhile: who is being started is stopped, and nobody starts before his time', async () => {
    const { stage, a, b, c, started, top } = await trio('rest-for-one', { ready: false })
    for (const puppet of [a, b, c]) await puppet.isReady()
    await started
    stage.news()
    await b.ends()
    await b.isReady()
    assert.equal(stage.news(), '-b ?c -c +b +c')
    // c is being started, and a fails.
    await a.ends()
    assert.equal(stage.news(), '-a ?c -c ?b -b +a')
    await a.isReady()
    await b.isReady()
    await c.isReady()
    assert.equal(stage.news(), '+b +c')
    assert.deepEqual(
      top.children().map(({ restarts }) => restarts),
      [1, 1, 0],
    )
    await top.stop()
  })

  void it('that fails is tried again from the one that failed', async () => {
    const { stage, a, b, c, started, top } = await trio('rest-for-one', { ready: false })
    for (const puppet of [a, b, c]) await puppet.isReady()
    await started
    await a.ends()
    await a.isReady()
    stage.news()
    await b.ends()
    assert.equal(stage.news(), '-b +b', 'a stays, c was not up')
    await top.stop()
  })

  void it('does not count who crashes while it is in the list of those to be stopped', async () => {
    const { stage, a, b, c, started, top } = await trio('one-for-all', { obeys: false })
    await started
    await a.ends()
    stage.news()
    await b.ends('failed')
    assert.equal(stage.news(), '-b', 'c comes first')
    await c.ends('stopped')
    assert.equal(stage.news(), '-c +a +b +c')
    assert.equal(stage.decisions(), 'a restart, b stopped, c stopped')
    void top.stop()
  })

  void it('of one child is not held up by a sibling that is slow to start or to stop', async () => {
    const { stage, a, b, c, started, top } = await trio('one-for-one', { ready: false, obeys: false })
    for (const puppet of [a, b, c]) await puppet.isReady()
    await started
    await b.ends()
    void top.terminate('c')
    stage.news()
    await a.ends()
    assert.equal(stage.news(), '-a +a', 'b is not ready, c does not end')
    void top.stop()
  })
})

void describe('a child that ignores everything', () => {
  for (const [what, habits, until] of [
    ['and does not look at kill', { obeys: false }, 200],
    ['and does not end when it is killed', { obeys: false, killable: true, immortal: true }, 200 + 6000],
  ] as const) {
    void it(`${what} holds its siblings up for its own time, and no longer`, async () => {
      const stage = new Stage()
      const [a, deaf] = [stage.puppet('a'), stage.puppet('deaf', habits)]
      const backoff = { min: 0, max: 0 }
      const children = [
        { child: a, backoff },
        { child: deaf, backoff, shutdown: 200 },
      ]
      const top = await stage.supervisor({ strategy: 'one-for-all', children }).start()
      stage.news()
      await a.ends()
      await stage.clock.advanceAsync(until - 1)
      assert.equal(stage.news(), '-a ?deaf')
      await stage.clock.advanceAsync(1)
      assert.equal(stage.news(), '+a +deaf')
      void top.stop()
    })
  }
})

void describe('the clock of the wall', () => {
  void it('may jump: no window and no wait is moved by it', async () => {
    const stage = new Stage()
    let date = 0
    stage.clock.date = () => (date = date === 0 ? 4e12 : 0)
    const a = stage.puppet('a')
    const intensity = { restarts: 1, within: '5s' }
    const top = await stage.supervisor({ intensity, children: [{ child: a, backoff: SECOND }] }).start()
    for (let i = 0; i < 10; i++) {
      await a.ends()
      assert.equal(stage.clock.untilNext, 1000)
      await stage.clock.advanceAsync(5000)
    }
    assert.deepEqual([top.state, a.lives], ['running', 11])
    await a.ends()
    await stage.clock.advanceAsync(4999)
    await a.ends()
    assert.equal(top.state, 'failed')
  })
})

void describe('giving up', () => {
  void it('comes with one failure more than the intensity, stops the others in reverse order, and can be revived', async () => {
    const stage = new Stage()
    const [a, b, c] = stage.puppets('a', 'b', 'c') as [Puppet, Puppet, Puppet]
    const children = [a, b, c].map((child) => ({ child, backoff: AT_ONCE }))
    const top = await stage.supervisor({ intensity: { restarts: 2, within: '1s' }, children }).start()
    await a.ends()
    await b.ends()
    stage.news()
    await a.ends()
    const exit = await top.exited
    assert.equal(stage.news(), '-a ?c -c ?b -b')
    assert.deepEqual(
      [exit.kind === 'gave-up' && exit.exits.map(({ id }) => id), top.state],
      [['a', 'b', 'a'], 'failed'],
    )
    await top.start()
    await a.ends()
    assert.equal(top.state, 'running', 'with a new budget')
    await top.stop()
  })

  void it('counts when a child ends, however long its stop and its start take', async () => {
    const stage = new Stage()
    const child = stage.puppet('a', { ready: false })
    const top = stage.supervisor({
      intensity: { restarts: 2, within: '10s' },
      children: [{ child, backoff: { min: 3000, max: 3000, jitter: 0 } }],
    })
    void top.start()
    await child.isReady()
    for (let i = 0; i < 3; i++) {
      assert.equal(top.state, 'running')
      await child.ends()
      await stage.clock.advanceAsync(3000)
      await child.isReady()
    }
    assert.equal((await top.exited).kind, 'gave-up')
  })

  void it('of a child is an end like others for the supervisor above, which restarts it with its first children', async () => {
    const stage = new Stage()
    const a = stage.puppet('a')
    const inner = stage.supervisor({ id: 'inner', intensity: { restarts: 0, within: '1s' }, children: [a] })
    const top = stage.supervisor({ children: [{ child: inner, backoff: AT_ONCE }] })
    await top.start()
    await inner.add({ child: stage.puppet('extra'), restart: 'temporary' })
    stage.news()
    await a.ends()
    assert.equal(stage.news(), '-a ?extra -extra +a')
    assert.deepEqual([inner.state, inner.path, top.children()[0]?.restarts], ['running', 'top/inner', 1])
    await top.stop()
  })

  void it('of a transient one is in order: it stays down, and can be restarted', async () => {
    const stage = new Stage()
    const a = stage.puppet('a')
    const inner = stage.supervisor({ id: 'inner', intensity: { restarts: 0, within: '1s' }, children: [a] })
    const top = await stage.supervisor({ children: [{ child: inner, restart: 'transient' }] }).start()
    await a.ends()
    assert.deepEqual([inner.state, top.children()[0]?.state], ['failed', 'exited'])
    await assert.rejects(inner.start(), {
      name: 'TypeError',
      message: /kept by supervisor "top"; use its restart\("inner"\)/,
    })
    await top.restart('inner')
    assert.equal(inner.state, 'running')
    await top.stop()
  })

  void it('is not for a shortage of the system', async () => {
    const stage = new Stage()
    const child = stage.puppet('a')
    const top = await stage
      .supervisor({ intensity: { restarts: 0, within: '1h' }, children: [{ child, backoff: AT_ONCE }] })
      .start()
    const error = new SpawnError('a', 'x', 'spawn', 'no processes left', { errno: 'EAGAIN' })
    for (let i = 0; i < 10; i++) await child.ends({ kind: 'crashed', error, stage: 'spawn' })
    assert.deepEqual([top.state, child.lives], ['running', 11])
    await child.ends()
    assert.equal(top.state, 'failed')
  })

  void it('nor for a shortage below another supervisor', async () => {
    const stage = new Stage()
    const child = stage.puppet('a', { ready: false })
    const inner = stage.supervisor({ id: 'inner', children: [child] })
    const top = stage.supervisor({ intensity: { restarts: 0 }, children: [{ child: inner, backoff: AT_ONCE }] })
    void top.start()
    await child.isReady()
    const error = new SpawnError('a', 'x', 'spawn', 'no processes left', { errno: 'EAGAIN' })
    await child.ends()
    for (let i = 0; i < 5; i++) {
      await stage.clock.advanceAsync(10_000)
      await child.ends({ kind: 'crashed', error, stage: 'spawn' })
    }
    assert.equal(top.state, 'running')
    await top.stop()
  })

  void it('can be answered from its own event', async () => {
    const stage = new Stage()
    const child = stage.puppet('a')
    const top = await stage.supervisor({ intensity: { restarts: 0 }, children: [child] }).start()
    void top.exited.then(() => top.start())
    await child.ends()
    assert.equal(top.state, 'running')
    await top.stop()
  })
})

void describe('an end of its own', () => {
  void it('comes with a significant child, in reverse order, and is normal', async () => {
    const stage = new Stage()
    const [a, b] = stage.puppets('a', 'b') as [Puppet, Puppet]
    const top = stage.supervisor({
      autoShutdown: 'any-significant',
      children: [{ child: a, restart: 'transient', significant: true }, b],
    })
    await top.start()
    stage.news()
    await a.ends('normal')
    assert.equal((await top.exited).kind, 'normal')
    assert.equal(stage.news(), '-a ?b -b')
    assert.equal(stage.decisions(), 'a shut-down, b stopped')
  })

  void it('does not come when it was stopped by hand', async () => {
    const stage = new Stage()
    const a = stage.puppet('a')
    const child = { child: a, restart: 'temporary', significant: true } as const
    const top = await stage.supervisor({ autoShutdown: 'any-significant', children: [child] }).start()
    await top.terminate('a')
    assert.deepEqual([top.state, top.children()], ['running', []])
    await top.stop()
  })
})

void describe('what a child does', () => {
  for (const strategy of ['one-for-one', 'one-for-all'] as const) {
    void it(`when it is killed and does not listen holds nobody up: ${strategy}`, async () => {
      const stage = new Stage()
      const [a, deaf, c] = [stage.puppet('a'), stage.puppet('deaf', { obeys: false }), stage.puppet('c')]
      const backoff = { min: 0, max: 0 }
      const children = [{ child: a, backoff }, { child: deaf, shutdown: 'brutal-kill', backoff } as const, c]
      const top = await stage.supervisor({ strategy, children }).start()
      await c.ends()
      await stage.clock.advanceAsync(100)
      assert.equal(top.count().active, 3)
      stage.news()
      await top.stop()
      assert.equal(stage.news(), '?c -c ?deaf ?a -a')
    })
  }

  for (const thrown of [Object.create(null), { toString: () => ({}) }, undefined] as unknown[]) {
    void it(`may throw anything: ${typeof thrown}`, async () => {
      const thrower = { id: 'thrower', run: () => Promise.reject(thrown) }
      await assert.rejects(new Stage().supervisor({ children: [thrower] }).start(), { code: 'ERR_PAGENT_GAVE_UP' })
    })
  }

  const ends: [what: unknown, expected: RegExp][] = [
    [undefined, /^ended by itself/],
    [5, /^ended by itself/],
    [{ kind: 'normal' }, /^ended by itself/],
    [{ kind: 'failed', exitCode: 3 }, /^exited with code 3 after 0ms/],
    [{ kind: 'banana' }, /^crashed in run: child "liar" has ended with an exit that is none: \{"kind":"banana"\}/],
    [{ kind: 'crashed' }, /^crashed in run: child "liar" has ended with an exit that is none/],
    [{ kind: 'gave-up' }, /^crashed in run: child "liar"/],
  ]
  for (const [what, expected] of ends) {
    void it(`may say of its end what it wants: ${JSON.stringify(what)}`, async () => {
      const stage = new Stage()
      const top = stage.supervisor({
        children: [{ child: liar(what), restart: 'transient' }],
        intensity: { restarts: 0 },
      })
      await top.start().catch(() => {})
      await settled()
      assert.match(describeExit(top.children()[0]?.exit as Exit), expected)
      await top.stop()
    })
  }

  void it('after it was asked to end does not make it ready', async () => {
    const stage = new Stage()
    const [a, b] = [stage.puppet('a', { ready: false, obeys: false }), stage.puppet('b')]
    const top = stage.supervisor({ children: [a, b] })
    const started = assert.rejects(top.start(), { code: 'ERR_PAGENT_EXIT' })
    const stopped = top.stop()
    await a.isReady()
    assert.equal(stage.news(), '+a ?a')
    await a.ends('stopped')
    await Promise.all([stopped, started])
  })

  void it('in the turn that is given away does not hold up the first start', async () => {
    const stage = new Stage()
    let lives = 0
    const late = Promise.withResolvers<void>()
    const flaky = {
      id: 'flaky',
      run: async ({ ready, signal }: { ready: () => void; signal: AbortSignal }) => {
        if (++lives === 2) await late.promise
        ready()
        if (lives === 1) throw new Error('once')
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    }
    const others = Array.from({ length: 6 }, (_, i) => stage.puppet(`late-${i}`))
    const early = Array.from({ length: 63 }, (_, i) => stage.puppet(`early-${i}`))
    const top = stage.supervisor({ children: [...early, { child: flaky, backoff: AT_ONCE }, ...others] })
    await top.start()
    late.resolve()
    await settled()
    assert.equal(top.count().active, 70)
    await top.stop()
  })

  void it('again and again at once starves nobody', async () => {
    const stage = new Stage()
    const child = { id: 'hot', run: ({ ready }: { ready: () => void }) => (ready(), Promise.reject(new Error('hot'))) }
    const top = await stage
      .supervisor({ intensity: { restarts: 1e9, within: '1h' }, children: [{ child, backoff: AT_ONCE }] })
      .start()
    for (let i = 0; i < 10; i++) await settled()
    assert.ok((top.children()[0]?.restarts ?? 0) < 5000, 'the loop was free in between')
    await top.stop()
  })

  void it('a second time when it had nothing to do the first is a failure like others', async () => {
    const stage = new Stage()
    const [migrate, web] = [stage.puppet('migrate', { ready: false }), stage.puppet('web')]
    const children = [
      { child: migrate, restart: 'transient', backoff: AT_ONCE } as const,
      { child: web, backoff: AT_ONCE },
    ]
    const top = stage.supervisor({ strategy: 'one-for-all', intensity: MANY, children })
    const started = top.start()
    await migrate.ends('normal')
    await started
    await web.ends()
    await migrate.ends('failed')
    assert.deepEqual([top.state, stage.decisions()], ['running', 'migrate stay-down, web restart, migrate restart'])
    await top.stop()
  })

  void it('synchronously in its run may be to stop its supervisor', async () => {
    const stage = new Stage()
    const rebel = { id: 'rebel', run: async () => void top.stop() } as any
    const top = stage.supervisor({ children: [stage.puppet('a'), rebel, stage.puppet('c')] })
    await assert.rejects(top.start(), { code: 'ERR_PAGENT_EXIT' })
    assert.equal(stage.news(), '+a ?a -a')
  })

  void it('after its end does not matter: a late ready, a second end', async () => {
    const { stage, a, started, top } = await trio('one-for-one')
    await started
    const late = stage.puppet('d')
    await top.add(late)
    await top.remove('d')
    await late.isReady()
    await late.ends()
    await a.ends()
    await a.isReady()
    await settled()
    assert.deepEqual(top.count(), { specs: 3, active: 3, supervisors: 0, workers: 3 })
    await top.stop()
  })
})
