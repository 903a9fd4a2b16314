import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { INBOX_LIMIT, Inbox } from '../../src/channel/inbox.ts'
import { settled } from '../support/fake-clock.ts'

const never = (): never => assert.fail('must not be called')

const throwing = (): void => {
  throw 'text' as unknown as Error
}

/** An inbox whose pipe counts how often it may flow again. */
function makeInbox(): { inbox: Inbox<number>; freed: () => number } {
  let freed = 0
  const inbox = new Inbox<number>(() => freed++)
  return { inbox, freed: () => freed }
}

/** A listener whose promises a test settles by hand. */
function slowListener(): {
  seen: number[]
  listen: (message: number) => Promise<void>
  next: (error?: Error) => Promise<void>
} {
  const seen: number[] = []
  let current = Promise.withResolvers<void>()
  return {
    seen,
    listen(message) {
      seen.push(message)
      current = Promise.withResolvers<void>()
      return current.promise
    },
    next(error) {
      if (error === undefined) current.resolve()
      else current.reject(error)
      return settled()
    },
  }
}

describe('a listener', () => {
  it('gets each message in the call that brought it', () => {
    const { inbox } = makeInbox()
    const seen: number[] = []
    inbox.listen((message) => void seen.push(message), never)
    inbox.accept(1)
    assert.deepEqual(seen, [1])
    inbox.accept(2)
    assert.deepEqual(seen, [1, 2])
    assert.equal(inbox.chunkDone(1e9), true)
  })

  it('gets what came before it', () => {
    const { inbox, freed } = makeInbox()
    inbox.accept(1)
    inbox.accept(2)
    assert.equal(inbox.chunkDone(INBOX_LIMIT), false)
    const seen: number[] = []
    inbox.listen((message) => void seen.push(message), never)
    assert.deepEqual(seen, [1, 2])
    assert.equal(freed(), 1)
  })

  it('holds the next message back by a promise, and the order stays', async () => {
    const { inbox } = makeInbox()
    const slow = slowListener()
    inbox.listen(slow.listen, never)
    for (const message of [1, 2, 3]) inbox.accept(message)
    assert.deepEqual(slow.seen, [1])
    await slow.next()
    assert.deepEqual(slow.seen, [1, 2])
    inbox.accept(4)
    await slow.next()
    await slow.next()
    assert.deepEqual(slow.seen, [1, 2, 3, 4])
  })

  it('pauses the pipe while its promise holds too much back', async () => {
    const { inbox, freed } = makeInbox()
    const slow = slowListener()
    inbox.listen(slow.listen, never)
    inbox.accept(1)
    assert.equal(inbox.chunkDone(INBOX_LIMIT), true)
    inbox.accept(2)
    assert.equal(inbox.chunkDone(INBOX_LIMIT), false)
    assert.equal(inbox.paused, true)
    assert.equal(freed(), 0)
    await slow.next()
    assert.equal(inbox.paused, false)
    assert.equal(freed(), 1)
  })

  it('may return anything else than a promise', () => {
    const { inbox } = makeInbox()
    const seen: number[] = []
    inbox.listen(((message: number) => seen.push(message)) as unknown as () => void, never)
    inbox.accept(1)
    inbox.accept(2)
    inbox.listen((() => null) as unknown as () => void, never)
    inbox.accept(3)
    assert.deepEqual(seen, [1, 2])
  })

  it('that throws is reported once and gets no more, while the pipe is emptied', () => {
    const { inbox } = makeInbox()
    const errors: Error[] = []
    const seen: number[] = []
    inbox.listen(
      (message) => {
        seen.push(message)
        if (message === 2) throw new Error('boom')
      },
      (error) => errors.push(error),
    )
    for (const message of [1, 2, 3]) inbox.accept(message)
    assert.equal(inbox.chunkDone(1e9), true)
    assert.deepEqual(seen, [1, 2])
    assert.deepEqual(
      errors.map((error) => error.message),
      ['boom'],
    )
  })

  it('that rejects is reported once and gets no more, while the pipe is emptied', async () => {
    const { inbox, freed } = makeInbox()
    const errors: Error[] = []
    const slow = slowListener()
    inbox.listen(slow.listen, (error) => errors.push(error))
    for (const message of [1, 2, 3]) inbox.accept(message)
    assert.equal(inbox.chunkDone(1e9), false)
    await slow.next(new Error('boom'))
    assert.deepEqual(slow.seen, [1])
    assert.equal(freed(), 1)
    assert.equal(errors.length, 1)
  })

  it('that throws something else than an error is reported with an error', () => {
    const { inbox } = makeInbox()
    const errors: Error[] = []
    inbox.listen(throwing, (error) => errors.push(error))
    inbox.accept(1)
    assert.ok(errors[0] instanceof Error)
    assert.equal(errors[0].message, 'text')
  })

  it('is not overtaken by what a pipe brings at once when it flows again', () => {
    const seen: number[] = []
    const inbox = new Inbox<number>(() => {
      inbox.accept(3)
      inbox.chunkDone(1)
    })
    inbox.accept(1)
    inbox.accept(2)
    inbox.chunkDone(INBOX_LIMIT)
    inbox.listen((message) => void seen.push(message), never)
    assert.deepEqual(seen, [1, 2, 3])
  })
})

