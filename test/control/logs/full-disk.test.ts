import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startFleet } from '../../../src/control/fleet/fleet.ts'
import { stage } from '../../support/fleets.ts'
import { emptyFolder } from '../../support/folders.ts'
import { planOf, workerOf } from '../../support/plans.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0

test(
  'a file system without room is filled, told once, and used again when there is room',
  { skip: !canMount },
  async (t) => {
    const folder = await emptyFolder(t)
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'tmpfs', folder])
    if (status !== 0) return t.skip('this machine lets nobody mount')
    t.after(() => spawnSync('umount', [folder]))
    const ballast = join(folder, 'ballast')
    await writeFile(ballast, 'x'.repeat(400_000))
    const lines = 'i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo "line $i"; done; read go; echo after; cat'
    const fleet = await startFleet(planOf([workerOf('a', 'sh', ['-c', lines])]), { stateFolder: folder })
    t.after(() => fleet.stop({ hurry: true }))
    const { until, seen } = stage(fleet)
    const failing = await until('log-dropped')
    assert.equal(failing['state'], 'failing')
    assert.equal((failing['error'] as { code: string }).code, 'ENOSPC')
    await rm(ballast)
    const works = await until('log-dropped', ({ state }) => state === 'works')
    assert.equal(works['dropped'], 0)
    await fleet.send('a', 'go')
    await fleet.stop()
    const found: string[] = []
    for await (const { msg, stream } of fleet.logs({ lines: 1e5, stream: 'out' })) found.push(`${stream} ${msg}`)
    const expected = Array.from({ length: 1500 }, (_, index) => `out line ${index + 1}`)
    assert.deepEqual(found, [...expected, 'out after'])
    assert.equal(seen.filter(({ type }) => type === 'log-dropped').length, 2)
  },
)
