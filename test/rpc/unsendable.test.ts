/** What a framing or a channel cannot carry: whoever waits for it is told so. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as z from 'zod'
import { PassThrough } from 'node:stream'
import {
  type Channel,
  type Framing,
  checked,
  contentLength,
  json,
  jsonRpc,
  memoryChannels,
  rpc,
} from '../../src/index.ts'
import { systemClock } from '../../src/base/clock.ts'
import { readableSource, writableSink } from '../../src/channel/bytes.ts'
import { StreamChannel } from '../../src/channel/stream-channel.ts'
import { RpcClient } from '../../src/rpc/client.ts'
import { Peer } from '../../src/rpc/peer.ts'

/** What is never settled is a failure, and no hour of waiting. */
const PATIENCE = { timeout: 30_000 }

const ignore = (): void => {}

/** Two ends of a pipe in memory. */
function pipe(framing: Framing<any>): [StreamChannel<any>, StreamChannel<any>] {
  const [one, two] = [new PassThrough(), new PassThrough()]
  return [
    new StreamChannel<any>(framing, readableSource(one), writableSink(two), 'the server'),
    new StreamChannel<any>(framing, readableSource(two), writableSink(one), 'the caller'),
  ]
}

function connect(channel: StreamChannel<any>, api: object): Peer {
  const peer = new Peer(channel, { who: 'the server', clock: systemClock, api })
  channel.listen(peer.accept, (error) => assert.fail(error))
  return peer
}

/** A client of what is served at the other end. */
function served(api: object, framing: Framing<any> = jsonRpc()): RpcClient {
  const [here, there] = pipe(framing)
  connect(there, api)
  return new RpcClient(connect(here, {}))
}

describe('an error that is too long', PATIENCE, () => {
  const api = {
    fails(length: number) {
      throw Object.assign(new Error('x'.repeat(length)), { code: 4711 })
    },
    carries(length: number) {
      throw Object.assign(new Error('told'), { data: 'x'.repeat(length) })
    },
    sum: checked({ args: [z.array(z.number())] }, (numbers) => numbers.length),
  }

  test('arrives as its code and the beginning of its message', async () => {
    await assert.rejects(served(api).call('fails', 600_000), (error: any) => {
      assert.equal(error.rpcCode, 4711)
      assert.equal(error.message, `fails failed in the server: ${'x'.repeat(999)}…`)
      return true
    })
  })

  test('for what goes with it arrives without that', async () => {
    await assert.rejects(served(api).call('carries', 2 ** 20), (error: any) => {
      assert.deepEqual(
        [error.rpcCode, error.data, error.message],
        [-32_000, undefined, 'carries failed in the server: told'],
      )
      return true
    })
  })

  test('for the many issues of an argument arrives with its code', async () => {
    await assert.rejects(served(api).call('sum', Array(20_000).fill('a')), {
      rpcCode: -32_602,
      message: /argument 1 does not match/,
    })
  })

  test('for the name of a method that there is not arrives, too', async () => {
    await assert.rejects(served(api).call('m'.repeat(1_040_000)), {
      rpcCode: -32_601,
      message: /there is no method "mmm/,
    })
  })
})

/** What a framing of JSON cannot carry is refused later than at once. */
function picky(channel: Channel<any>): Channel<any> {
  const send = async (message: unknown): Promise<void> => {
    JSON.stringify(message)
    await channel.send(message)
  }
  const { closed } = channel
  const [receive, end] = [() => channel.receive(), () => channel.end()]
  return { send, receive, end, closed, [Symbol.asyncIterator]: () => channel[Symbol.asyncIterator]() }
}

for (const [what, ends] of Object.entries({
  'that says so at once': () => pipe(jsonRpc()),
  'that says so later': () => memoryChannels<any>().map(picky) as [Channel<any>, Channel<any>],
}))
  describe(`calls over a channel ${what}`, PATIENCE, () => {
    let closed = 0
    const serve = {
      big: () => 10n,
      later: async () => 10n,
      fails() {
        throw Object.assign(new Error('told'), { code: 4711 })
      },
      async *items() {
        try {
          yield 1
          yield 2n
          yield 3
        } finally {
          closed++
        }
      },
      async *last() {
        yield 1n
      },
    }
    const client = (): RpcClient => {
      const [here, there] = ends()
      rpc(there, { serve })
      return rpc(here)
    }
    const unsendable = { code: 'ERR_PAGENT_RPC', message: /BigInt/ }

    test('that cannot be written reject', async () => {
      await assert.rejects(client().call('big', 10n), /BigInt/)
    })

    test('whose result cannot be written are answered with the reason', async () => {
      for (const method of ['big', 'later']) await assert.rejects(client().call(method), unsendable)
      await assert.rejects(client().call('fails'), { rpcCode: 4711 })
    })

    test('that are streams end at an item that cannot be written, with the reason', async () => {
      const read: unknown[] = []
      const reading = async (method: string): Promise<void> => {
        for await (const item of client().stream(method)) read.push(item)
      }
      await assert.rejects(reading('items'), unsendable)
      await assert.rejects(reading('last'), unsendable)
      assert.deepEqual([read, closed], [[1], 1])
    })
  })

describe('a result that JSON leaves out without a word', PATIENCE, () => {
  const api = { function: () => ignore, symbol: () => Symbol('x'), odd: () => ({ toJSON: ignore }) }
  for (const framing of [json(), jsonRpc(), contentLength()])
    test(`is an error over ${framing.name}()`, async () => {
      const client = served(api, framing)
      for (const method of Object.keys(api))
        await assert.rejects(client.call(method), { code: 'ERR_PAGENT_RPC', method, message: /result/ })
    })
})
