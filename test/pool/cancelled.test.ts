import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pool } from '../../src/index.ts'
import { eventually } from '../support/processes.ts'
import { type Work, module, pooled } from './pooled.ts'

/** Who does not let go is ended by SIGTERM, without a farewell. */
const worker = { shutdown: { eof: 0 } }
const late = { code: 'ERR_PAGENT_TIMEOUT' }

void describe('a worker that has not let go of a cancelled call', () => {
  for (const concurrency of [1, 3])
    pooled(
      `gets no others, and a spare takes its place, where one does ${concurrency} at a time`,
      { size: 1, spares: 1, concurrency, worker },
      async (pool) => {
        await pool.start()
        await eventually(() => pool.stats.ready === 2, 20_000, 'a worker and a spare')
        const first = await pool.call('pid', [])
        await assert.rejects(pool.call('spin', [], { timeout: 50 }), late)
        const pids = await Promise.all(Array.from({ length: 6 }, () => pool.call('pid', [])))
        assert.equal(new Set(pids).size, 1)
        assert.notEqual(pids[0], first)
      },
    )

  pooled('is replaced where there is room for another', { size: { min: 0, max: 2 }, worker }, async (pool) => {
    const first = await pool.call('pid', [])
    await assert.rejects(pool.call('spin', [], { timeout: 50 }), late)
    assert.notEqual(await pool.call('pid', []), first)
    assert.equal(pool.stats.workers, 2)
  })

  pooled('goes on with the next once it has', { size: 1 }, async (pool) => {
    await pool.start()
    const cancel = new AbortController()
    const cancelled = pool.call('crowded', [200], { signal: cancel.signal })
    await eventually(() => pool.stats.busy === 1, 5000, 'it is under way')
    cancel.abort(new Error('not any more'))
    await assert.rejects(cancelled, /not any more/)
    assert.equal(await pool.call('crowded', [1]), 1, 'the two do not meet')
    assert.equal(pool.stats.deaths, 0)
  })

  pooled('gets no others either when it was a stream', { size: 1, spares: 1, worker }, async (pool) => {
    await pool.start()
    await eventually(() => pool.stats.ready === 2, 20_000, 'a worker and a spare')
    let first = 0
    for await (first of pool.remote.stuck()) break
    assert.notEqual(await pool.call('pid', []), first)
  })

  void it('ends when it never does, and takes nobody with it', { timeout: 60_000 }, async () => {
    const pool = new Pool<Work>({ module, size: 1, spares: 1, worker })
    await pool.start()
    await assert.rejects(pool.call('spin', [], { timeout: 50 }), late)
    while (pool.stats.deaths === 0) await pool.call('hold', [100])
    await eventually(() => pool.stats.ready === 2, 30_000, 'a replacement')
    await pool.stop()
  })
})
