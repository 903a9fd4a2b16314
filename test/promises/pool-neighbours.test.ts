import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Exit, type ExitError, type PoolSpec, Pool } from '../../src/index.ts'
import type * as work from '../pool/fixtures/work.ts'
import { eventually } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { abilitiesHere } from '../support/trees.ts'

type Work = typeof work
const module = new URL('../pool/fixtures/work.ts', import.meta.url)

/** Each call of the others takes so many milliseconds, and so many of them are made at a time. */
const TAKES = 5
const LANES = 2
/** So many loops and so many bombs, one of each at a time, in each try. */
const ROUNDS = 4
/** Others use the machine too: so many tries, and the best one counts. */
const TRIES = 4
/** The p99 of the others beside what misbehaves, as many times what it is without. */
const FACTOR = 3
/** Milliseconds from the end of a worker to the answer of the spare that takes its place: it starts nothing for that. */
const TAKES_OVER = 100

const { launcher, limits: enforceable } = await abilitiesHere()
const skip = enforceable.processes === undefined && `only where limits are enforced, not by ${launcher}`

void describe('beside calls that loop for ever and calls that eat memory', () => {
  pooled('other calls are answered rightly, and as soon as before', { size: LANES + 2, spares: 2 }, async (pool) => {
    const factors: number[] = []
    while (factors.length < TRIES && !factors.some((factor) => factor <= FACTOR)) factors.push(await tryOnce(pool))
    assert.ok(
      Math.min(...factors) <= FACTOR,
      `their p99 took ${factors.map((one) => one.toFixed(1)).join(', ')} times as long`,
    )
  })

  pooled('a call that waits for the worker of a loop is answered by a spare', { size: 1, spares: 1 }, async (pool) => {
    const took: number[] = []
    while (took.length < TRIES && !took.some((ms) => ms <= stretched(TAKES_OVER))) took.push(await takeOver(pool))
    assert.ok(Math.min(...took) <= stretched(TAKES_OVER), `it took ${took.map(Math.round).join(', ')} ms`)
  })
})

/** A story with a pool that is complete; nothing is left of it. */
function pooled(title: string, spec: PoolSpec, tell: (pool: Pool<Work>) => Promise<void>): void {
  void it(title, { skip }, async () => {
    const pool = new Pool<Work>({ module, ...spec })
    try {
      await pool.start()
      await tell(pool)
    } finally {
      await pool.stop()
    }
  })
}

/** How many times as long the others take. */
async function tryOnce(pool: Pool<Work>): Promise<number> {
  await isComplete(pool, LANES + 4)
  let calls = 0
  const before = await talk(pool, () => calls++ >= 400)
  let isOver = false
  const over = misbehave(pool).finally(() => (isOver = true))
  const [beside] = await Promise.all([talk(pool, () => isOver), over])
  return p99(beside) / p99(before)
}

/** Calls in lanes, one after the other in each; returns how long they took. */
async function talk(pool: Pool<Work>, isOver: () => boolean): Promise<number[]> {
  const took: number[] = []
  const lane = async (): Promise<void> => {
    for (let i = 0; !isOver(); i++) {
      const from = performance.now()
      assert.equal(await pool.call('later', [i, TAKES]), i)
      took.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return took
}

async function misbehave(pool: Pool<Work>): Promise<void> {
  const used: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const [one] = await Promise.all([loop(pool), bomb(pool)])
    used.push(one)
    await isComplete(pool, LANES + 4)
  }
  // A machine that stands still for a moment looks too late: one just end shows that it can.
  assert.ok(Math.min(...used) <= 300, `they have used ${used.map(Math.round).join(', ')} ms`)
}

/** Milliseconds of CPU time until it was ended. */
async function loop(pool: Pool<Work>): Promise<number> {
  const before = await pool.call('cpuUsed', [], { key: 'loop' })
  const exit = await endOf(pool.call('spin', [], { key: 'loop', cpuTime: '200ms' }))
  assert.partialDeepStrictEqual(exit, { kind: 'limit', limit: 'cpuTime', max: 200 })
  return exit.usage.cpuTime - before
}

async function bomb(pool: Pool<Work>): Promise<void> {
  const exit = await endOf(pool.call('bomb', [], { memory: '300MiB' }))
  assert.partialDeepStrictEqual(exit, { kind: 'limit', limit: 'memory', max: 300 * 2 ** 20 })
}

/** From the end of the only worker to the answer of the call that waited for it. */
async function takeOver(pool: Pool<Work>): Promise<number> {
  await isComplete(pool, 2)
  const begun = performance.now()
  const exit = endOf(pool.call('spin', [], { cpuTime: '200ms' })).then((one) => ({ one, at: performance.now() }))
  const age = await pool.call('age', [])
  const answered = performance.now()
  const { one, at } = await exit
  assert.partialDeepStrictEqual(one, { kind: 'limit', limit: 'cpuTime' })
  assert.ok(
    age > answered - begun,
    `answered by a worker that is ${age} ms old, ${answered - begun} ms after the loop has begun`,
  )
  return answered - at
}

async function endOf(call: Promise<unknown>): Promise<Exit> {
  try {
    await call
  } catch (error) {
    return (error as ExitError).exit
  }
  return assert.fail('it was answered')
}

async function isComplete(pool: Pool<Work>, workers: number): Promise<void> {
  await eventually(() => pool.stats.ready === workers, stretched(30_000), 'all workers and spares')
}

function p99(took: readonly number[]): number {
  return took.toSorted((a, b) => a - b)[Math.floor((took.length - 1) * 0.99)] as number
}
