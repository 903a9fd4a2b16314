import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Master, forkServer, raw } from '../../src/index.ts'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { FEW } from '../../src/process/fork-server/server-side.ts'
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

/** With so many others it is not worth while to open a pipe for a word. */
async function crowd(master: Master): Promise<void> {
  const names = Array.from({ length: FEW }, (_, i) => `other-${i}`)
  await Promise.all(names.map((name) => master.getWorker(name).start('cat', [], { launcher })))
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

  storyUnless(needsServer, 'takes none in a crowd, as long as there is little to say', async (master) => {
    await crowd(master)
    const before = descriptors()
    const worker = await master.getWorker('cat').start('cat', [], { launcher })
    for (const line of ['little', 'much, '.repeat(1000), 'very little', 'much, '.repeat(1000)]) {
      await worker.send(line)
      assert.equal(descriptors(), line.length > 1000 ? before + 1 : before)
      assert.equal(await worker.receive(), line)
      await atRest(before)
      await worker.measure()
    }
    await master.stop()
    await launcher.close()
  })

  storyUnless(needsServer, 'takes one in a crowd for who is told something again and again', async (master) => {
    await crowd(master)
    const worker = await master.getWorker('cat').start('cat', [], { launcher })
    const before = descriptors()
    for (let i = 0; i < 1000; i++) {
      await worker.send(`line ${i}`)
      assert.equal(await worker.receive(), `line ${i}`)
    }
    // And one to read what it says.
    assert.equal(descriptors(), before + 2)
    await master.stop()
    await launcher.close()
  })

  for (const pause of ['no', 'a short', 'a long'])
    storyUnless(needsServer, `comes in order in a crowd, long and short, with ${pause} pause`, async (master) => {
      await crowd(master)
      const worker = await master.getWorker('cat').start('cat', [], { launcher })
      const before = descriptors()
      for (let i = 0; i < 40; i++) {
        const lines = [1, 100, 5000, 3, 2000, 2100, 70_000, 4096].map((length) =>
          `${i} `.repeat(length).slice(0, length),
        )
        for (const line of lines) await worker.send(line)
        for (const line of lines) assert.equal(await worker.receive(), line)
        if (pause === 'a short') await turn()
        // What it says is read by one from then on.
        if (pause === 'a long' && i % 10 === 9) await atRest(before + 1)
      }
      await master.stop()
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

  for (const where of ['alone', 'in a crowd'])
    storyUnless(needsServer, `is refused to who speaks to a worker that has closed it, ${where}`, async (master) => {
      if (where === 'in a crowd') await crowd(master)
      const worker = await master
        .getWorker('deaf')
        .start('sh', ['-c', 'exec <&-; echo closed; read -r x < /dev/null; exec sleep 1000'], { launcher })
      assert.equal(await worker.receive(), 'closed')
      await assert.rejects(worker.send('hello'), { code: 'ERR_PAGENT_CLOSED' })
      await assert.rejects(worker.send('hello'), { code: 'ERR_PAGENT_CLOSED' })
      assert.equal(worker.state, 'running')
      await master.stop()
      await launcher.close()
    })

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
