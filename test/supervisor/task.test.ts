import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Exit, describeExit } from '../../src/base/exit.ts'
import type { ChildContext } from '../../src/supervisor/child.ts'
import { task } from '../../src/supervisor/task.ts'
import { settled } from '../support/fake-clock.ts'
import { Stage } from './puppets.ts'

type Run = (context: ChildContext) => unknown

/** How a task ends that is stopped once it has begun, unless it ends by itself. */
async function endOf(run: Run): Promise<Exit> {
  const stage = new Stage()
  const top = await stage
    .supervisor({
      children: [{ child: task('t', run), restart: 'transient' }],
      intensity: { restarts: 0, within: 1000 },
    })
    .start()
  await settled()
  await Promise.all([top.stop(), stage.clock.advanceAsync(5000)])
  return top.children()[0]?.exit as Exit
}

const cases: [title: string, run: Run, expected: RegExp][] = [
  ['returns', () => {}, /^ended by itself after 0ms$/],
  ['returns something', async () => ({ kind: 'of magic' }), /^ended by itself/],
  ['throws', () => Promise.reject(new Error('boom')), /^crashed in run: boom/],
  ['throws before its first await', async () => Promise.reject(new Error('at once')), /^crashed in run: at once/],
  ['throws what is no error', () => Promise.reject('a string'), /^crashed in run: a string/],
  ['returns when it is asked to end', ({ signal }) => once(signal, 'abort'), /^was stopped by its abort signal/],
  [
    'throws the reason',
    ({ signal }) => once(signal, 'abort').then(() => signal.throwIfAborted()),
    /^was stopped by its abort signal/,
  ],
  [
    'throws an AbortError, as Node does',
    ({ signal }) => sleep(1e6, undefined, { signal }),
    /^was stopped by its abort signal/,
  ],
  [
    'throws something else when asked to end',
    ({ signal }) => once(signal, 'abort').then(() => Promise.reject(new Error('no disk'))),
    /^crashed in run: no disk/,
  ],
  [
    'does not listen',
    () => new Promise(() => {}),
    /^crashed in stop: Cannot stop child "t": it has ignored its signals; it may still be at work/,
  ],
]

void describe('a task that', () => {
  for (const [title, run, expected] of cases)
    void it(title, async () => assert.match(describeExit(await endOf(run)), expected))

  void it('is ready when it says so holds back the next', async () => {
    const stage = new Stage()
    let isReady: (() => void) | undefined
    const first = task(
      'first',
      ({ ready, signal }) => {
        isReady = ready
        return once(signal, 'abort')
      },
      { ready: 'call' },
    )
    const top = stage.supervisor({ children: [first, stage.puppet('b')] })
    const started = top.start()
    assert.equal(stage.news(), '')
    isReady?.()
    assert.equal(stage.news(), '+b')
    await started
    await top.stop()
  })

  void it('throws before there is a promise has failed to start', async () => {
    const fails = task('t', () => {
      throw new Error('no config')
    })
    const message = 'Cannot start supervisor "top": its child "t" crashed in run: no config after 0ms'
    await assert.rejects(new Stage().supervisor({ children: [fails] }).start(), { message })
  })

  void it('cannot be is refused', () => {
    assert.throws(() => task('t', 'code' as never), /Cannot make task "t": expected an async function/)
    assert.throws(
      () => task('t', () => {}, { ready: 'soon' as 'call' }),
      /ready cannot be "soon"; expected 'start' or 'call'/,
    )
    assert.throws(() => task('t', () => {}, { restart: 'never' } as object), /there is no option "restart"/)
  })
})
