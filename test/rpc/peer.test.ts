/** Calls between two peers, in memory: what each side promises, whatever the other one sends. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { ExitError } from '../../src/base/errors.ts'
import { plainExit } from '../../src/base/exit.ts'
import { currentCall } from '../../src/rpc/serving/current-call.ts'
import { settled } from '../support/fake-clock.ts'
import { PLAIN_CALL, alone, gate, outcomeOf, pair, plan } from './pair.ts'

/** What is never settled is a failure, and no hour of waiting. */
const PATIENCE = { timeout: 30_000 }

const call = { jsonrpc: '2.0', id: 1, method: 'echo', params: [1] }
const echo = (...args: unknown[]): unknown => args

const countdown = (other: () => { peer: { call: any } }) => (n: number) =>
  n === 0 ? 'ground' : other().peer.call('down', [n - 1], PLAIN_CALL)

describe('calls', PATIENCE, () => {
  test('go both ways at once, each answered with its own', async () => {
    const { left, right } = pair(
      { api: { half: async (n: number) => (await settled(), n / 2) } },
      { api: { double: async (n: number) => (await settled(), n * 2) } },
    )
    const ask = (n: number): Promise<unknown>[] => [
      left.peer.call('double', [n], PLAIN_CALL),
      right.peer.call('half', [n], PLAIN_CALL),
    ]
    const numbers = Array.from({ length: 500 }, (_, i) => i)
    const answers = await Promise.all(numbers.flatMap(ask))
    assert.deepEqual(
      answers,
      numbers.flatMap((n) => [n * 2, n / 2]),
    )
    assert.deepEqual([left.faults, right.faults, left.peer.inFlight, right.peer.inFlight], [[], [], 0, 0])
  })

  test('that call back while they are served', async () => {
    const both = pair({ api: { down: countdown(() => both.left) } }, { api: { down: countdown(() => both.right) } })
    assert.equal(await both.left.peer.call('down', [100], PLAIN_CALL), 'ground')
  })

  test('are answered in the order in which they are done', async () => {
    const gates = [gate(), gate(), gate()]
    const { left } = pair({}, { api: { wait: (i: number) => gates[i]?.promise } })
    const done: number[] = []
    const calls = gates.map(async (_, i) => {
      await left.peer.call('wait', [i], PLAIN_CALL)
      done.push(i)
    })
    for (const i of [2, 0, 1]) {
      await settled()
      gates[i]?.resolve(i)
    }
    await Promise.all(calls)
    assert.deepEqual(done, [2, 0, 1])
  })

  test('return null for nothing, falsy values as they are, and what a promise is a promise of', async () => {
    const values = [undefined, null, 0, '', false, [], {}]
    const { left } = pair({}, { api: { at: (i: number) => values[i], later: async (i: number) => values[i] } })
    for (const method of ['at', 'later'])
      for (const [i, value] of values.entries())
        assert.deepEqual(await left.peer.call(method, [i], PLAIN_CALL), value ?? null)
  })

  test('take arguments by position, by name as one object, or none', async () => {
    const { sent, say } = alone({ api: { echo } })
    say({ ...call, params: [1, [2]] }, { ...call, params: { a: 1 } }, { jsonrpc: '2.0', id: 1, method: 'echo' })
    say({ ...call, params: [{ a: 1 }] })
    assert.deepEqual(
      sent.map(({ result }) => result),
      [[1, [2]], [{ a: 1 }], [], [{ a: 1 }]],
    )
  })

  test('whose request cannot be written are refused, and nothing is in flight', async () => {
    const { left } = pair({}, { api: { echo } })
    await assert.rejects(left.peer.call('echo', [10n], plan({ timeout: 50 })), /BigInt/)
    assert.equal(left.peer.inFlight, 0)
    assert.deepEqual(await left.peer.call('echo', [1], PLAIN_CALL), [1])
  })

  test('whose result cannot be written are answered with the reason', async () => {
    const { left } = pair({}, { api: { big: () => 10n, later: async () => 10n, object: () => ({ big: 10n }) } })
    for (const method of ['big', 'later', 'object'])
      await assert.rejects(left.peer.call(method, [], PLAIN_CALL), { code: 'ERR_PAGENT_RPC', message: /BigInt/ })
  })
})

