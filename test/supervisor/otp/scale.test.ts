import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type Supervisor, supervisor, worker } from '../../../src/index.ts'
import { holdings } from '../../support/processes.ts'
import { assertGone, collect, counts, otp, pidOf, upTo, which } from './children.ts'

const EMPTY = { id: 'sup', intensity: upTo(2), children: [] }

/** A machine that stands still for a moment looks slow: one round in three that is linear shows that it can be. */
const TRIES = 3

/** How long it takes to do that with each of so many children, one after the other: milliseconds. */
async function timed(count: number, act: (id: string) => Promise<unknown>): Promise<number> {
  const began = performance.now()
  for (let index = 0; index < count; index++) await act(`child${index} of ${count}`)
  return performance.now() - began
}

/** Ten times as many take ten times as long to start and to stop, with some allowance. */
async function assertLinear(sup: Supervisor, restart: 'permanent' | 'temporary', allowance: number): Promise<void> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await assertLinearOnce(sup, restart, allowance)
    } catch (error) {
      if (left === 0) throw error
      for (const [id] of which(sup)) await sup.remove(id)
    }
  }
}

async function assertLinearOnce(sup: Supervisor, restart: 'permanent' | 'temporary', allowance: number): Promise<void> {
  const [few, many] = [30, 300]
  const add = (id: string): Promise<void> => sup.add({ child: worker(id, 'cat'), restart })
  const leave = (id: string): Promise<unknown> => sup.terminate(id)
  const [startFew, stopFew] = [await timed(few, add), await timed(few, leave)]
  const [startMany, stopMany] = [await timed(many, add), await timed(many, leave)]
  const left = restart === 'permanent' ? few + many : 0
  assert.deepEqual(counts(sup), [left, 0, 0, left])
  const most = (many / few) * allowance
  assert.ok(startMany / startFew < most, `${few} were started in ${startFew} ms, ${many} in ${startMany} ms`)
  assert.ok(stopMany / stopFew < most, `${few} were stopped in ${stopFew} ms, ${many} in ${stopMany} ms`)
}

function family(id: string): Supervisor {
  return supervisor({ id, children: [worker(`${id} worker`, 'cat')] })
}

void describe('OTP: many children, and how they are counted', () => {
  otp('count_children: a hundred and then two hundred are counted, and none when all were killed', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    await timed(100, (id) => sup.add({ child: worker(id, 'cat'), restart: 'temporary' }))
    assert.deepEqual([which(sup).length, counts(sup)], [100, [100, 100, 0, 100]])
    await timed(100, (id) => sup.add({ child: worker(`more ${id}`, 'cat'), restart: 'temporary' }))
    assert.deepEqual([which(sup).length, counts(sup)], [200, [200, 200, 0, 200]])
    assert.deepEqual([which(sup), counts(sup)], [which(sup), counts(sup)])
    const workers = [...stage.master.workers()]
    const pids = workers.map(pidOf)
    for (const child of workers) child.kill()
    await stage.events.until({ type: 'child-exited', next: 'stay-down' }, 200)
    assertGone(...pids)
    assert.deepEqual([which(sup), counts(sup), sup.state], [[], [0, 0, 0, 0], 'running'])
  })

  otp(
    'count_children_supervisor: children that are supervisors are counted as such, not their children',
    async (stage) => {
      const sup = await stage.master.supervise(EMPTY)
      await timed(20, (id) => sup.add({ child: family(id), restart: 'temporary' }))
      assert.deepEqual([which(sup).length, counts(sup)], [20, [20, 20, 20, 0]])
      await timed(20, (id) => sup.add({ child: family(`more ${id}`), restart: 'temporary' }))
      assert.deepEqual([which(sup).length, counts(sup)], [40, [40, 40, 40, 0]])
      const pids = [...stage.master.workers()].map(pidOf)
      assert.equal(pids.length, 40)
      await Promise.all(which(sup).map(([id]) => sup.terminate(id)))
      assertGone(...pids)
      assert.deepEqual([which(sup), counts(sup)], [[], [0, 0, 0, 0]])
    },
  )

  otp('count_restarting_children: who waits for its restart is known, but not active', async (stage) => {
    const sup = await stage.master.supervise({ ...EMPTY, intensity: upTo(20) })
    const backoff = { min: '1h', max: '1h', jitter: 0 }
    const children = [1, 2, 3].map((number) => stage.child(`child${number}`, { backoff }))
    for (const [index, child] of children.entries()) {
      await sup.add(child)
      assert.deepEqual(counts(sup), [index + 1, index + 1, 0, index + 1])
    }
    for (const child of children.slice(0, 2)) child.kill()
    for (const id of ['child1', 'child2']) assert.equal((await stage.events.ended(id)).next, 'restart')
    assert.deepEqual(counts(sup), [3, 1, 0, 3])
    assert.deepEqual(which(sup), [
      ['child1', 'restarting'],
      ['child2', 'restarting'],
      ['child3', 'running'],
    ])
    // By hand it need not wait.
    await sup.restart('child1')
    assert.deepEqual(counts(sup), [3, 2, 0, 3])
    await sup.remove('child2')
    assert.deepEqual(counts(sup), [2, 2, 0, 2])
    await sup.terminate('child3')
    assert.deepEqual(counts(sup), [2, 1, 0, 2])
    await sup.remove('child1')
    assert.deepEqual(counts(sup), [1, 0, 0, 1])
  })

  otp(
    'simple_one_for_one_scale_many_temporary_children: ten times as many take ten times as long, not a hundred',
    async (stage) => assertLinear(await stage.master.supervise(EMPTY), 'temporary', 5),
  )

  otp('scale_start_stop_many_children: so do those that are kept', async (stage) =>
    assertLinear(await stage.master.supervise(EMPTY), 'permanent', 10),
  )

  otp('scale_start_stop_many_children: started and stopped in a loop, nothing grows', async (stage) => {
    const sup = await stage.master.supervise(EMPTY)
    const round = async (): Promise<void> => {
      await timed(20, (id) => sup.add(worker(id, 'cat', [], { env: { LARGE: `${'x'.repeat(10_000)} ${id}` } })))
      await timed(20, (id) => sup.remove(id))
    }
    const heap = (): number => {
      // Everything that has happened is held by the one who watches it.
      stage.events.seen.length = 0
      collect()
      return process.memoryUsage().heapUsed
    }
    for (let warm = 0; warm < 5; warm++) await round()
    const [before, bytes] = [holdings(), heap()]
    for (let again = 0; again < 15; again++) await round()
    const grown = heap() - bytes
    const after = holdings()
    // What 300 children were given is three times that; Node itself takes a while to settle.
    assert.ok(grown < 1_000_000, `the heap has grown by ${grown} bytes in 300 lives`)
    assert.deepEqual(after.children, before.children)
    assert.ok(after.descriptors <= before.descriptors && after.timers <= before.timers)
    assert.deepEqual([counts(sup), [...stage.master.workers()]], [[0, 0, 0, 0], []])
  })
})
