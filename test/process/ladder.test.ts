import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Shutdown, climb, planShutdown as plan } from '../../src/process/ladder.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** What a program obeys, and what is done to it until it does: the time, and the rung. */
const TABLE: readonly { obeys: string; shutdown: Shutdown; log: readonly string[] }[] = [
  { obeys: 'eof', shutdown: {}, log: ['0 eof'] },
  { obeys: 'farewell', shutdown: { farewell: 'bye' }, log: ['0 farewell bye'] },
  { obeys: 'eof', shutdown: { farewell: 'bye' }, log: ['0 farewell bye', '2000 eof'] },
  { obeys: 'SIGTERM', shutdown: {}, log: ['0 eof', '2000 SIGTERM'] },
  { obeys: 'SIGKILL', shutdown: {}, log: ['0 eof', '2000 SIGTERM', '5000 SIGKILL'] },
  { obeys: 'SIGKILL', shutdown: { farewell: 'x' }, log: ['0 farewell x', '2000 eof', '4000 SIGTERM', '7000 SIGKILL'] },
  { obeys: 'SIGKILL', shutdown: { eof: 0, grace: '1s' }, log: ['0 SIGTERM', '1000 SIGKILL'] },
  { obeys: 'SIGKILL', shutdown: { eof: '1s', grace: 0 }, log: ['0 eof', '1000 SIGKILL'] },
  { obeys: 'SIGINT', shutdown: { eof: 0, killSignal: 'SIGINT' }, log: ['0 SIGINT'] },
  { obeys: 'SIGKILL', shutdown: { eof: 0, grace: 0, farewell: 'x' }, log: ['0 SIGKILL'] },
]

void describe('the stop ladder', () => {
  for (const { obeys, shutdown, log } of TABLE) {
    void test(`${JSON.stringify(shutdown)} against one that obeys ${obeys}: ${log.join(', ')}`, async () => {
      const clock = new FakeClock()
      const began = clock.now()
      const exited = Promise.withResolvers<void>()
      const done: string[] = []
      let last = ''
      const act = (rung: string, detail = ''): void => {
        done.push(`${clock.now() - began} ${rung}${detail}`)
        if (rung === obeys) exited.resolve()
      }
      const climbing = climb(
        {
          farewell: (message) => act('farewell', ` ${String(message)}`),
          endInput: () => act('eof'),
          kill: (killSignal) => act(killSignal),
          exited: exited.promise,
        },
        plan(shutdown),
        clock,
        (step) => (last = step),
      )
      for (let ms = 0; ms <= 10_000; ms += 100) {
        await turn()
        if (last === obeys) break
        clock.advance(100)
      }
      assert.equal(await climbing, true)
      assert.deepEqual(done, log)
      assert.equal(last, obeys)
    })
  }

  void test('times that cannot be are refused', () => {
    assert.throws(() => plan({ eof: -1 }), /Cannot use -1 as shutdown.eof/)
    assert.throws(() => plan({ grace: 'soon' }), /Cannot use "soon" as shutdown.grace/)
  })

  void test('an own shutdown overrides the default one value at a time', () => {
    assert.deepEqual(plan({ grace: 1 }, { eof: 7, farewell: 'x' }), {
      farewell: 'x',
      eof: 7,
      killSignal: 'SIGTERM',
      grace: 1,
    })
  })
})
