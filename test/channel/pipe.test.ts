import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { channel, memoryChannels } from '../../src/channel/memory-channel.ts'
import { pipe } from '../../src/channel/pipe.ts'
import { StreamChannel } from '../../src/channel/stream-channel.ts'
import { json } from '../../src/framing/index.ts'
import { receiveAll, standstill } from '../contracts/channel.ts'
import { FakeSink, FakeSource } from './fake-bytes.ts'

describe('pipe', () => {
  it('refuses what is no channel', async () => {
    const refused: readonly [from: unknown, to: unknown, says: string][] = [
      ['a', channel(), 'Cannot pipe from "a": expected a worker or a channel'],
      [undefined, channel(), 'Cannot pipe from undefined: expected a worker or a channel'],
      [channel(), {}, 'Cannot pipe to this object: expected a worker or a channel'],
      [channel(), [], 'Cannot pipe to an array: expected a worker or a channel'],
    ]
    for (const [from, to, message] of refused)
      await assert.rejects(pipe(from as never, to as never), { name: 'TypeError', message })
  })

  it('moves every message in order, and ends the destination behind the last', async () => {
    const [from, to] = [channel<number>(3), channel<number>(3)]
    const piped = pipe(from, to)
    const sending = (async () => {
      for (let i = 0; i < 100; i++) await from.send(i)
      await from.end()
    })()
    assert.deepEqual(
      await receiveAll(to),
      Array.from({ length: 100 }, (_, i) => i),
    )
    await Promise.all([piped, sending])
    await assert.rejects(to.send(1), { code: 'ERR_PAGENT_CLOSED' })
  })

  it('passes the pace of the reader on to the sender', async () => {
    const [from, to] = [channel<number>(2), channel<number>(3)]
    const piped = pipe(from, to)
    let sent = 0
    const sending = (async () => {
      for (; sent < 50; sent++) await from.send(sent)
      await from.end()
    })()
    await standstill(() => sent)
    // 3 in the destination, 1 on its way, 2 in the source.
    assert.equal(sent, 6)
    assert.equal((await receiveAll(to)).length, 50)
    await Promise.all([piped, sending])
  })

  it('rejects when the destination takes no more; the rest stays in the source', async () => {
    const from = channel<number>(5)
    for (let i = 0; i < 5; i++) await from.send(i)
    const [to, reader] = memoryChannels<number>(5)
    await to.end()
    await assert.rejects(pipe(from, to), { code: 'ERR_PAGENT_CLOSED' })
    await from.end()
    assert.deepEqual(await receiveAll(from), [1, 2, 3, 4])
    assert.equal(await reader.receive(), undefined)
  })

  it('rejects as soon as the destination has closed, although the source is silent, and loses nothing', async () => {
    const [from, to] = [channel<number>(1), channel<number>(1)]
    const piped = pipe(from, to)
    await to.end()
    await assert.rejects(piped, { code: 'ERR_PAGENT_CLOSED', message: 'Cannot pipe: the destination has closed' })
    await from.send(1)
    assert.equal(await from.receive(), 1)
  })

  it('rejects with the fault of the source, behind what came before it, and leaves the destination open', async () => {
    const source = new FakeSource()
    const from = new StreamChannel<number>(json(), source, new FakeSink(), 'worker "a"')
    const to = channel<number>(5)
    const piped = pipe(from, to)
    source.push('1\n2\nnot JSON\n')
    await assert.rejects(piped, { code: 'ERR_PAGENT_FRAMING', reason: 'malformed' })
    await to.send(3)
    await to.end()
    assert.deepEqual(await receiveAll(to), [1, 2, 3])
  })
})
