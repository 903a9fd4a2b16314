import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryChannels, rpc } from '../../src/index.ts'

interface Api {
  add(a: number, b: number): number
  ask(): Promise<number>
  count(to: number): AsyncIterable<number>
}

void describe('calls over a channel', () => {
  void it('go both ways, and streams with them', async () => {
    const [here, there] = memoryChannels<any>()
    const back = rpc<{ answer(): number }>(there, {
      serve: {
        add: (a: number, b: number) => a + b,
        ask: () => back.call('answer'),
        async *count(to: number) {
          for (let i = 1; i <= to; i++) yield i
        },
      },
    })
    const api = rpc<Api>(here, { serve: { answer: () => 42 } })
    assert.equal(await api.call('add', 1, 2), 3)
    assert.equal(await api.call('ask'), 42)
    assert.deepEqual(
      await Array.fromAsync(api.stream('count', 200)),
      Array.from({ length: 200 }, (_, i) => i + 1),
    )
  })

  void it('end with the channel', async () => {
    const [here, there] = memoryChannels<any>()
    const api = rpc<Api>(here, { who: 'Ada' })
    const waiting = assert.rejects(api.call('add', 1, 2), {
      code: 'ERR_PAGENT_CLOSED',
      message: 'Cannot call Ada: its channel has ended',
    })
    await there.receive()
    await there.end()
    await waiting
    await assert.rejects(api.call('add', 1, 2), { code: 'ERR_PAGENT_CLOSED' })
  })

  void it('reject what the channel cannot carry', async () => {
    const [here] = memoryChannels<any>()
    const api = rpc<Api>(here)
    await here.end()
    await assert.rejects(api.call('add', 1, 2), { code: 'ERR_PAGENT_CLOSED' })
  })
})
