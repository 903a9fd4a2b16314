import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { lines } from '../../src/index.ts'
import { eventually } from '../support/processes.ts'
import { fixture, story } from '../support/story.ts'

const MIB = 2 ** 20
const ALLOWED = 64 * MIB

/** Memory that is really there, in bytes. */
function resident(): number {
  return Number(/^Rss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1]) * 1024
}

function collect(): void {
  ;(globalThis as { gc?: () => void }).gc?.()
}

void describe('nothing grows without bound', () => {
  story('a flood of 1 GB at a slow reader costs the master less than 64 MiB', async (master) => {
    collect()
    const before = resident()
    let most = 0
    let bytes = 0
    const worker = await master.getWorker('w').start(process.execPath, [fixture('gen.mjs'), '1000000', '1000'], {
      onMessage: (line) => {
        bytes += line.length + 1
        if (bytes % 2_000_000 !== 0) return undefined
        most = Math.max(most, resident() - before)
        return turn()
      },
      onExit: () => delivered.resolve(),
    })
    const delivered = Promise.withResolvers<void>()
    await worker.exited
    await delivered.promise
    assert.equal(bytes, 1_000_000_000)
    assert.ok(most < ALLOWED, `the master grew by ${Math.round(most / MIB)} MiB`)
  })

  story('a flood that nobody reads stops the worker, not the master', async (master) => {
    collect()
    const before = resident()
    const worker = await master.getWorker('w').start('yes', ['nobody reads this'])
    const cpu = (): string => readFileSync(`/proc/${worker.pid}/stat`, 'latin1').split(' ').slice(13, 15).join()
    let last = ''
    let same = 0
    // It stands still when its CPU time does.
    await eventually(
      () => {
        const now = cpu()
        same = now === last ? same + 1 : 0
        last = now
        return same > 40
      },
      10_000,
      'the worker was never paused',
    )
    assert.ok(resident() - before < ALLOWED)
  })

  story(
    'a worker that never reads: what it would take is refused above 16 MiB, and the rest is told at its end',
    async (master) => {
      const worker = await master.getWorker('w').start(fixture('never-reads-stdin.sh'))
      const block = 'x'.repeat(MIB - 1)
      const sends = Array.from({ length: 40 }, () => worker.send(block))
      await assert.rejects(sends[16] as Promise<void>, {
        code: 'ERR_PAGENT_OVERLOAD',
        message: 'Cannot send to worker "w": 16MiB already wait for it to read; await send() to keep its pace',
      })
      worker.kill()
      const codes = (await Promise.allSettled(sends)).map(
        (result) => result.status === 'rejected' && result.reason.code,
      )
      assert.deepEqual(codes, [
        ...Array.from({ length: 16 }, () => 'ERR_PAGENT_CLOSED'),
        ...Array.from({ length: 24 }, () => 'ERR_PAGENT_OVERLOAD'),
      ])
    },
  )

  story('a line without end is cut off at its maximum', async (master) => {
    collect()
    const before = resident()
    const worker = await master
      .getWorker('w')
      .start('sh', ['-c', 'head -c 200000000 /dev/zero'], { framing: lines({ onOverlong: 'skip' }) })
    assert.equal(await worker.receive(), undefined)
    assert.ok(resident() - before < ALLOWED)
  })
})
