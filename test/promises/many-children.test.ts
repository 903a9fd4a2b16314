import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { type Child, type MasterEvent, type Supervisor, Master, supervisor, task, worker } from '../../src/index.ts'
import { assertNothingLeft, holdings } from '../support/processes.ts'
import { scaled } from '../support/scale.ts'

const TASKS = scaled(10_000)
const PROCESSES = scaled(1000)
const ROUNDS = 5
const SPEC = { intensity: { restarts: 1_000_000, within: '1h' } } as const
const SOON = { backoff: { min: 0, max: 5 } } as const

void describe('one supervisor of many', () => {
  void test(`${TASKS} tasks start in order, a random tenth crashes ${ROUNDS} times, and they stop in reverse order`, async () => {
    const before = holdings()
    // The first time the engine compiles.
    await liveWithTasks()
    const heap = heapUsed()
    await liveWithTasks()
    await assertNothingLeft(before)
    assert.ok(heapUsed() - heap < 2 ** 20, `the heap grew by ${heapUsed() - heap} bytes`)
  })

  void test(`${TASKS} tasks that depend on each other are started again once when a tenth fails at once, the last first`, async () => {
    const [lives, crash] = [new Map<string, number>(), new Map<string, () => void>()]
    const ids = Array.from({ length: TASKS }, (_, i) => `t${i}`)
    const child = (id: string): Child =>
      task(id, ({ signal }) => {
        lives.set(id, (lives.get(id) ?? 0) + 1)
        const life = Promise.withResolvers<void>()
        crash.set(id, () => life.reject(new Error('crash')))
        signal.addEventListener('abort', () => life.resolve())
        return life.promise
      })
    const children = ids.map((id) => ({ child: child(id), ...SOON }))
    const app = await supervisor({ id: 'app', strategy: 'rest-for-one', ...SPEC, children }).start()
    const unlucky = ids.filter((_, i) => i % 10 === 0)
    const back = untilBack(app, ids)
    for (const id of unlucky.toReversed()) crash.get(id)?.()
    await back
    assert.deepEqual(new Set(lives.values()), new Set([2]))
    assert.deepEqual(
      app
        .children()
        .filter((one) => one.restarts > 0)
        .map(({ id }) => id),
      unlucky,
    )
    await app.stop()
  })

  void test(`${PROCESSES} processes do the same`, async () => {
    const before = holdings()
    const master = new Master()
    const events = collect(master)
    const ids = Array.from({ length: PROCESSES }, (_, i) => `w${i}`)
    const children = ids.map((id) => ({ child: worker(id, 'cat'), ...SOON }))
    const app = await master.supervise({ id: 'app', ...SPEC, children })
    assert.deepEqual(namesOf(events, 'child-started'), ids)
    for (let round = 0; round < ROUNDS; round++) {
      const unlucky = tenth(ids, round)
      const back = untilBack(app, unlucky)
      for (const id of unlucky) master.getWorker(id).kill()
      await back
    }
    const restarts = app.children().reduce((sum, child) => sum + child.restarts, 0)
    assert.equal(restarts, ROUNDS * tenth(ids, 0).length)
    const ends = namesOf(events, 'child-exited').length
    await app.stop()
    assert.deepEqual(namesOf(events, 'child-exited').slice(ends), ids.toReversed())
    await master[Symbol.asyncDispose]()
    await assertNothingLeft(before)
  })
})

async function liveWithTasks(): Promise<void> {
  const [started, ended]: [string[], string[]] = [[], []]
  const crash = new Map<string, () => void>()
  const ids = Array.from({ length: TASKS }, (_, i) => `t${i}`)
  const child = (id: string) =>
    task(id, ({ signal }) => {
      started.push(id)
      const life = Promise.withResolvers<void>()
      crash.set(id, () => life.reject(new Error('crash')))
      signal.addEventListener('abort', () => {
        ended.push(id)
        life.resolve()
      })
      return life.promise
    })
  const app = supervisor({ id: 'app', ...SPEC, children: ids.map((id) => ({ child: child(id), ...SOON })) })
  await app.start()
  assert.deepEqual(started, ids)
  for (let round = 0; round < ROUNDS; round++) {
    const unlucky = tenth(ids, round)
    const back = untilBack(app, unlucky)
    for (const id of unlucky) crash.get(id)?.()
    await back
  }
  assert.deepEqual(app.count(), { specs: TASKS, active: TASKS, supervisors: 0, workers: TASKS })
  assert.equal(started.length, TASKS + ROUNDS * tenth(ids, 0).length)
  await app.stop()
  assert.deepEqual(ended, ids.toReversed())
}

/** Resolves when each of these has begun its next life and is ready. */
async function untilBack(app: Supervisor, ids: readonly string[]): Promise<void> {
  const all = new Map(app.children().map((child) => [child.id, child.incarnation]))
  const isBack = (): boolean => {
    const now = new Map(app.children().map((child) => [child.id, child]))
    return ids.every((id) => now.get(id)?.state === 'running' && now.get(id)?.incarnation === (all.get(id) ?? 0) + 1)
  }
  while (!isBack()) await turn()
}

/** A tenth of them, another one for each seed: each index by a permutation that any prime makes. */
function tenth(ids: readonly string[], seed: number): string[] {
  const step = [7919, 104_729, 15_485_863, 32_452_843, 49_979_687][seed % 5] as number
  return Array.from({ length: Math.floor(ids.length / 10) }, (_, i) => ids[(i * step + seed) % ids.length] as string)
}

function collect(master: Master): MasterEvent[] {
  const seen: MasterEvent[] = []
  const follow = async (): Promise<void> => {
    for await (const event of master.events) seen.push(event)
  }
  void follow()
  return seen
}

function namesOf(events: readonly MasterEvent[], type: 'child-started' | 'child-exited'): string[] {
  return events.flatMap((event) => (event.type === type ? [event.child] : []))
}

function heapUsed(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