describe('the end of an inbox', () => {
  it('is drained at once without a listener', () => {
    const { inbox } = makeInbox()
    let drained = 0
    inbox.onceDrained(() => drained++)
    inbox.accept(1)
    assert.equal(drained, 0)
    inbox.end()
    inbox.end()
    assert.equal(drained, 1)
  })

  it('is drained when the listener has dealt with the last message', async () => {
    const { inbox } = makeInbox()
    const slow = slowListener()
    let drained = 0
    inbox.listen(slow.listen, never)
    inbox.accept(1)
    inbox.accept(2)
    inbox.end()
    inbox.onceDrained(() => drained++)
    await slow.next()
    assert.equal(drained, 0)
    await slow.next()
    assert.equal(drained, 1)
  })

  it('is drained also when the listener fails', async () => {
    const { inbox } = makeInbox()
    const slow = slowListener()
    let drained = 0
    inbox.listen(slow.listen, () => {})
    inbox.onceDrained(() => drained++)
    inbox.accept(1)
    inbox.accept(2)
    inbox.end()
    await slow.next(new Error('boom'))
    assert.equal(drained, 1)
  })
})

describe('what an inbox holds', () => {
  it('is counted by the chunk, and given back with the last message of each', async () => {
    const { inbox, freed } = makeInbox()
    const third = INBOX_LIMIT / 3
    for (let chunk = 0; chunk < 3; chunk++) {
      inbox.accept(chunk * 2)
      inbox.accept(chunk * 2 + 1)
      assert.equal(inbox.chunkDone(Math.ceil(third)), chunk < 2)
    }
    const read: number[] = []
    for (let i = 0; i < 6; i++) {
      read.push((await inbox.receive()) as number)
      assert.equal(freed(), i < 3 ? 0 : 1, `after ${i + 1} messages`)
    }
    assert.deepEqual(read, [0, 1, 2, 3, 4, 5])
  })

  it('is nothing while somebody waits, however large a message is', async () => {
    const { inbox } = makeInbox()
    const waiting = inbox.receive()
    assert.equal(inbox.chunkDone(1e9), true)
    inbox.accept(1)
    assert.equal(inbox.chunkDone(1e9), true)
    assert.equal(await waiting, 1)
  })

  it('counts part of a message too while others wait', async () => {
    const { inbox, freed } = makeInbox()
    inbox.accept(1)
    assert.equal(inbox.chunkDone(10), true)
    assert.equal(inbox.chunkDone(INBOX_LIMIT), false)
    assert.equal(await inbox.receive(), 1)
    assert.equal(freed(), 1)
  })
})
