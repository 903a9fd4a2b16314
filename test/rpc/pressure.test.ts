/** Calls with one who does not read for a while: what is owed to it waits, and nothing of it is lost. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OverloadError } from '../../src/base/errors.ts'
import { OUTBOX_LIMIT } from '../../src/channel/outbox.ts'
import { StreamChannel } from '../../src/channel/stream-channel.ts'
import { jsonRpc } from '../../src/framing/json-rpc/json-rpc.ts'
import { WINDOW } from '../../src/rpc/calling/inflow.ts'
import { Peer } from '../../src/rpc/peer.ts'
import { FakeSink, FakeSource } from '../channel/fake-bytes.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { PLAIN_CALL, gate, outcomeOf, plan } from './pair.ts'

/** What is never settled is a failure, and no hour of waiting. */
const PATIENCE = { timeout: 60_000 }

/** A peer over a pipe that is read when the test says so. */
class Deaf {
  readonly #source = new FakeSource()
  readonly #sink = new FakeSink()
  readonly #channel = new StreamChannel<any>(jsonRpc(), this.#source, this.#sink, 'the other one')
  readonly peer: Peer
  #read = 0

  constructor(api: object = {}) {
    this.peer = new Peer(this.#channel, { who: 'the other one', clock: new FakeClock(), api })
    this.#channel.listen(this.peer.accept, (error) => assert.fail(error))
  }

  /** What the other side sends. */
  say(...messages: object[]): void {
    for (const message of messages) this.#source.push(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  /** So many calls of the other side, the first with the id 1; with credit, for streams. */
  ask(method: string, times: number, credit?: number): void {
    this.say(...Array.from({ length: times }, (_, i) => ({ id: i + 1, method, credit })))
  }

  /** Reads what has been written, and what is written then, until there is no more. */
  async read(): Promise<any[]> {
    const { writes } = this.#sink
    const texts: string[] = []
    await settled()
    while (this.#read < writes.length) {
      for (; this.#read < writes.length; this.#sink.done())
        texts.push(Buffer.from(writes[this.#read++] as string).toString())
      await settled()
    }
    return texts
      .join('')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }

  /** Notes, until it takes no more of them. */
  async fill(): Promise<void> {
    for (const size of [900_000, 1000, 1])
      for (let isFull = false; !isFull;)
        isFull = await this.peer.notify('any', ['x'.repeat(size)]).then(
          () => false,
          (error: unknown) => error instanceof OverloadError,
        )
  }
}

const TEXT = 'x'.repeat(3000)
const CALLS = 9000

const fails = (): never => {
  throw new Error(TEXT)
}

describe('who does not read for a while', PATIENCE, () => {
  for (const method of ['text', 'late', 'fails', 'failsLate'])
    test(`gets every answer of ${method}(), though they come to more than may wait`, async () => {
      assert.ok(CALLS * TEXT.length > OUTBOX_LIMIT)
      const { promise, resolve } = gate<void>()
      const [late, failsLate] = [() => promise.then(() => TEXT), () => promise.then(fails)]
      const deaf = new Deaf({ text: () => TEXT, late, fails, failsLate })
      // Who waits for an answer itself takes all that comes.
      const own = outcomeOf(deaf.peer.call('own', [], PLAIN_CALL))
      deaf.ask(method, CALLS)
      resolve()
      const idle = outcomeOf(deaf.peer.idle)
      await settled()
      assert.equal(idle.times, 0, 'all were made, and wait')
      const [request, ...answers] = await deaf.read()
      assert.equal(request.method, 'own')
      assert.deepEqual(
        answers.map(({ id }) => id),
        Array.from({ length: CALLS }, (_, i) => i + 1),
      )
      const told = answers.filter(({ result, error }) => result === TEXT || error?.message === TEXT)
      assert.deepEqual([told.length, own.times], [CALLS, 0])
      assert.equal(idle.times, 1)
    })

  test('is told that a call was cancelled, and answers it', async () => {
    const deaf = new Deaf()
    const controller = new AbortController()
    const call = outcomeOf(deaf.peer.call('any', [], plan({ signal: controller.signal })))
    await deaf.fill()
    controller.abort(new Error('enough'))
    const sent = await deaf.read()
    assert.match(String(call.error), /enough/)
    assert.deepEqual(sent.at(-1), { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } })
  })

  test('is asked for more of a stream', async () => {
    const deaf = new Deaf()
    const stream = deaf.peer.stream('any', [], PLAIN_CALL)
    await deaf.fill()
    for (let value = 1; value <= WINDOW; value++) deaf.say({ method: '$/item', params: { id: 1, value } })
    for (let i = 1; i <= WINDOW; i++) await stream.next()
    const credit = (await deaf.read()).filter(({ method }) => method === '$/credit')
    assert.equal(
      credit.reduce((sum, { params }) => sum + params.more, 0),
      WINDOW,
    )
  })
})

/** The items of one stream, by the number that each begins with. */
const valuesOf = (sent: readonly any[], id: number): number[] =>
  sent.filter(({ params }) => params?.id === id).map(({ params }) => Number.parseInt(params.value, 10))

describe('streams of large items', PATIENCE, () => {
  const LARGE = 'x'.repeat(300_000)

  /** Counts what is made of streams of so many items, and how many of them were closed. */
  function large(to: number): { made: number; closed: number; items(): AsyncGenerator<string> } {
    const count = {
      made: 0,
      closed: 0,
      async *items() {
        try {
          for (let i = 1; i <= to; i++, count.made++) yield `${i}${LARGE}`
        } finally {
          count.closed++
        }
      },
    }
    return count
  }

  test('go at the pace of who reads them, and arrive complete', async () => {
    const count = large(WINDOW)
    const deaf = new Deaf(count)
    deaf.ask('items', 1, WINDOW)
    await settled()
    assert.ok(count.made < 8, `${count.made} items were made for who does not read`)
    const sent = await deaf.read()
    assert.deepEqual(
      valuesOf(sent, 1),
      Array.from({ length: WINDOW }, (_, i) => i + 1),
    )
    assert.deepEqual(sent.at(-1), { jsonrpc: '2.0', id: 1, result: null })
  })

  test('are many at a time', async () => {
    const deaf = new Deaf(large(3))
    deaf.ask('items', 100, WINDOW)
    const sent = await deaf.read()
    for (let id = 1; id <= 100; id++) assert.deepEqual(valuesOf(sent, id), [1, 2, 3])
    assert.equal(sent.filter(({ result }) => result === null).length, 100)
  })

  test('that are cancelled while they wait for room are closed at once', async () => {
    const count = large(Infinity)
    const deaf = new Deaf(count)
    // Whoever waits for an answer itself hears what comes meanwhile.
    void outcomeOf(deaf.peer.call('own', [], PLAIN_CALL))
    deaf.ask('items', 1, WINDOW)
    await settled()
    deaf.say({ method: '$/cancelRequest', params: { id: 1 } })
    await settled()
    assert.equal(count.closed, 1)
    assert.deepEqual((await deaf.read()).at(-1), { jsonrpc: '2.0', id: 1, result: null })
  })
})
