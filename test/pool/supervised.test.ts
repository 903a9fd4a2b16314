import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Master, type PoolSpec, Pool, supervisor, worker } from '../../src/index.ts'
import { eventually } from '../support/processes.ts'
import { story, watch } from '../support/story.ts'
import type * as work from './fixtures/work.ts'

type Work = typeof work

const module = new URL('./fixtures/work.ts', import.meta.url)
const fixture = (name: string): URL => new URL(`./fixtures/${name}.ts`, import.meta.url)
const FAST = { min: 1, max: 2 }
const LONG = { min: '1h', max: '1h', jitter: 0 }

const workers = (master: Master): string[] =>
  [...master.workers()].map(({ id, supervisor: above }) => `${id} ${above}`).toSorted()

/** A pool that cannot start its workers while it is broken. */
function brittle(spec: Partial<PoolSpec> = {}): { pool: Pool; breakIt: () => void; mendIt: () => void } {
  const file = join(tmpdir(), `pagent-broken-${process.pid}-${Math.random().toString(36).slice(2)}`)
  const pool = new Pool({
    id: 'work',
    module: fixture('loads-unless'),
    worker: { env: { BROKEN_WHILE: file } },
    intensity: { restarts: 0 },
    ...spec,
  })
  return { pool, breakIt: () => writeFileSync(file, ''), mendIt: () => rmSync(file, { force: true }) }
}

