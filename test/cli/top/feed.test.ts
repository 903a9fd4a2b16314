import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { LogRecord, StreamFrame } from '../../../src/control/api/wire.ts'
import type { ControlClient } from '../../../src/control/client/contract.ts'
import { LogTail, follow } from '../../../src/cli/top/feed.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FLEET, record } from './scenes.ts'

/** A fleet that says what a test has it say. */
function clientOf(says: Partial<Record<'stream' | 'logs', (...args: any[]) => AsyncIterable<unknown>>>): ControlClient {
  return says as unknown as ControlClient
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

describe('what a fleet says', () => {
  it('is followed through its ends and its returns', async () => {
    const clock = new FakeClock()
    const over = new AbortController()
    const said: string[] = []
    let times = 0
    const client = clientOf({
      async *stream() {
        if (++times === 2) throw new Error('nobody is there')
        yield { topic: 'hello', data: FLEET } satisfies StreamFrame
      },
    })
    const listener = {
      frame: ({ topic }: StreamFrame) => void said.push(topic),
      lost: (reason: string) => void said.push(reason),
    }
    const following = follow(client, undefined, listener, over.signal, clock)
    for (let i = 0; i < 2; i++) {
      await turns(20)
      clock.advance(1000)
    }
    await turns(20)
    assert.deepEqual(said, ['hello', 'the fleet has ended', 'nobody is there', 'hello', 'the fleet has ended'])
    over.abort()
    await following
  })
})

async function* flood(): AsyncGenerator<LogRecord> {
  for (let i = 0; ; i++) yield record('web', `line ${i}`)
}

describe('lines', () => {
  it('of a flood are read no faster than they can be seen', async () => {
    const clock = new FakeClock()
    let count = 0
    const tail = new LogTail(clientOf({ logs: flood }), () => count++, assert.fail, clock)
    tail.show({})
    await turns(50)
    assert.equal(count, 1000)
    clock.advance(250)
    await turns(50)
    assert.equal(count, 2000)
    tail.close()
    clock.advance(250)
    await turns(50)
    assert.equal(count, 2000)
  })

  it('are those that are looked at, and only once', async () => {
    const asked: unknown[] = []
    const aborted: boolean[] = []
    const client = clientOf({
      async *logs(query: unknown, signal: AbortSignal) {
        asked.push(query)
        signal.addEventListener('abort', () => aborted.push(true))
        yield record('web', JSON.stringify(query))
      },
    })
    const seen: string[] = []
    const tail = new LogTail(client, ({ msg }) => void seen.push(msg), assert.fail, new FakeClock())
    assert.equal(tail.show({ lines: 1 }), true)
    assert.equal(tail.show({ lines: 1 }), false)
    await turns(10)
    assert.equal(tail.show({ lines: 2 }), true)
    assert.deepEqual(aborted, [true])
    await turns(10)
    tail.reset()
    assert.equal(tail.show({ lines: 2 }), true, 'the fleet has come back')
    await turns(10)
    assert.deepEqual(asked, [{ lines: 1 }, { lines: 2 }, { lines: 2 }])
    assert.deepEqual(seen, ['{"lines":1}', '{"lines":2}', '{"lines":2}'])
    tail.close()
  })

  it('that cannot be read are a reason', async () => {
    const reasons: string[] = []
    const client = clientOf({
      async *logs() {
        yield record('web', 'the last one')
        throw new Error('there is no worker "web"')
      },
    })
    new LogTail(
      client,
      () => {},
      (reason) => void reasons.push(reason),
      new FakeClock(),
    ).show({})
    await turns(10)
    assert.deepEqual(reasons, ['there is no worker "web"'])
  })
})
