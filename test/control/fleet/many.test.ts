import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startFleet } from '../../../src/control/fleet/fleet.ts'
import { stage } from '../../support/fleets.ts'
import { emptyFolder } from '../../support/folders.ts'
import { groupOf, planOf, workerOf } from '../../support/plans.ts'
import { assertNothingLeft, holdings } from '../../support/processes.ts'

const MANY = 300

test(`a fleet of ${MANY} workers starts, is looked at in one go, logs to few files at a time, and ends`, async (t) => {
  const folder = await emptyFolder()
  const before = holdings()
  const entries = [
    ...Array.from({ length: MANY - 50 }, (_, index) => workerOf(`w-${index}`, 'cat')),
    groupOf(
      'app',
      Array.from({ length: 50 }, (_, index) => workerOf(`g-${index}`, 'cat')),
    ),
  ]
  const fleet = await startFleet(planOf(entries), { stateFolder: folder })
  t.after(() => fleet.stop({ hurry: true }))
  const { until } = stage(fleet)
  await until('fleet-ready')
  let workers = await fleet.workers()
  // Of a machine that is busy with other things nobody learns everything at once.
  for (let looks = 0; looks < 20 && workers.some(({ memory }) => memory === undefined); looks++) {
    await pause(600)
    workers = await fleet.workers()
  }
  assert.equal(workers.length, MANY)
  const odd = workers.filter(({ state, memory = 0, pid }) => state !== 'running' || memory === 0 || pid === undefined)
  assert.deepEqual(odd, [])
  let heard = 0
  const all = new Promise<void>((resolve) => {
    fleet.onLog(({ stream }) => {
      if (stream === 'out' && ++heard === MANY) resolve()
    })
  })
  await Promise.all(workers.map(({ id }) => fleet.send(id, `hello of ${id}`)))
  await all
  const records = []
  for await (const record of fleet.logs({ lines: 10_000 })) records.push(record)
  assert.equal(records.filter(({ stream }) => stream === 'out').length, MANY)
  assert.equal(records.filter(({ msg }) => msg.startsWith('started with pid')).length, MANY)
  await fleet.stop()
  await assertNothingLeft(before)
})