void describe('a pool below a supervisor', () => {
  story('is a child like others, and its workers belong to the master', async (master) => {
    const pool = new Pool<Work>({ id: 'work', module, size: 2 })
    const app = await master.supervise({ id: 'app', children: [pool] })
    assert.deepEqual(workers(master), ['work-1 app/work', 'work-2 app/work'])
    assert.equal(await pool.call('add', [1, 2]), 3)
    await assert.rejects(master.delWorker('work-1'), { name: 'TypeError', message: /pool "app\/work" keeps it/ })
    master.getWorker('work-1').kill()
    await eventually(() => pool.stats.ready === 2 && pool.stats.deaths === 1, 10_000, 'a replacement')
    await app.stop()
    assert.deepEqual([...master.workers()], [])
  })

  story('fails to start when its workers do, and says why', async (master) => {
    const fails = new Pool({
      id: 'work',
      module: fixture('does-not-load'),
      size: 1,
      intensity: { restarts: 1 },
      backoff: FAST,
    })
    await assert.rejects(master.supervise({ id: 'app', children: [fails] }), {
      code: 'ERR_PAGENT_GAVE_UP',
      message: /no license/,
    })
  })

  story('gives up when its workers cannot be replaced, and is started again by its supervisor', async (master) => {
    const { pool, breakIt, mendIt } = brittle({ size: 2 })
    const events = watch(master)
    const app = await master.supervise({
      id: 'app',
      intensity: { restarts: 1000 },
      children: [{ child: pool, backoff: FAST }],
    })
    breakIt()
    for (const id of ['work-1', 'work-2']) master.getWorker(id).kill()
    const { exit, next } = await events.untilOne(({ type, child }) => type === 'child-exited' && child === 'work')
    assert.deepEqual([exit.kind, exit.incarnation, next], ['gave-up', 1, 'restart'])
    mendIt()
    await events.untilOne(
      ({ type, child, at }) => type === 'child-started' && child === 'work' && at >= exit.startedAt + exit.uptime,
    )
    assert.equal(typeof (await pool.call('pid', [])), 'number')
    const [status] = app.children()
    assert.ok(status?.state === 'running' && status.incarnation > 1 && status.restarts > 0)
    assert.deepEqual(workers(master), ['work-1 app/work', 'work-2 app/work'])
  })

  story('takes calls before it is started, and while it waits for its restart', async (master) => {
    const { pool, breakIt, mendIt } = brittle({ size: 1 })
    const starting = master.supervise({ id: 'app', children: [worker('first', 'cat'), { child: pool, backoff: LONG }] })
    const early = pool.call('pid', [])
    assert.deepEqual(workers(master), ['first app'])
    const app = await starting
    assert.equal(await early, master.getWorker('work-1').pid)
    const down = watch(master).untilOne(({ type, next }) => type === 'child-exited' && next === 'restart')
    breakIt()
    master.getWorker('work-1').kill()
    await down
    mendIt()
    const waiting = pool.call('pid', [])
    assert.deepEqual([app.children()[1]?.state, pool.stats.queued, pool.stats.workers], ['restarting', 1, 0])
    await app.restart('work')
    assert.equal(await waiting, master.getWorker('work-1').pid)
  })

  story('refuses calls while it is left down, those that wait among them', async (master) => {
    const pool = new Pool<Work>({ id: 'work', module, size: 1 })
    const app = await master.supervise({ id: 'app', children: [pool] })
    await app.terminate('work')
    const refused = { code: 'ERR_PAGENT_CLOSED', message: /supervisor "app" leaves it down; use its restart\("work"\)/ }
    await assert.rejects(pool.call('add', [1, 2]), refused)
    await assert.rejects(pool.start(), { name: 'TypeError', message: /supervisor "app" keeps it/ })
    await app.restart('work')
    assert.equal(await pool.call('add', [1, 2]), 3)
    await app.remove('work')
    await assert.rejects(pool.call('add', [1, 2]), { message: /supervisor "app" has let it go; start\(\) it/ })
  })

  void it('can be used by itself once it was let go, when it is told to', async () => {
    const pool = new Pool<Work>({ id: 'work', module, size: 1 })
    const app = await supervisor({ id: 'app', children: [pool] }).start()
    await app.stop()
    await assert.rejects(pool.call('add', [1, 2]), { code: 'ERR_PAGENT_CLOSED' })
    await pool.start()
    assert.deepEqual([await pool.call('add', [1, 2]), pool.stats.workers], [3, 1])
    await pool.stop()
  })

  story('whose workers end before they have done anything gives up, as if they had not started', async (master) => {
    const events = watch(master)
    const pool = new Pool({ id: 'work', module: fixture('dies-idle'), size: 2, backoff: FAST })
    const app = await master
      .supervise({ id: 'app', intensity: { restarts: 0 }, children: [pool] })
      .catch(() => undefined)
    if (app !== undefined) await app.exited
    await events.until('supervisor-exited')
    const spawned = events.seen.filter(({ type }) => type === 'spawned').length
    assert.ok(spawned >= 4 && spawned <= 6, `${spawned} processes were started`)
    const planned = events.seen.filter(({ type, supervisor: who }) => type === 'restart-planned' && who === 'app/work')
    assert.ok(planned.length > 0, 'its waits are seen')
  })

  story(
    'does with the workers the master has room for',
    async (master) => {
      const pool = new Pool<Work>({ id: 'work', module, size: { min: 1, max: 4 } })
      await master.supervise({ id: 'app', children: [pool] })
      const pids = await Promise.all([1, 2, 3, 4, 5].map(() => pool.call('hold', [50])))
      assert.ok(new Set(pids).size <= 2)
      assert.deepEqual(workers(master), ['work-1 app/work', 'work-2 app/work'])
    },
    { maxWorkers: 2 },
  )

  story(
    'refuses a call when the master has no room for its first worker, and takes the next when there is',
    async (master) => {
      await master.getWorker('store').start('cat')
      const pool = new Pool<Work>({ id: 'work', module })
      await master.supervise({ id: 'app', children: [pool] })
      await assert.rejects(pool.call('add', [1, 2]), { code: 'ERR_PAGENT_EXIT', message: /maxWorkers/ })
      await master.delWorker('store')
      assert.equal(await pool.call('add', [1, 2]), 3)
    },
    { maxWorkers: 1 },
  )

  story('cannot start where the name of one of its workers is taken, and leaves nobody behind', async (master) => {
    await master.getWorker('work-2').start('cat')
    const pool = new Pool<Work>({ id: 'work', module, size: 2, intensity: { restarts: 0 } })
    const start = (): Promise<unknown> => master.supervise({ id: 'app', children: [pool] })
    await assert.rejects(start(), { message: /the master has one of that name; delWorker\("work-2"\) first/ })
    assert.deepEqual([workers(master), pool.stats.workers], [['work-2 undefined'], 0])
    await master.delWorker('work-2')
    await start()
    assert.equal(await pool.call('add', [1, 2]), 3)
  })
})