describe('methods', PATIENCE, () => {
  test('are those an object has itself, under whatever name', async () => {
    const names = ['then', 'constructor', '__proto__', 'toString', 'hasOwnProperty', '', 'a b', '$/own', '0']
    const api = {}
    for (const name of names) Object.defineProperty(api, name, { value: () => `own ${name}` })
    const { left } = pair({}, { api })
    for (const name of names) assert.equal(await left.peer.call(name, [], PLAIN_CALL), `own ${name}`)
  })

  test('are not what is inherited, got, or no function', async () => {
    const api = Object.assign(Object.create({ inherited: () => 'never' }) as object, { data: 1, nothing: undefined })
    Object.defineProperty(api, 'got', { get: () => assert.fail('a getter was run') })
    const { left } = pair({}, { api })
    for (const name of [
      'inherited',
      'data',
      'nothing',
      'got',
      'then',
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      '__defineGetter__',
      'call',
    ])
      await assert.rejects(left.peer.call(name, [], PLAIN_CALL), {
        code: 'ERR_PAGENT_RPC',
        rpcCode: -32_601,
        method: name,
        message: `${name} failed in the right one: there is no method "${name}"`,
      })
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  })

  test('of a class are not served by its instance', async () => {
    class Service {
      own = () => 'own'
      shared(): string {
        return 'shared'
      }
    }
    const { left } = pair({}, { api: new Service() })
    assert.equal(await left.peer.call('own', [], PLAIN_CALL), 'own')
    await assert.rejects(left.peer.call('shared', [], PLAIN_CALL), { rpcCode: -32_601 })
  })

  test('are nobody’s where nothing is served, and what is no object cannot be', async () => {
    const { left } = pair()
    await assert.rejects(left.peer.call('any', [], PLAIN_CALL), { rpcCode: -32_601 })
    for (const api of [null, 7, 'x', () => {}]) assert.throws(() => pair({ api: api as object }), TypeError)
  })
})

