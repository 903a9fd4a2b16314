import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Worker, raw } from '../../src/index.ts'
import { hasForkServer } from '../../src/process/fork-server/binary.ts'
import { saysWithFewFiles } from '../support/story.ts'
import { storyUnless } from '../support/trees.ts'

const needsServer = hasForkServer() ? false : 'needs the fork server: npm run build'

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Counts the lines that are the next number. */
async function countInOrder(worker: Worker, everyLine?: (count: number) => unknown): Promise<number> {
  let count = 0
  for await (const line of worker) {
    assert.equal(line, String(++count))
    await everyLine?.(count)
  }
  return count
}

function restNowAndThen(count: number): unknown {
  return count % 50 === 0 ? turn() : undefined
}

/** Calls back at every turn of the event loop. */
function countTurns(onTurn: () => void): { stop(): void } {
  let handle = setImmediate(function next() {
    onTurn()
    handle = setImmediate(next)
  })
  return { stop: () => clearImmediate(handle) }
}

void describe('what a worker of the fork server writes', { skip: needsServer }, () => {
  storyUnless(needsServer, 'takes no descriptor while it is little', async (master) => {
    await master.getWorker('warm').start('cat')
    const before = descriptors()
    const workers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        master.getWorker(`w${i}`).start('sh', ['-c', 'echo hi; echo ho >&2; exec cat']),
      ),
    )
    for (const worker of workers) assert.equal(await worker.receive(), 'hi')
    assert.equal(descriptors(), before)
  })

  storyUnless(needsServer, 'takes one when it gets much, and none afterwards', async (master) => {
    await master.getWorker('warm').start('cat')
    const before = descriptors()
    const worker = await master.getWorker('w').start('sh', ['-c', 'seq 100000; read -r line; exit'])
    for (let i = 1; i <= 100_000; i++) assert.equal(await worker.receive(), String(i))
    assert.equal(descriptors(), before + 1)
    await worker.send('go')
    assert.equal((await worker.exited).kind, 'normal')
    await turn()
    assert.equal(descriptors(), before)
  })

  for (const count of [10, 1000, 11_000, 12_000, 14_000, 30_000, 300_000])
    storyUnless(needsServer, `comes complete and in order, ${count} lines at once`, async (master) => {
      const worker = await master.getWorker('w').start('seq', [String(count)])
      assert.equal(await countInOrder(worker), count)
      assert.equal((await worker.exited).kind, 'normal')
    })

  storyUnless(needsServer, 'comes complete and in order, line by line, to a reader who often rests', async (master) => {
    const script = 'for i in $(seq 1 3000); do echo $i; done'
    const worker = await master.getWorker('w').start('sh', ['-c', script])
    assert.equal(await countInOrder(worker, restNowAndThen), 3000)
  })

  storyUnless(needsServer, 'waits in its pipe while nobody reads', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'seq 300000; echo end >&2'])
    await worker.receive()
    assert.ok(worker.traffic.bytesIn < 400_000, `${worker.traffic.bytesIn} bytes have come`)
    assert.equal(worker.tail.stderr, '')
    let count = 1
    for await (const line of worker) assert.equal(line, String(++count))
    assert.equal(count, 300_000)
    assert.equal((await worker.exited).stderrTail, 'end\n')
  })

  storyUnless(needsServer, 'is read once before everybody else has a turn, however fast it comes', async (master) => {
    // Who is alone is read more at a time.
    await master.getWorker('other').start('cat')
    const chunks: number[] = []
    let sinceTurn = 0
    const turns = countTurns(() => {
      if (sinceTurn > 0) chunks.push(sinceTurn)
      sinceTurn = 0
    })
    const onMessage = (): void => void sinceTurn++
    const worker = await master
      .getWorker('w')
      .start('head', ['-c', '100000000', '/dev/zero'], { framing: raw(), onMessage })
    await worker.exited
    turns.stop()
    // The first ones come with the news of the fork server.
    assert.ok(chunks.length > 500, `${chunks.length} turns`)
    assert.ok(Math.max(...chunks.slice(20)) <= 1, `${Math.max(...chunks.slice(20))} in one turn`)
  })

  storyUnless(needsServer, 'comes complete from stderr as well', async (master) => {
    let count = 0
    const worker = await master.getWorker('w').start('sh', ['-c', 'seq 200000 >&2'], {
      onStderr: (line) => assert.equal(line, String(++count)),
    })
    await worker.exited
    assert.equal(count, 200_000)
  })

  storyUnless(needsServer, 'may go through /dev/stdout, as many scripts do', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'echo one > /dev/stdout; echo two > /dev/stderr'])
    assert.equal(await worker.receive(), 'one')
    assert.equal((await worker.exited).stderrTail, 'two\n')
  })

  storyUnless(needsServer, 'breaks the pipe of a worker that goes on when nobody hears it any more', async (master) => {
    const worker = await master.getWorker('w').start('sh', ['-c', 'trap "" TERM; yes'], { framing: raw() })
    for (let i = 0; i < 10; i++) await worker.receive()
    assert.equal((await worker.stop({ eof: 0, grace: 0 })).kind, 'stopped')
  })

  storyUnless(needsServer, 'comes complete to a master that has no descriptor left', async () => {
    assert.deepEqual(await saysWithFewFiles('reads-without-descriptors.mjs'), ['EMFILE', '200000', 'normal'])
  })
})
