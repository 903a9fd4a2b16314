import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { eventually } from '../support/processes.ts'
import { pooled } from './pooled.ts'

/** Who is busy is not waited for in the end. */
const worker = { shutdown: { eof: 0 } }

void describe('what waits for a worker of a pool', () => {
  pooled('for that of its key lets others have those that are idle', { size: 2, worker }, async (pool) => {
    await pool.start()
    await eventually(() => pool.stats.ready === 2, 20_000, 'both')
    const cancel = new AbortController()
    const running = pool.call('hold', [1e6], { key: 'a', signal: cancel.signal }).catch(() => 'cancelled')
    const waiting = pool.call('hold', [1], { key: 'a', signal: cancel.signal }).catch(() => 'cancelled')
    assert.equal(pool.stats.queued, 1)
    for (const options of [{}, { key: 'b' }])
      assert.equal(await pool.call('add', [1, 2], { ...options, timeout: '20s' }), 3)
    cancel.abort()
    assert.deepEqual(await Promise.all([running, waiting]), ['cancelled', 'cancelled'])
  })

  for (const options of [{}, { key: 'a' }])
    pooled(
      `for a lease ${'key' in options ? 'of its key ' : ''}gets one, however busy all are`,
      { size: 1, concurrency: 2 },
      async (pool) => {
        const leased = new AbortController()
        let calls = 0
        const lane = async (ms: number): Promise<void> => {
          while (!leased.signal.aborted && calls++ < 1000) await pool.call('hold', [ms], options)
        }
        const lanes = [20, 25, 30, 35].map(lane)
        await eventually(() => pool.stats.queued === 2, 20_000, 'calls that wait')
        await pool.use(() => leased.abort(), options)
        assert.ok(calls < 1000, 'it was given while there was no end of calls')
        await Promise.all(lanes)
      },
    )

  pooled('for a lease that is withdrawn is begun at once', { size: 1, concurrency: 2, worker }, async (pool) => {
    await pool.start()
    const [cancel, withdraw] = [new AbortController(), new AbortController()]
    const running = pool.call('hold', [1e6], { signal: cancel.signal }).catch(() => 'cancelled')
    const lease = pool.use(() => 'leased', { signal: withdraw.signal }).catch(() => 'withdrawn')
    const behind = pool.call('add', [1, 2], { timeout: '20s' })
    assert.equal(pool.stats.queued, 2)
    withdraw.abort()
    assert.deepEqual([await lease, await behind], ['withdrawn', 3])
    cancel.abort()
    assert.equal(await running, 'cancelled')
    await pool.stop()
  })

  pooled(
    'for a lease leaves the other workers to those behind it',
    { size: 2, concurrency: 2, worker },
    async (pool) => {
      await pool.start()
      await eventually(() => pool.stats.ready === 2, 20_000, 'both')
      const cancel = new AbortController()
      const hold = (): Promise<unknown> => pool.call('hold', [1e6], { signal: cancel.signal }).catch(() => 'cancelled')
      const running = [hold(), hold()]
      const lease = pool.use(() => 'leased', { signal: cancel.signal }).catch(() => 'cancelled')
      assert.deepEqual([pool.stats.busy, pool.stats.queued], [2, 1])
      for (let i = 0; i < 3; i++) assert.equal(await pool.call('add', [1, i], { timeout: '20s' }), 1 + i)
      cancel.abort()
      assert.deepEqual(await Promise.all([...running, lease]), ['cancelled', 'cancelled', 'cancelled'])
      await pool.stop()
    },
  )
})
