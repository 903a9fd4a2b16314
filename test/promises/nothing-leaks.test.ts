import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { Master, lines } from '../../src/index.ts'
import { assertNothingLeft, holdings } from '../support/processes.ts'
import { scaled } from '../support/scale.ts'
import { fixture, story } from '../support/story.ts'

const CYCLES = scaled(10_000)
/** So many before memory is counted: the engine compiles, and its caches fill. */
const WARM_UP = 500
const AT_ONCE = 8

function heapUsed(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  return process.memoryUsage().heapUsed
}

void describe('nothing leaks', () => {
  void test(`${CYCLES} starts and stops leave no process, descriptor, timer, listener or memory`, async () => {
    const warnings: Error[] = []
    process.on('warning', (warning) => warnings.push(warning))
    const before = holdings()
    const master = new Master()
    const cycle = async (count: number): Promise<void> => {
      let done = 0
      const lane = async (number: number): Promise<void> => {
        while (done++ < count) {
          const worker = await master.getWorker(`w${number}`).start('cat')
          await worker.send('x')
          assert.equal(await worker.receive(), 'x')
          assert.equal((await worker.stop()).kind, 'stopped')
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => lane(i)))
    }
    await cycle(WARM_UP)
    const heap = heapUsed()
    const warm = holdings()
    await cycle(CYCLES - WARM_UP)
    assert.ok(heapUsed() - heap < 4 * 2 ** 20, `the heap grew by ${heapUsed() - heap} bytes`)
    assert.equal(holdings().descriptors, warm.descriptors)
    await master.stop()
    await assertNothingLeft(before)
    assert.deepEqual(
      warnings.filter((warning) => /listener|leak/i.test(warning.message)),
      [],
    )
  })

  story('1,000 workers at once all answer, and all go', async (master) => {
    const ids = Array.from({ length: 1000 }, (_, i) => `w${i}`)
    const workers = await Promise.all(ids.map((id) => master.getWorker(id).start('cat')))
    await master.broadcast('hello')
    assert.deepEqual(new Set(await Promise.all(workers.map((worker) => worker.receive()))), new Set(['hello']))
    const exits = await Promise.all(workers.map((worker) => worker.stop()))
    assert.deepEqual(new Set(exits.map((exit) => exit.kind)), new Set(['stopped']))
  })

  void test('more starts than there are file descriptors: each waits for its turn, none fails', () => {
    const script = `
      import { Master } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
      const master = new Master()
      const run = async (i) => {
        const worker = await master.getWorker('w' + i).start('sh', ['-c', 'read line; echo $line'])
        await worker.send('hello')
        if (await worker.receive() !== 'hello') throw new Error('wrong')
        await worker.exited
      }
      await Promise.all(Array.from({ length: 60 }, (_, i) => run(i)))
      await master.stop()
      console.log('all answered')`
    const node = `exec "${process.execPath}" --disable-warning=ExperimentalWarning --input-type=module-typescript -e "$0"`
    const { stdout, stderr } = spawnSync('sh', ['-c', `ulimit -n 64; ${node}`, script], { encoding: 'utf8' })
    assert.equal(stdout, 'all answered\n', stderr)
  })

  story('an output that is wrong a hundred times leaves nothing', async (master) => {
    const framing = lines({ maxLength: 10 })
    for (let i = 0; i < 100; i++) {
      const worker = await master.getWorker('w').start('cat', [], { framing, shutdown: { eof: 5, grace: 5 } })
      await worker.send('longer than ten bytes')
      assert.equal((await worker.exited).kind, 'protocol')
    }
  })

  story('a fixture of every kind of misbehaviour, one after the other, on one name', async (master) => {
    const shutdown = { eof: 1, grace: 1 }
    for (const name of [
      'ignore-sigterm.sh',
      'holds-the-pipe.sh',
      'half-a-line.sh',
      'never-reads-stdin.sh',
      'writes-noise.sh',
    ]) {
      await master.getWorker('w').start(fixture(name), [], { shutdown })
      await master.delWorker('w')
    }
  })
})
