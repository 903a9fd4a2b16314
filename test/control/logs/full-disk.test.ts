import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fleet } from '../../../src/control/fleet/contract.ts'
import { startFleet } from '../../../src/control/fleet/fleet.ts'
import { stage } from '../../support/fleets.ts'
import { emptyFolder } from '../../support/folders.ts'
import { planOf, workerOf } from '../../support/plans.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0

const title = 'a file system without room is filled, told once, and used again when there is room'

test(title, { skip: !canMount }, async (t) => {
  const folder = await emptyFolder()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'tmpfs', folder])
  if (status !== 0) return t.skip('this machine lets nobody mount')
  const lines = 'i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo "line $i"; done; read go; echo after; cat'
  try {
    await writeFile(join(folder, 'ballast'), 'x'.repeat(400_000))
    const fleet = await startFleet(planOf([workerOf('a', 'sh', ['-c', lines])]), { stateFolder: folder })
    try {
      await fill(fleet, folder)
    } finally {
      await fleet.stop({ hurry: true })
    }
  } finally {
    spawnSync('umount', [folder])
  }
})

async function fill(fleet: Fleet, folder: string): Promise<void> {
  const { until, seen } = stage(fleet)
  const failing = await until('log-dropped')
  assert.equal(failing['state'], 'failing')
  assert.equal((failing['error'] as { code: string }).code, 'ENOSPC')
  await rm(join(folder, 'ballast'))
  const works = await until('log-dropped', ({ state }) => state === 'works')
  assert.equal(works['dropped'], 0)
  await fleet.send('a', 'go')
  await fleet.stop()
  const found: string[] = []
  for await (const { msg } of fleet.logs({ lines: 1e5, stream: 'out' })) found.push(msg)
  assert.deepEqual(found, [...Array.from({ length: 1500 }, (_, index) => `line ${index + 1}`), 'after'])
  assert.equal(seen.filter(({ type }) => type === 'log-dropped').length, 2)
}
