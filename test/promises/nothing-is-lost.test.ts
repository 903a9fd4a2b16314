import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { fixture, story } from '../support/story.ts'

const LINES = 1_000_000

void describe('nothing is lost', () => {
  story(`${LINES} lines arrive complete and in order with a listener that sometimes awaits`, async (master) => {
    let next = 0
    const worker = await master.getWorker('w').start(process.execPath, [fixture('gen.mjs'), String(LINES), '20'], {
      onMessage: (line) => {
        if (Number.parseInt(line, 10) !== next++) assert.fail(`line ${next - 1} is ${line}`)
        return next % 10_007 === 0 ? turn() : undefined
      },
      onExit: () => delivered.resolve(),
    })
    const delivered = Promise.withResolvers<void>()
    assert.equal((await worker.exited).kind, 'normal')
    await delivered.promise
    assert.equal(next, LINES)
  })

  story(`${LINES} lines arrive complete and in order in a loop that sometimes awaits`, async (master) => {
    const worker = await master.getWorker('w').start(process.execPath, [fixture('gen.mjs'), String(LINES), '20'])
    let next = 0
    for await (const line of worker) {
      if (Number.parseInt(line, 10) !== next++) assert.fail(`line ${next - 1} is ${line}`)
      if (next % 10_007 === 0) await turn()
    }
    assert.equal(next, LINES)
  })

  story(
    'what is in the pipe at the end is read to its last line, however long its reader takes over it',
    async (master) => {
      const worker = await master.getWorker('w').start('seq', ['1', '200000'], {
        onMessage: (line) => {
          last = line
          if (++count % 1000 === 0) for (const until = performance.now() + 15; performance.now() < until;) continue
        },
        onStderr: () => {},
      })
      let [count, last] = [0, '']
      await worker.exited
      assert.deepEqual([count, last], [200_000, '200000'])
    },
  )

  story('100,000 messages sent without waiting come back in order', async (master) => {
    const worker = await master.getWorker('w').start('cat')
    for (let i = 0; i < 100_000; i++) void worker.send(String(i))
    for (let i = 0; i < 100_000; i++) assert.equal(await worker.receive(), String(i))
  })
})