describe('errors', PATIENCE, () => {
  class PaperError extends RangeError {
    override name = 'PaperError'
  }
  const fails = {
    plain: () => {
      throw new PaperError('out of paper')
    },
    later: async () => {
      await settled()
      throw new PaperError('out of paper')
    },
    coded: () => {
      throw Object.assign(new Error('gone'), { code: 'ENOENT', data: { path: '/' } })
    },
    numbered: () => {
      throw Object.assign(new Error('mine'), { code: 4711 })
    },
    throws: (value: unknown) => {
      throw value
    },
  }

  test('arrive with message, name, stack and the other side’s name for itself', async () => {
    const { left } = pair({}, { api: fails })
    for (const method of ['plain', 'later'])
      await assert.rejects(left.peer.call(method, [], PLAIN_CALL), (error: any) => {
        assert.equal(error.message, `${method} failed in the right one: out of paper`)
        assert.deepEqual([error.code, error.rpcCode, error.data.name], ['ERR_PAGENT_RPC', -32_000, 'PaperError'])
        assert.match(error.remoteStack, /PaperError: out of paper\n.*peer\.test\.ts/)
        assert.deepEqual([error.peer, error.method], ['the right one', method])
        return true
      })
  })

  test('keep their code and data', async () => {
    const { left } = pair({}, { api: fails })
    await assert.rejects(left.peer.call('coded', [], PLAIN_CALL), (error: any) => {
      const { stack: _, ...data } = error.data
      assert.deepEqual([error.rpcCode, data], [-32_000, { name: 'Error', code: 'ENOENT', data: { path: '/' } }])
      return true
    })
    await assert.rejects(left.peer.call('numbered', [], PLAIN_CALL), { rpcCode: 4711 })
  })

  test('may be anything', async () => {
    const { left } = pair({}, { api: fails })
    for (const thrown of ['text', 7, null, { a: 1 }, [1]])
      await assert.rejects(left.peer.call('throws', [thrown], PLAIN_CALL), (error: any) => {
        assert.deepEqual([error.rpcCode, error.data], [-32_000, { thrown }])
        return true
      })
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  /** What is thrown, and is hard to tell of. */
  const unsayable: Readonly<Record<string, unknown>> = {
    undefined: undefined,
    'a symbol': Symbol('thrown'),
    'a function': () => {},
    'a cyclic object': cyclic,
    'an object without a prototype': Object.create(null) as object,
    'an error with data that is cyclic': Object.assign(new Error('told'), { data: cyclic }),
    'an error with data that JSON cannot say': Object.assign(new Error('told'), { data: 10n }),
    'an error whose message is no text': Object.assign(new Error('told'), { message: 10n }),
    'an error whose name is no text': Object.assign(new Error('told'), { name: 10n }),
    'an error whose data cannot be read': Object.defineProperty(new Error('told'), 'data', {
      get: () => {
        throw new Error('never')
      },
    }),
  }
  for (const [what, thrown] of Object.entries(unsayable))
    test(`${what} is answered, thrown at once or later`, async () => {
      const { left } = pair(
        {},
        {
          api: {
            now: () => {
              throw thrown
            },
            later: () => Promise.reject(thrown),
          },
        },
      )
      for (const method of ['now', 'later']) {
        const outcome = outcomeOf(left.peer.call(method, [], PLAIN_CALL))
        await settled()
        assert.equal(outcome.error?.code, 'ERR_PAGENT_RPC', `${method} was not answered with an error`)
      }
    })

  test('that are no errors are told as they came', async () => {
    const { peer, say } = alone()
    const odd = [null, 'text', 7, [], {}, { code: 'x', message: 7 }, { code: 1.5 }]
    const outcomes = odd.map(() => outcomeOf(peer.call('any', [], PLAIN_CALL)))
    odd.forEach((error, i) => say({ jsonrpc: '2.0', id: i + 1, error }))
    await settled()
    for (const [i, { error }] of outcomes.entries()) {
      assert.deepEqual([error.code, error.rpcCode], ['ERR_PAGENT_RPC', -32_603])
      assert.equal(error.message, `any failed in the other one: an error without a message: ${JSON.stringify(odd[i])}`)
    }
  })

  test('that JSON cannot show settle their call, too', async () => {
    const { peer, say } = alone()
    const outcome = outcomeOf(peer.call('any', [], PLAIN_CALL))
    assert.doesNotThrow(() => say({ jsonrpc: '2.0', id: 1, error: { message: 10n } }))
    await settled()
    assert.equal(outcome.error?.code, 'ERR_PAGENT_RPC')
  })
})

describe('notifications', PATIENCE, () => {
  test('are run and not answered, whatever they do', async () => {
    const heard: unknown[] = []
    const { left, right } = pair(
      {},
      {
        api: {
          note: (...args: unknown[]) => void heard.push(args),
          fails: () => {
            throw new Error('nobody hears this')
          },
          failsLater: () => Promise.reject(new Error('nor this')),
        },
      },
    )
    await left.peer.notify('note', [1, 2])
    for (const method of ['fails', 'failsLater', 'unknown', '$/unheardOf']) await left.peer.notify(method, [])
    await settled()
    assert.deepEqual([heard, right.sent, left.faults, right.faults], [[[1, 2]], [], [], []])
  })

  test('with the id null are not answered either', () => {
    const heard: unknown[] = []
    const { sent, say, faults } = alone({ api: { echo: (value: unknown) => heard.push(value) } })
    say({ ...call, id: null })
    assert.deepEqual([heard, sent, faults], [[1], [], []])
  })

  test('that cannot be sent are rejected', async () => {
    await assert.rejects(alone().peer.notify('any', [10n]), /BigInt/)
  })
})

describe('what comes', PATIENCE, () => {
  test('as an array is taken as if each had come by itself', async () => {
    const { peer, sent, say, faults } = alone({ api: { echo } })
    const outcome = outcomeOf(peer.call('any', [], PLAIN_CALL))
    say([call, { jsonrpc: '2.0', id: 1, result: 'answered' }, 42, { ...call, id: 'two' }])
    await settled()
    assert.equal(outcome.value, 'answered')
    assert.deepEqual(
      sent.slice(1).map(({ id, result }) => [id, result]),
      [
        [1, [1]],
        ['two', [1]],
      ],
    )
    assert.equal(faults.length, 1)
  })

  const garbage: readonly unknown[] = [
    42,
    'text',
    null,
    true,
    undefined,
    {},
    [],
    [[]],
    { id: 1 },
    { id: 1, method: 7 },
    { id: [], method: 'echo' },
    { id: {}, method: 'echo' },
    { id: true, method: 'echo' },
    { jsonrpc: '2.0' },
    10n,
    { big: 10n },
  ]
  for (const message of garbage) {
    test(`and is no message is told of and passed over: ${inspect(message)}`, async () => {
      const { sent, say, faults } = alone({ api: { echo } })
      assert.doesNotThrow(() => say(message))
      assert.deepEqual(
        faults.map(({ code }) => code),
        ['ERR_PAGENT_PROTOCOL'],
      )
      assert.match(faults[0]?.message ?? '', /^the other one has sent what is no JSON-RPC message: /)
      assert.ok((faults[0]?.message.length ?? 0) < 250)
      say(call)
      assert.deepEqual(sent, [{ jsonrpc: '2.0', id: 1, result: [1] }])
    })
  }

  test('as an answer with nothing in it rejects its call, and is no surprise after a cancellation', async () => {
    const { peer, say, faults, clock } = alone()
    const outcome = outcomeOf(peer.call('any', [], PLAIN_CALL))
    const controller = new AbortController()
    const given = outcomeOf(peer.call('any', [], plan({ signal: controller.signal })))
    controller.abort(new Error('enough'))
    say({ jsonrpc: '2.0', id: 1 }, { jsonrpc: '2.0', id: 2 })
    await settled()
    assert.match(String(outcome.error), /any failed in the other one: its answer has neither a result nor an error/)
    assert.deepEqual([given.times, faults, peer.inFlight, clock.pending], [1, [], 0, 0])
    say({ jsonrpc: '2.0', id: 1 })
    assert.equal(faults.length, 1)
  })

  test('and is long is shown in part', () => {
    const { say, faults } = alone()
    say({ text: 'x'.repeat(100_000) })
    assert.ok((faults[0]?.message.length ?? Infinity) < 250)
  })

  test('as an answer to nothing is told of, and settles nobody', async () => {
    const { peer, say, faults } = alone()
    const outcome = outcomeOf(peer.call('any', [], PLAIN_CALL))
    for (const id of [2, 0, -1, '1', 1.5, null, undefined, true, {}, [1]]) say({ jsonrpc: '2.0', id, result: 'wrong' })
    say({ jsonrpc: '2.0', result: 'wrong' }, { jsonrpc: '2.0', id: 7, error: { code: 1, message: 'wrong' } })
    await settled()
    assert.deepEqual([outcome.times, faults.length, peer.inFlight], [0, 12, 1])
    for (const { message } of faults) assert.match(message, /^the other one has answered what was not asked: /)
    say({ jsonrpc: '2.0', id: 1, result: 'right' })
    await settled()
    assert.equal(outcome.value, 'right')
  })

  test('as an answer for the second time is told of, and changes nothing', async () => {
    const { peer, say, faults } = alone()
    const first = outcomeOf(peer.call('any', [], PLAIN_CALL))
    const other = outcomeOf(peer.call('any', [], PLAIN_CALL))
    say({ jsonrpc: '2.0', id: 1, result: 'first' }, { jsonrpc: '2.0', id: 1, result: 'second' })
    say({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'third' } })
    await settled()
    assert.deepEqual([first, other.times, faults.length], [{ value: 'first', times: 1 }, 0, 2])
  })

  test('as a request whose id is running is refused, and the first one goes on', async () => {
    const { promise, resolve } = gate()
    const { sent, say } = alone({ api: { wait: () => promise } })
    const ask = { jsonrpc: '2.0', id: 'one', method: 'wait' }
    say(ask, ask, { ...ask, id: 1 })
    assert.deepEqual(
      sent.map(({ id, error }) => [id, error.code]),
      [['one', -32_600]],
    )
    resolve('done')
    await settled()
    assert.deepEqual(
      sent.slice(1).map(({ id, result }) => [id, result]),
      [
        ['one', 'done'],
        [1, 'done'],
      ],
    )
    say(ask)
    await settled()
    assert.equal(sent.at(-1).result, 'done')
  })

  test('as a note of the protocol about nothing is passed over', () => {
    const { sent, say, faults } = alone({ api: { echo } })
    for (const params of [undefined, null, 7, 'x', [], {}, { id: 1 }, { id: null }, { id: {}, more: -1 }])
      for (const method of ['$/cancelRequest', '$/progress', '$/credit']) say({ jsonrpc: '2.0', method, params })
    assert.deepEqual([sent, faults], [[], []])
  })
})

const waits = (heard: string[]) => ({
  wait: async () => {
    const { signal } = currentCall()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    heard.push('aborted')
    throw new Error('never seen')
  },
  deaf: () => new Promise(() => {}),
})

describe('who gives up', PATIENCE, () => {
  test('by a signal hears its reason at once; the function hears of it, and its answer is silent', async () => {
    const heard: string[] = []
    const { clock, left, right } = pair({}, { api: waits(heard) })
    const controller = new AbortController()
    const outcome = outcomeOf(left.peer.call('wait', [], plan({ signal: controller.signal })))
    await settled()
    const reason = new Error('enough')
    controller.abort(reason)
    await Promise.resolve()
    assert.deepEqual([outcome, left.peer.inFlight], [{ error: reason, times: 1 }, 0])
    await settled()
    assert.deepEqual([heard, right.sent.at(-1).error.code], [['aborted'], -32_800])
    await clock.advanceAsync(1e6)
    assert.deepEqual([left.faults, right.faults, left.stuck, clock.pending, outcome.times], [[], [], [], 0, 1])
  })

  test('by a timeout hears a TimeoutError at that time', async () => {
    const heard: string[] = []
    const { clock, left, right } = pair({}, { api: waits(heard) })
    const outcome = outcomeOf(left.peer.call('wait', [], plan({ timeout: 1000 })))
    await clock.advanceAsync(999)
    assert.equal(outcome.times, 0)
    await clock.advanceAsync(1)
    assert.deepEqual(
      [outcome.error.code, outcome.error.waitingFor, outcome.error.after],
      ['ERR_PAGENT_TIMEOUT', 'wait', 1000],
    )
    assert.equal(outcome.error.message, 'Cannot call wait in the right one: no answer within 1s')
    assert.deepEqual([heard, right.sent.at(-1).error.code], [['aborted'], -32_800])
    await clock.advanceAsync(1e6)
    assert.deepEqual([left.faults, left.stuck, clock.pending, outcome.times], [[], [], 0, 1])
  })

  test('before the call is made sends nothing', async () => {
    const { peer, sent } = alone()
    await assert.rejects(peer.call('any', [], plan({ signal: AbortSignal.abort(new Error('enough')) })), /enough/)
    assert.deepEqual([sent, peer.inFlight], [[], 0])
  })

  test('may give anything as the reason', async () => {
    const { peer } = alone()
    for (const reason of [null, 0, 'text']) {
      const controller = new AbortController()
      const before = outcomeOf(peer.call('any', [], plan({ signal: controller.signal })))
      controller.abort(reason)
      const after = outcomeOf(peer.call('any', [], plan({ signal: controller.signal })))
      await settled()
      for (const { times, error } of [before, after]) assert.deepEqual([times, error], [1, reason])
    }
  })

  test('gets a late answer without a word, a second one is told of', async () => {
    const { peer, say, clock, faults } = alone()
    const outcome = outcomeOf(peer.call('any', [], plan({ timeout: 10 })))
    await clock.advanceAsync(10)
    say({ jsonrpc: '2.0', id: 1, result: 'late' })
    assert.deepEqual([faults.length, clock.pending], [0, 0])
    say({ jsonrpc: '2.0', id: 1, result: 'later still' })
    await clock.advanceAsync(1e6)
    assert.deepEqual([faults.length, outcome.times, outcome.error.code], [1, 1, 'ERR_PAGENT_TIMEOUT'])
  })

  test('on who does not answer within the grace is told, once for each call', async () => {
    const { clock, left } = pair({ cancelGrace: 200 }, { api: waits([]) })
    const controller = new AbortController()
    const outcomes = [plan({ timeout: 100 }), plan({ signal: controller.signal })].map((own) =>
      outcomeOf(left.peer.call('deaf', [], own)),
    )
    controller.abort()
    await clock.advanceAsync(199)
    assert.deepEqual(left.stuck, [])
    await clock.advanceAsync(1)
    assert.deepEqual(left.stuck, ['deaf'])
    await clock.advanceAsync(100)
    assert.deepEqual(left.stuck, ['deaf', 'deaf'])
    await clock.advanceAsync(1e6)
    assert.deepEqual([left.stuck.length, clock.pending, outcomes.map(({ times }) => times)], [2, 0, [1, 1]])
  })

  test('lingers until it is answered, and for ever when it is stuck', async () => {
    const lingering: number[] = []
    const { peer, clock, say } = alone({ cancelGrace: 200, lingering: (calls) => void lingering.push(calls) })
    for (const timeout of [100, 200]) outcomeOf(peer.call('any', [], plan({ timeout })))
    await clock.advanceAsync(300)
    assert.deepEqual(lingering, [1, 2])
    for (const id of [1, 2, 2]) say({ jsonrpc: '2.0', id, result: 'late' })
    assert.deepEqual(lingering, [1, 2, 1], 'the first is stuck, and the second answered')
    peer.close(new Error('over'))
    assert.equal(lingering.length, 3)
  })

  test('with an endless grace is never told', async () => {
    const { clock, left } = pair({ cancelGrace: Infinity }, { api: waits([]) })
    outcomeOf(left.peer.call('deaf', [], plan({ timeout: 100 })))
    await clock.advanceAsync(1e9)
    assert.deepEqual([left.stuck, clock.pending], [[], 0])
  })

  test('is heard by a function that asks for its signal before, and by none that has answered', async () => {
    const signals: AbortSignal[] = []
    const { sent, say } = alone({ api: { done: () => void signals.push(currentCall().signal) } })
    say({ jsonrpc: '2.0', id: 1, method: 'done' }, { jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } })
    assert.deepEqual([signals[0]?.aborted, sent.length], [false, 1])
  })

  test('leaves no listener on a signal that lives on, and a thousand calls may share it', async () => {
    const { signal } = new AbortController()
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    let listeners = 0
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof add>) => (listeners--, remove(...args))
    const warnings: Error[] = []
    const warn = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warn)
    const { left } = pair({}, { api: { echo } })
    const calls = Array.from({ length: 1000 }, (_, i) => left.peer.call('echo', [i], plan({ signal })))
    assert.equal(listeners, 1000)
    await Promise.all(calls)
    await settled()
    process.off('warning', warn)
    assert.deepEqual([listeners, warnings], [0, []])
  })
})

