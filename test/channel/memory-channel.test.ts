import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { channel, memoryChannels } from '../../src/channel/memory-channel.ts'
import { settled } from '../support/fake-clock.ts'

/** Which of these sends have been accepted. */
async function accepted(sends: readonly Promise<void>[]): Promise<number> {
  let count = 0
  for (const send of sends) void send.then(() => count++)
  await settled()
  return count
}

describe('a channel in memory', () => {
  for (const capacity of [0, 1, 3]) {
    it(`of capacity ${capacity} accepts ${capacity} messages before somebody reads, and one more for each that is read`, async () => {
      const one = channel<number>(capacity)
      const sends = [0, 1, 2, 3, 4].map((number) => one.send(number))
      assert.equal(await accepted(sends), capacity)
      assert.equal(await one.receive(), 0)
      assert.equal(await accepted(sends), capacity + 1)
      assert.equal(await one.receive(), 1)
      assert.equal(await accepted(sends), capacity + 2)
    })
  }

  it('still delivers what waited when it was ended, and its senders learn of it', async () => {
    const one = channel<number>()
    const sends = [one.send(1), one.send(2)]
    await one.end()
    await one.closed
    assert.equal(await one.receive(), 1)
    assert.equal(await one.receive(), 2)
    await Promise.all(sends)
    assert.equal(await one.receive(), undefined)
  })

  it('carries anything but undefined, which would look like its end', async () => {
    const one = channel<unknown>(3)
    for (const value of [null, 0, '']) await one.send(value)
    void one.send(undefined)
    await assert.rejects(one.send(undefined), { name: 'TypeError', message: /Cannot send undefined.*send null/ })
    await one.end()
    assert.deepEqual([await one.receive(), await one.receive(), await one.receive()], [null, 0, ''])
    assert.equal(await one.receive(), undefined)
  })

  it('refuses a capacity that is none', () => {
    for (const bad of [-1, 1.5, Number.NaN, Infinity, '1' as unknown as number]) {
      const message = `Cannot use ${String(bad)} as capacity: expected a whole number from 0`
      assert.throws(() => channel(bad), { name: 'RangeError', message })
      assert.throws(() => memoryChannels(bad), { name: 'RangeError', message })
    }
  })
})
