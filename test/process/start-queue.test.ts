import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SpawnError } from '../../src/index.ts'
import { StartQueue, StartTicket, WITHDRAWN } from '../../src/process/start-queue.ts'
import { FakeClock } from '../support/fake-clock.ts'

const wanted = (): StartTicket => new StartTicket()
const lacking = (errno: string): SpawnError => new SpawnError('w', 'cat', 'spawn', 'none left', { errno })

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

void describe('the queue of starts', () => {
  void test('lets so many start at a time and no more, in order', async () => {
    const queue = new StartQueue(new FakeClock(), 2)
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
    const begun: number[] = []
    const all = gates.map((gate, i) =>
      queue.run(() => {
        begun.push(i)
        return gate.promise
      }, wanted()),
    )
    await turns(5)
    assert.deepEqual(begun, [0, 1])
    gates[1]?.resolve()
    await turns(5)
    assert.deepEqual(begun, [0, 1, 2])
    for (const gate of gates) gate.resolve()
    await Promise.all(all)
    assert.deepEqual(begun, [0, 1, 2, 3, 4])
  })

  for (const errno of ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']) {
    void test(`${errno} is tried again, after 10 ms, then 20, then 40`, async () => {
      const clock = new FakeClock()
      const queue = new StartQueue(clock, 1)
      const began = clock.now()
      const tries: number[] = []
      const started = queue.run(() => {
        tries.push(clock.now() - began)
        return tries.length < 4 ? Promise.reject(lacking(errno)) : Promise.resolve('up')
      }, wanted())
      for (let i = 0; i < 100; i++) {
        await turn()
        clock.advance(1)
      }
      assert.equal(await started, 'up')
      assert.deepEqual(
        tries
          .slice(1)
          .map((at, i) => at - (tries[i] as number))
          .map((wait, i) => wait >= 10 * 2 ** i && wait <= 10 * 2 ** i + 3),
        [true, true, true],
      )
    })
  }

  void test('patience ends after 15 s, with the last error', async () => {
    const clock = new FakeClock()
    const queue = new StartQueue(clock, 1)
    const started = queue.run(() => Promise.reject(lacking('EAGAIN')), wanted())
    const failed = assert.rejects(started, { errno: 'EAGAIN' })
    for (let i = 0; i < 200; i++) {
      await turn()
      clock.advance(100)
    }
    await failed
  })

  void test('another failure is told at once', async () => {
    const queue = new StartQueue(new FakeClock(), 1)
    await assert.rejects(
      queue.run(() => Promise.reject(lacking('ENOENT')), wanted()),
      { errno: 'ENOENT' },
    )
    assert.equal(await queue.run(() => Promise.resolve(1), wanted()), 1)
  })

  void test('a start that is withdrawn while it waits is not made, and gives its place back', async () => {
    const clock = new FakeClock()
    const queue = new StartQueue(clock, 1)
    const ticket = new StartTicket()
    const started = queue.run(() => Promise.reject(lacking('EAGAIN')), ticket)
    const withdrawn = assert.rejects(started, WITHDRAWN)
    await turns(3)
    ticket.withdraw()
    await withdrawn
    assert.equal(await queue.run(() => Promise.resolve(1), wanted()), 1)
  })
})
