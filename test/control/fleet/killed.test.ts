import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import type { FleetPlan } from '../../../src/control/config/fleet-plan.ts'
import { claimFleet } from '../../../src/control/state/claim.ts'
import { emptyFolder } from '../../support/folders.ts'
import { groupOf, planOf, poolOf, workerOf } from '../../support/plans.ts'
import { eventually, isAlive } from '../../support/processes.ts'
import { fixture } from '../../support/story.ts'

interface Said {
  readonly stale?: { readonly message: string; readonly workers: readonly { id: string; pid: number }[] }
  readonly workers: readonly { readonly id: string; readonly pid: number }[]
  readonly folder: string
}

async function run(t: TestContext, plan: FleetPlan, home: string): Promise<{ child: ChildProcess; said: Said }> {
  const env = { ...process.env, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: '' }
  const args = [fixture('runs-a-fleet.ts'), JSON.stringify(plan)]
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, said: JSON.parse(line) as Said }
}

async function end(child: ChildProcess, how: () => void): Promise<void> {
  const exited = once(child, 'exit')
  how()
  await exited
}

const entries = [
  workerOf('alone', 'sh', ['-c', 'sleep 1000 & setsid sleep 1000 & cat']),
  groupOf('app', [workerOf('a', fixture('ignores-everything.sh')), groupOf('inner', [workerOf('b', 'cat')])]),
  poolOf('calc', process.execPath, [fixture('serves-and-misbehaves.ts')], { size: { min: 2, max: 2 } }),
]

test('kill -9 of the process that runs a fleet leaves nothing running, and the next one says what it found', async (t) => {
  const home = await emptyFolder()
  const plan = planOf(entries, { name: 'victim' })
  const { child, said } = await run(t, plan, home)
  assert.equal(said.stale, undefined)
  assert.deepEqual(
    said.workers.map(({ id }) => id),
    ['alone', 'a', 'b', 'calc-1', 'calc-2'],
  )
  await eventuallyWritten(said)
  await end(child, () => child.kill('SIGKILL'))
  const isAnybodyLeft = (): boolean => said.workers.some(({ pid }) => isAlive(pid))
  await eventually(() => !isAnybodyLeft(), 5000, 'a worker has outlived its fleet')
  const next = await run(t, plan, home)
  assert.match(
    next.said.stale?.message ?? '',
    /^found what a fleet left that was killed: "victim" \(pid \d+\) with 5 workers; nothing of it is left$/,
  )
  assert.deepEqual(next.said.stale?.workers, said.workers)
  // One that ends in order leaves nothing to find.
  await end(next.child, () => next.child.stdin?.end())
  const record = JSON.parse(await readFile(join(said.folder, 'state.json'), 'utf8'))
  assert.deepEqual(record.workers, [])
  assert.ok(record.stoppedAt > 0)
  const env = { XDG_STATE_HOME: home, XDG_RUNTIME_DIR: '' }
  const claim = await claimFleet(plan, { env })
  assert.equal(claim.stale, undefined)
  await claim.release()
})

test('two fleets run side by side by their names', async (t) => {
  const home = await emptyFolder()
  const [one, two] = await Promise.all(['one', 'two'].map((name) => run(t, planOf(entries, { name }), home)))
  assert.ok(one !== undefined && two !== undefined)
  await end(one.child, () => one.child.kill('SIGKILL'))
  const [pid] = one.said.workers.map((worker) => worker.pid)
  await eventually(() => !isAlive(pid!), 5000, 'a worker has outlived its fleet')
  assert.ok(two.said.workers.every((worker) => isAlive(worker.pid)))
  await end(two.child, () => two.child.stdin?.end())
})

/** `state.json` is up to a second behind. */
async function eventuallyWritten({ folder, workers }: Said): Promise<void> {
  let written = 0
  const look = async (): Promise<void> => {
    const text = await readFile(join(folder, 'state.json'), 'utf8').catch(() => '{"workers":[]}')
    written = (JSON.parse(text) as { workers: unknown[] }).workers.length
  }
  await eventually(
    () => {
      void look()
      return written === workers.length
    },
    5000,
    'who runs was not written down',
  )
}
