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
})