describe('deadlines', PATIENCE, () => {
  const LENGTHS = [100, 250, 1000]

  test('of thousands of calls take a timer for each length, and each call ends at its own time', async () => {
    const { peer, clock } = alone({ cancelGrace: Infinity })
    const ends: number[][] = []
    for (let i = 0; i < 3000; i++) {
      const timeout = LENGTHS[i % 3] as number
      const due = clock.now() + timeout
      peer.call('any', [], plan({ timeout })).catch(() => ends.push([due, clock.now()]))
      assert.ok(clock.pending <= LENGTHS.length, `${clock.pending} timers`)
      if (i % 10 === 0) await clock.advanceAsync(1)
    }
    await clock.advanceAsync(1000)
    assert.equal(ends.length, 3000)
    assert.deepEqual(
      ends.filter(([due, at]) => due !== at),
      [],
    )
    assert.deepEqual([clock.pending, peer.inFlight], [0, 0])
  })

  test('that were met leave no timer behind once their time is over', async () => {
    const { clock, left } = pair({}, { api: { echo } })
    for (let i = 0; i < 3000; i++) await left.peer.call('echo', [i], plan({ timeout: LENGTHS[i % 3] as number }))
    assert.ok(clock.pending <= LENGTHS.length)
    await clock.advanceAsync(1000)
    assert.deepEqual([clock.pending, left.stuck], [0, []])
    await left.peer.call('echo', [1], plan({ timeout: 100 }))
    left.peer.close(new Error('over'))
    assert.equal(clock.pending, 0)
  })

  test('that were met take nothing for hours, though each has a length of its own', async () => {
    const { clock, left } = pair({}, { api: { echo } })
    for (let i = 0; i < 1000; i++) await left.peer.call('echo', [i], plan({ timeout: 3_600_000 + i }))
    assert.ok(clock.pending < 100, `${clock.pending} timers for no call in flight`)
  })

  test('hold for a call that is made while another of its length is late', async () => {
    const { peer, clock } = alone({ cancelGrace: Infinity })
    const ends: number[] = []
    const again = (left: number): void => {
      peer.call('any', [], plan({ timeout: 100 })).catch(() => {
        ends.push(clock.now())
        if (left > 1) again(left - 1)
      })
    }
    again(4)
    await clock.advanceAsync(1000)
    assert.deepEqual([ends, clock.pending], [[100, 200, 300, 400], 0])
  })
})

