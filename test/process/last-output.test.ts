import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { LastOutput } from '../../src/process/last-output.ts'
import { FakeClock } from '../support/fake-clock.ts'

function watchOutput(streams = 2): { clock: FakeClock; output: LastOutput; isDone: () => Promise<boolean> } {
  const clock = new FakeClock()
  const output = new LastOutput(clock, streams)
  let done = false
  void output.wait().then(() => (done = true))
  const isDone = async (): Promise<boolean> => {
    for (let turns = 0; turns < 4; turns++) await turn()
    return done
  }
  return { clock, output, isDone }
}

void describe('the last words of a worker', () => {
  void test('are complete when both pipes have ended', async () => {
    const { output, isDone } = watchOutput()
    output.ended()
    assert.equal(await isDone(), false)
    output.ended()
    assert.equal(await isDone(), true)
  })

  void test('are complete at once when both had ended before', async () => {
    const output = new LastOutput(new FakeClock(), 2)
    output.ended()
    output.ended()
    await output.wait()
  })

  void test('are complete after 100 ms of silence, though somebody holds a pipe', async () => {
    const { clock, isDone } = watchOutput()
    clock.advance(99)
    assert.equal(await isDone(), false)
    clock.advance(1)
    assert.equal(await isDone(), true)
  })

  void test('each chunk begins the silence anew', async () => {
    const { clock, output, isDone } = watchOutput()
    for (let i = 0; i < 5; i++) {
      clock.advance(90)
      output.chunk(10)
      assert.equal(await isDone(), false)
    }
    for (let look = 0; look < 3; look++) {
      clock.advance(100)
      await isDone()
    }
    assert.equal(await isDone(), true)
  })

  void test('a full pipe is read to its end, however long its reader takes over each part', async () => {
    const { clock, output, isDone } = watchOutput()
    for (let part = 0; part < 16; part++) {
      clock.advance(250)
      output.chunk(65_536)
      assert.equal(await isDone(), false)
    }
    output.ended()
    output.ended()
    assert.equal(await isDone(), true)
  })

  void test('somebody else who goes on talking is heard for 2 s, or for 2 MiB', async () => {
    const talker = watchOutput()
    for (let ms = 0; ms < 2000; ms += 50) {
      assert.equal(await talker.isDone(), false)
      talker.clock.advance(50)
      talker.output.chunk(10)
    }
    talker.clock.advance(100)
    assert.equal(await talker.isDone(), true)

    const flood = watchOutput()
    flood.output.chunk(2 ** 21 + 1)
    assert.equal(await flood.isDone(), true)
  })
})
