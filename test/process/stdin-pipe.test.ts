import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe } from 'node:test'
import { forkServer, raw } from '../../src/index.ts'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { eventually } from '../support/processes.ts'
import { saysWithFewFiles } from '../support/story.ts'
import { storyUnless } from '../support/trees.ts'

const needsServer = hasForkServer() ? false : 'needs the fork server: npm run build'
const launcher = forkServer()

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Until the pipe of everybody who has nothing to say is closed. */
function atRest(count: number): Promise<void> {
  return eventually(
    () => descriptors() === count,
    5000,
    () => `${descriptors()} descriptors, not ${count}`,
  )
}

void describe('the stdin of a worker of the fork server', { skip: needsServer }, () => {
  storyUnless(needsServer, 'takes a descriptor of the master only while there is something to say', async (master) => {
    await master.getWorker('warm').start('cat', [], { launcher })
    const before = descriptors()
    const worker = await master.getWorker('cat').start('cat', [], { launcher })
    assert.equal(descriptors(), before)
    for (let round = 0; round < 3; round++) {
      await worker.send(`line ${round}`)
      assert.equal(descriptors(), before + 1)
      assert.equal(await worker.receive(), `line ${round}`)
      await atRest(before)
    }
    await worker.end()
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'normal' })
    await launcher.close()
  })

  storyUnless(needsServer, 'ends where nothing was ever said', async (master) => {
    const worker = await master.getWorker('cat').start('cat')
    await worker.end()
    assert.equal((await worker.exited).kind, 'normal')
  })

  storyUnless(needsServer, 'loses and disorders nothing when it is full again and again', async (master) => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do head -c 200000 | cksum; done'
    const worker = await master.getWorker('slow').start('sh', ['-c', script], { framing: raw() })
    const sums: string[] = []
    const all = Promise.all(
      Array.from({ length: 8 }, (_, piece) => worker.send(Buffer.alloc(200_000, `${piece} of eight, `))),
    )
    for await (const chunk of worker) sums.push(Buffer.from(chunk).toString())
    await all
    const lines = sums.join('').trim().split('\n')
    assert.equal(lines.length, 8)
    assert.equal(new Set(lines).size, 8)
    for (const line of lines) assert.match(line, / 200000$/)
  })

  storyUnless(
    needsServer,
    'is refused to who speaks to a worker that has closed it, and heard all the same',
    async (master) => {
      const worker = await master
        .getWorker('deaf')
        .start('sh', ['-c', 'exec <&-; echo closed; read -r x < /dev/null; exec sleep 1000'])
      assert.equal(await worker.receive(), 'closed')
      await assert.rejects(worker.send('hello'), { code: 'ERR_PAGENT_CLOSED' })
      assert.equal(worker.state, 'running')
    },
  )

  storyUnless(needsServer, 'goes on when the worker has closed its stdout', async (master) => {
    const worker = await master.getWorker('mute').start('sh', ['-c', 'exec >&-; read -r line; exit "$line"'])
    assert.equal(await worker.receive(), undefined)
    assert.equal(worker.state, 'running')
    await worker.send('7')
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'failed', exitCode: 7 })
  })

  storyUnless(needsServer, 'waits for a descriptor, when there is none left', async () => {
    assert.deepEqual(await saysWithFewFiles('master-without-descriptors.mjs'), ['EMFILE', 'waits', 'hello'])
  })
})