describe('calls in flight', PATIENCE, () => {
  test('are so many at most; the next is refused, and none once there is room', async () => {
    const { promise, resolve } = gate()
    const { left, right } = pair({ maxInFlight: 3 }, { api: { wait: () => promise } })
    const calls = [1, 2, 3].map(() => left.peer.call('wait', [], PLAIN_CALL))
    await assert.rejects(left.peer.call('wait', [], PLAIN_CALL), {
      code: 'ERR_PAGENT_OVERLOAD',
      queued: 3,
      limit: 3,
      message: 'Cannot call the right one: 3 calls wait for an answer; wait for some first',
    })
    await assert.rejects(left.peer.stream('wait', [], PLAIN_CALL).next(), { code: 'ERR_PAGENT_OVERLOAD' })
    assert.equal(left.sent.length, 3)
    resolve('done')
    assert.deepEqual(await Promise.all(calls), ['done', 'done', 'done'])
    assert.equal(await left.peer.call('wait', [], PLAIN_CALL), 'done')
    assert.deepEqual(right.faults, [])
  })

  test('of the other side are so many at most: the next is answered with -32001', async () => {
    const { promise, resolve } = gate()
    const { left } = pair({}, { maxInFlight: 3, api: { wait: () => promise } })
    const outcomes = [1, 2, 3, 4].map(() => outcomeOf(left.peer.call('wait', [], PLAIN_CALL)))
    await settled()
    assert.deepEqual(
      outcomes.map(({ times, error }) => [times, error?.rpcCode]),
      [
        [0, undefined],
        [0, undefined],
        [0, undefined],
        [1, -32_001],
      ],
    )
    resolve('done')
    await settled()
    assert.equal(await left.peer.call('wait', [], PLAIN_CALL), 'done')
  })

  test('are idle when none of the other side is running', async () => {
    const { promise, resolve } = gate()
    const { left, right } = pair({}, { api: { wait: () => promise } })
    await right.peer.idle
    const calls = [1, 2].map(() => left.peer.call('wait', [], PLAIN_CALL))
    await settled()
    const idle = outcomeOf(right.peer.idle)
    await settled()
    assert.equal(idle.times, 0)
    resolve(1)
    await Promise.all(calls)
    assert.equal(idle.times, 1)
  })
})

