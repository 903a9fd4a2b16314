import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sleep, systemClock } from '../../src/base/clock.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'

describe('sleep', () => {
  it('resolves after its time, and not before', async () => {
    const clock = new FakeClock()
    let done = false
    const sleeping = sleep(clock, 10).then(() => (done = true))
    await clock.advanceAsync(9)
    assert.equal(done, false)
    await clock.advanceAsync(1)
    assert.equal(done, true)
    await sleeping
  })

  it('rejects with the reason of its signal, and leaves no timer', async () => {
    const clock = new FakeClock()
    const abort = new AbortController()
    const sleeping = sleep(clock, 10, abort.signal)
    abort.abort('enough')
    await assert.rejects(sleeping, (reason) => reason === 'enough')
    assert.equal(clock.pending, 0)
  })

  it('rejects at once with a signal that was aborted before, and sets no timer', async () => {
    const clock = new FakeClock()
    await assert.rejects(sleep(clock, 10, AbortSignal.abort('before')), (reason) => reason === 'before')
    assert.equal(clock.pending, 0)
  })

  it('leaves nothing on the signal when it is over', async () => {
    const clock = new FakeClock()
    const { signal } = new AbortController()
    let listening = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listening++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listening--, remove(...args))
    const sleeping = sleep(clock, 10, signal)
    assert.equal(listening, 1)
    clock.advance(10)
    await sleeping
    assert.equal(listening, 0)
  })
})

describe('the clock of the machine', () => {
  it('fires once, and never after it was cancelled', async () => {
    const fired: string[] = []
    const cancelled = systemClock.after(0, () => fired.push('cancelled'))
    cancelled.cancel()
    cancelled.cancel()
    await new Promise<void>((resolve) => {
      const timer = systemClock.after(1, () => {
        fired.push('fired')
        timer.cancel()
        resolve()
      })
    })
    assert.deepEqual(fired, ['fired'])
  })

  it('fires after weeks what Node would fire at once, and never what is infinite', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const month = 30 * 86_400_000
    const fired: string[] = []
    systemClock.after(month, () => fired.push('month'))
    systemClock.after(month, () => fired.push('cancelled')).cancel()
    const late = systemClock.after(month, () => fired.push('cancelled late'))
    systemClock.after(Infinity, () => fired.push('never'))
    t.mock.timers.tick(2 ** 31 - 1)
    late.cancel()
    t.mock.timers.tick(month - 2 ** 31)
    assert.deepEqual(fired, [])
    t.mock.timers.tick(1)
    assert.deepEqual(fired, ['month'])
  })

  it('counts on, and knows the date', () => {
    const before = systemClock.now()
    assert.ok(systemClock.now() >= before)
    assert.ok(Math.abs(systemClock.date() - Date.now()) < 10_000)
  })
})

describe('the clock of the tests', () => {
  it('fires in the order of the times, then of the calls, also what is set meanwhile', () => {
    const clock = new FakeClock()
    const fired: string[] = []
    clock.after(20, () => fired.push(`late at ${clock.now()}`))
    clock.after(10, () => {
      fired.push(`early at ${clock.now()}`)
      clock.after(5, () => fired.push(`set meanwhile at ${clock.now()}`))
    })
    clock.after(10, () => fired.push(`second at ${clock.now()}`))
    clock.after(Infinity, () => fired.push('never'))
    assert.equal(clock.untilNext, 10)
    clock.advance(20)
    assert.deepEqual(fired, ['early at 10', 'second at 10', 'set meanwhile at 15', 'late at 20'])
    assert.equal(clock.now(), 20)
    assert.equal(clock.pending, 0)
  })

  it('lets promises run between two timers', async () => {
    const clock = new FakeClock()
    const woken: number[] = []
    const loop = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 10)
        woken.push(clock.now())
      }
    })()
    await clock.advanceAsync(30)
    assert.deepEqual(woken, [10, 20, 30])
    await loop
    await settled()
  })
})
