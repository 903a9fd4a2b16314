import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type PoolSpec, Pool } from '../../src/index.ts'
import { isAlive } from '../support/processes.ts'
import type * as work from './fixtures/work.ts'

export type Work = typeof work
export const module = new URL('./fixtures/work.ts', import.meta.url)

/** A story with a pool of its own; nothing is left of it. */
export function pooled(title: string, spec: Partial<PoolSpec>, tell: (pool: Pool<Work>) => Promise<void>): void {
  void it(title, async () => {
    const pool = new Pool<Work>({ module, ...spec })
    const pids = new Set<number>()
    try {
      await tell(pool)
      if (pool.stats.ready > 0) for (let i = 0; i < 4; i++) pids.add(await pool.call('pid', []))
    } finally {
      await pool.stop()
    }
    for (const pid of pids) assert.equal(isAlive(pid), false)
  })
}