describe('progress', PATIENCE, () => {
  test('reaches the caller of that call, in order, and stops with the answer', async () => {
    const late: (() => void)[] = []
    const api = {
      steps: async (to: number) => {
        const served = currentCall()
        for (let i = 1; i <= to; i++) served.progress({ i })
        await settled()
        late.push(() => served.progress('late'))
        return to
      },
    }
    const { left } = pair({}, { api })
    const seen: unknown[][] = [[], []]
    const calls = seen.map((list, i) =>
      left.peer.call('steps', [i + 1], plan({ onProgress: (value) => list.push(value) })),
    )
    assert.deepEqual(await Promise.all(calls), [1, 2])
    for (const tell of late) tell()
    await settled()
    assert.deepEqual([seen, left.faults], [[[{ i: 1 }], [{ i: 1 }, { i: 2 }]], []])
    assert.equal(await left.peer.call('steps', [3], PLAIN_CALL), 3)
  })

  test('that cannot be written, or that nobody asked for, harms nobody', async () => {
    const { left } = pair({}, { api: { odd: () => (currentCall().progress(10n), 'done') } })
    const seen: unknown[] = []
    assert.equal(await left.peer.call('odd', [], plan({ onProgress: (value) => seen.push(value) })), 'done')
    await left.peer.notify('odd', [])
    await settled()
    assert.deepEqual(seen, [])
  })

  test('is told by the function that is served, and not outside of one', async () => {
    assert.throws(() => currentCall(), /Cannot tell the current call/)
    let after: unknown
    const api = {
      late: async () => {
        await settled()
        try {
          currentCall()
        } catch (error) {
          after = error
        }
      },
    }
    await pair({}, { api }).left.peer.call('late', [], PLAIN_CALL)
    assert.match(String(after), /before its first await/)
  })
})

describe('the end', PATIENCE, () => {
  test('rejects every call with its error, once, and leaves no timer', async () => {
    const { peer, clock, say } = alone()
    const { signal } = new AbortController()
    const plans = [PLAIN_CALL, plan({ timeout: 100 }), plan({ signal }), plan({ timeout: 200, signal })]
    const outcomes = plans.flatMap((own) => [
      outcomeOf(peer.call('any', [], own)),
      outcomeOf(peer.stream('any', [], own).next()),
    ])
    const cancelled = new AbortController()
    const given = outcomeOf(peer.call('any', [], plan({ signal: cancelled.signal })))
    cancelled.abort()
    const error = new ExitError('call', plainExit('w', { kind: 'failed', exitCode: 3 }, 0))
    peer.close(error)
    peer.close(new Error('another'))
    await Promise.resolve()
    for (const outcome of outcomes) assert.deepEqual(outcome, { error, times: 1 })
    assert.deepEqual([peer.inFlight, clock.pending, given.times], [0, 0, 1])
    say({ jsonrpc: '2.0', id: 1, result: 'late' })
    await clock.advanceAsync(1e6)
    for (const outcome of outcomes) assert.deepEqual(outcome, { error, times: 1 })
  })

  test('refuses every call from then on, with nothing sent', async () => {
    const { peer, sent } = alone()
    peer.close(new Error('gone'))
    await assert.rejects(peer.call('any', [], PLAIN_CALL), /gone/)
    await assert.rejects(peer.stream('any', [], PLAIN_CALL).next(), /gone/)
    assert.deepEqual(sent, [])
  })

  test('of what the other side says ends what waits for it; what runs is answered', async () => {
    const { promise, resolve } = gate()
    const { peer, sent, say } = alone({ api: { wait: () => promise } })
    const outcome = outcomeOf(peer.call('any', [], PLAIN_CALL))
    say({ jsonrpc: '2.0', id: 'theirs', method: 'wait' })
    peer.hearNoMore(new Error('over'))
    resolve('done')
    await peer.idle
    assert.deepEqual([outcome.error.message, sent.at(-1)], ['over', { jsonrpc: '2.0', id: 'theirs', result: 'done' }])
  })

  test('is heard by what is served', async () => {
    const heard: string[] = []
    const { left, right } = pair(
      {},
      {
        api: {
          wait: () => {
            currentCall().signal.addEventListener('abort', () => heard.push('aborted'))
            return new Promise(() => {})
          },
        },
      },
    )
    outcomeOf(left.peer.call('wait', [], PLAIN_CALL))
    await settled()
    right.peer.close(new Error('gone'))
    assert.deepEqual(heard, ['aborted'])
  })
})
