/** Calls of real processes: each settles once, with a typed error that explains itself, whatever becomes of the worker. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import {
  type Exit,
  type ExitError,
  type Launcher,
  type Master,
  type RpcClient,
  type Worker,
  type WorkerRpcOptions,
  type WorkerSpec,
  jsonRpc,
  lengthPrefixed,
  lines,
  portable,
  raw,
  worker as freeWorker,
} from '../../src/index.ts'
import { needsPython } from '../support/compile.ts'
import { canMeasureMemory } from '../support/memory.ts'
import { eventually } from '../support/processes.ts'
import { scaled, stretched } from '../support/scale.ts'
import { fixture, story, watch } from '../support/story.ts'
import { abilitiesHere, storyUnless } from '../support/trees.ts'

/** What is never settled is a failure, and no hour of waiting. */
const PATIENCE = { timeout: stretched(120_000) }

const FAST = { min: 1, max: 2 }
const ENDLESS = { restarts: 1_000_000, within: 1 }
const MIB = 2 ** 20

const SERVES = ['--disable-warning=ExperimentalWarning', fixture('serves-and-misbehaves.ts')]

interface Started {
  readonly worker: Worker<any, any>
  readonly rpc: RpcClient
}

/** A worker that serves, and whose functions misbehave when they are told to. */
async function serving(master: Master, spec: WorkerSpec<any, any> = {}, own: WorkerRpcOptions = {}): Promise<Started> {
  const worker = await master.getWorker('w').start(process.execPath, SERVES, { framing: jsonRpc(), ...spec })
  return { worker, rpc: worker.rpc(own) }
}

/** A fixture that has its own idea of answers. */
async function answering(
  master: Master,
  name: string,
  args: readonly string[] = [],
  own: WorkerRpcOptions = {},
): Promise<Started> {
  const [file, first] = name.endsWith('.py') ? ['python3', [fixture(name)]] : [fixture(name), []]
  const worker = await master.getWorker('w').start(file, [...first, ...args], { framing: jsonRpc() })
  return { worker, rpc: worker.rpc(own) }
}

const errorOf = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    (value) => assert.fail(`it has answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )

const exitOf = async (promise: Promise<unknown>): Promise<Exit> => {
  const error = (await errorOf(promise)) as ExitError
  assert.equal(error.code, 'ERR_PAGENT_EXIT', String(error))
  return error.exit
}

/** A small generator with a seed, so that what has failed can be played again. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >>> 8) % sides
  }
}

describe('a call whose worker ends', PATIENCE, () => {
  story('rejects in the turn of the exit, with its cause', async (master) => {
    const { worker, rpc } = await serving(master)
    await rpc.call('echo', 1)
    const order: string[] = []
    const { promise, resolve } = Promise.withResolvers<readonly string[]>()
    const note = (what: string): void => {
      if (order.push(what) === 1) setImmediate(() => resolve([...order]))
    }
    const items = rpc.stream('never')[Symbol.asyncIterator]()
    const waiting = [rpc.call('never'), rpc.with({ timeout: '1h' }).call('never'), items.next()]
    for (const one of waiting) one.catch(() => note('rejected'))
    void worker.exited.then(() => note('exited'))
    await turn()
    worker.kill()
    assert.deepEqual((await promise).toSorted(), ['exited', 'rejected', 'rejected', 'rejected'])
    for (const one of waiting) {
      const error = (await errorOf(one)) as ExitError
      assert.equal(error.exit, await worker.exited)
      assert.match(error.message, /^Cannot call worker "w": it was killed by SIGKILL after /)
    }
  })

  story('tells the error that ended it, and no answers to others', async (master) => {
    const { worker, rpc } = await serving(master)
    await rpc.call('late', 1, 'a secret')
    const call = errorOf(rpc.call('never'))
    worker.kill()
    assert.match((await call).message, /^Cannot call worker "w": it was killed by SIGKILL after [^\n;]*$/)
    await worker.start(process.execPath, ['-e', 'setImmediate(() => { throw new TypeError("out of paper") })'], {
      framing: jsonRpc(),
    })
    assert.match((await errorOf(rpc.call('never'))).message, /\n {2}TypeError: out of paper$/)
  })

  story('tells its last words', async (master) => {
    const { worker, rpc } = await serving(master)
    const others = [rpc.call('never'), rpc.call('late', 60_000, 1)]
    const error = (await errorOf(rpc.call('crash', 3, 'out of paper'))) as ExitError
    assert.match(
      error.message,
      /^Cannot call worker "w": it exited with code 3 after .*; its last stderr:\n {2}out of paper$/s,
    )
    assert.partialDeepStrictEqual(error.exit, { kind: 'failed', exitCode: 3, stderrTail: 'out of paper\n' })
    for (const other of others) assert.equal(await exitOf(other), await worker.exited)
  })

  story('and that is made between its death and its exit, is told of the exit all the same', async (master) => {
    const { worker, rpc } = await serving(master)
    await rpc.call('echo', 1)
    // Not by the fork server, which takes a while in which a call may still be answered.
    process.kill(Number(worker.pid), 'SIGKILL')
    const errors: Promise<any>[] = []
    while (worker.state === 'running') {
      if (errors.length < 1000) errors.push(errorOf(rpc.call('echo', errors.length)))
      await turn()
    }
    const codes = (await Promise.all(errors)).map(({ code, message }) => `${code} ${message}`.slice(0, 70))
    assert.deepEqual(
      codes.filter((code) => !code.startsWith('ERR_PAGENT_EXIT')),
      [],
    )
  })

  story('by stop() hears that it was stopped, as does one that is made then', async (master) => {
    const { worker, rpc } = await serving(master)
    const waiting = exitOf(rpc.call('never'))
    await turn()
    await worker.stop({ eof: 10 })
    assert.equal((await waiting).kind, 'stopped')
    assert.equal((await exitOf(rpc.call('echo', 1))).kind, 'stopped')
    assert.equal((await exitOf(rpc.with({ onDeath: 'retry' }).call('echo', 1))).kind, 'stopped')
    await worker.start()
    assert.equal(await rpc.call('echo', 1), 1)
  })
})

/** So many calls, and a worker that is killed not before so many more were settled. */
interface Storm {
  readonly calls: number
  readonly calm: number
  readonly seed: number
  readonly onDeath: 'fail' | 'retry'
}

/** Calls so often, and has the worker killed in the midst of it, after it has been ready for a while. */
async function storm(
  master: Master,
  { calls, seed, onDeath, calm }: Storm,
): Promise<{ answered: number; failed: any[]; kills: number }> {
  const roll = dice(seed)
  const { worker, rpc } = await serving(
    master,
    { restart: 'permanent', backoff: FAST, intensity: ENDLESS },
    { onDeath },
  )
  const tally = { answered: 0, failed: [] as any[], kills: 0 }
  const settles = new Map<number, number>()
  let begun = 0
  let settled = 0
  let nextKill = calm
  const killSometimes = (): void => {
    if (settled < nextKill || worker.state !== 'running') return
    nextKill = settled + calm + roll(calm)
    tally.kills++
    setTimeout(() => worker.kill(), roll(10))
  }
  const one = async (n: number): Promise<void> => {
    const payload = { n, text: 'x'.repeat(roll(10) === 0 ? roll(20_000) : 10) }
    const asked = roll(3) === 0 ? rpc.call('late', roll(8), payload) : rpc.call('echo', payload)
    const settle = (): void => {
      settles.set(n, (settles.get(n) ?? 0) + 1)
      settled++
    }
    asked.then(settle, settle)
    try {
      assert.deepEqual(await asked, payload, `call ${n} has got the answer of another`)
      tally.answered++
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      tally.failed.push(error)
      await worker.ready()
    }
    killSometimes()
  }
  const lane = async (): Promise<void> => {
    while (begun < calls) await one(begun++)
  }
  await Promise.all(Array.from({ length: 50 }, lane))
  assert.equal(settles.size, calls, 'calls are lost')
  assert.ok([...settles.values()].every((times) => times === 1))
  return tally
}

describe('calls over a worker that is killed at random moments', PATIENCE, () => {
  const MANY = scaled(10_000)
  story(`${MANY} settle once, with their own answer or the exit`, async (master) => {
    const { answered, failed, kills } = await storm(master, { calls: MANY, seed: 1, onDeath: 'fail', calm: 200 })
    assert.equal(answered + failed.length, MANY)
    assert.ok(
      kills >= Math.floor(MANY / 500) && failed.length >= kills,
      `${kills} kills, ${failed.length} calls failed`,
    )
    for (const error of failed) {
      assert.equal(error.code, 'ERR_PAGENT_EXIT', String(error))
      assert.equal(error.exit.signalCode, 'SIGKILL')
    }
  })

  const FEWER = scaled(4000)
  story(`${FEWER} that may be done twice are all answered`, async (master) => {
    const { answered, failed } = await storm(master, { calls: FEWER, seed: 2, onDeath: 'retry', calm: 300 })
    assert.deepEqual([answered, failed.map(String)], [FEWER, []])
  })
})

describe('a call that may be done twice', PATIENCE, () => {
  const restarting = { restart: 'permanent', backoff: FAST, intensity: ENDLESS } as const

  story('is asked of the next life', async (master) => {
    const { worker, rpc } = await serving(master, restarting)
    const slow = rpc.with({ onDeath: 'retry' }).call('late', 300, 'answer')
    const plain = exitOf(rpc.call('never'))
    await pause(50)
    worker.kill()
    assert.equal((await plain).incarnation, 1)
    assert.equal(await slow, 'answer')
    assert.equal(worker.incarnation, 2)
  })

  story('is asked of the next life, too, when it is made between the death and the exit', async (master) => {
    const { worker, rpc } = await serving(master, restarting)
    const retried = rpc.with({ onDeath: 'retry' })
    await retried.call('echo', 1)
    worker.kill()
    const calls: Promise<string>[] = []
    while (worker.state === 'running') {
      if (calls.length < 1000) calls.push(retried.call('echo', 'answered').catch(String))
      await turn()
    }
    assert.deepEqual([...new Set(await Promise.all(calls))], ['answered'])
  })

  story('is not tried for ever', async (master) => {
    const { worker, rpc } = await serving(master, restarting)
    const exit = await exitOf(rpc.with({ onDeath: 'retry' }).call('crash', 7, 'again'))
    assert.partialDeepStrictEqual(exit, { kind: 'failed', exitCode: 7, incarnation: 3 })
    await worker.ready()
    assert.equal(await rpc.call('echo', 1), 1)
  })

  story('fails where no other life comes', async (master) => {
    const { rpc } = await serving(master)
    const exit = await exitOf(rpc.with({ onDeath: 'retry' }).call('crash', 7, 'once'))
    assert.partialDeepStrictEqual(exit, { exitCode: 7, incarnation: 1 })
  })

  story('fails at once with another error than an exit', async (master) => {
    const { worker, rpc } = await serving(master, restarting)
    const retried = rpc.with({ onDeath: 'retry' })
    await assert.rejects(retried.call('unknown'), { rpcCode: -32_601 })
    await assert.rejects(retried.with({ timeout: 20 }).call('late', 200, 1), { code: 'ERR_PAGENT_TIMEOUT' })
    assert.equal(worker.incarnation, 1)
  })

  story('keeps its timeout and its signal while there is no life', async (master) => {
    const { worker, rpc } = await serving(master, { ...restarting, backoff: { min: '1h', max: '1h', jitter: 0 } })
    const controller = new AbortController()
    const retried = rpc.with({ onDeath: 'retry' })
    const given = errorOf(retried.with({ signal: controller.signal }).call('never'))
    const late = errorOf(retried.with({ timeout: 300 }).call('never'))
    await turn()
    worker.kill()
    await worker.exited
    controller.abort(new Error('enough'))
    assert.equal((await given).message, 'enough')
    const patience = pause(stretched(2000), { code: 'nothing' })
    assert.equal((await Promise.race([late, patience])).code, 'ERR_PAGENT_TIMEOUT')
  })
})

describe('a worker that answers wrongly', PATIENCE, () => {
  story('with what is no JSON is ended, and its calls are told why', async (master) => {
    const { worker, rpc } = await answering(master, 'answers-garbage.sh')
    const calls = [rpc.call('any'), rpc.call('other'), rpc.stream('third')[Symbol.asyncIterator]().next()]
    for (const call of calls) {
      const error = (await errorOf(call)) as ExitError
      assert.equal(error.exit.kind, 'protocol')
      assert.equal((error.cause as { code?: string }).code, 'ERR_PAGENT_FRAMING')
      assert.match(error.exit.stdoutTail, /this is no JSON/)
    }
    assert.equal((await worker.exited).kind, 'protocol')
  })

  for (const signal of ['', 'KILL'])
    story(`with half a message before its end${signal && ` by SIG${signal}`} answers nobody`, async (master) => {
      const { worker, rpc } = await answering(master, 'answers-by-halves.sh', [signal])
      const exit = await exitOf(rpc.call('any'))
      assert.equal(exit, await worker.exited)
      assert.equal(exit.unterminated, true)
      assert.match(exit.stderrTail, /about to say half of it/)
      assert.ok(signal === '' ? exit.kind !== 'signaled' : exit.kind === 'signaled', exit.kind)
    })

  story('with a line of 100 MB is ended long before that, and takes no memory', async (master) => {
    const { rpc } = await answering(master, 'answers-without-end.sh')
    let peak = 0
    const before = process.memoryUsage().rss
    const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss - before)), 5)
    const exit = await exitOf(rpc.call('any'))
    clearInterval(watching)
    assert.equal(exit.kind, 'protocol')
    assert.ok(exit.kind === 'protocol' && exit.error.reason === 'too-long')
    assert.ok(peak < 60 * MIB, `${Math.round(peak / MIB)} MiB more`)
  })

  story('with bytes that are no UTF-8 is read with the sign for that', async (master) => {
    const { rpc } = await answering(master, 'answers-in-broken-utf8.sh')
    assert.equal(await rpc.call('any'), 'a\uFFFDb\uFFFD')
  })

  story('with answers to nothing and under wrong ids is told of, and the right ones count', async (master) => {
    const events = watch(master)
    const { rpc } = await answering(master, 'answers-what-was-not-asked.sh')
    await events.untilOne(({ type, notice }) => type === 'noticed' && /"too early"/.test(notice.message))
    for (let id = 1; id <= 20; id++) assert.equal(await rpc.call('any'), id)
    assert.deepEqual(await Promise.all([21, 22, 23].map(() => rpc.call('any'))), [21, 22, 23])
    await turn()
    const notices = events.seen.filter(({ type }) => type === 'noticed')
    assert.equal(notices.length, 1 + 23 * 5)
    for (const { notice } of notices) assert.equal(notice.code, 'ERR_PAGENT_PROTOCOL')
  })

  story('under wrong ids only leaves the calls to their timeouts, and is ended as unresponsive', async (master) => {
    const { worker, rpc } = await answering(master, 'answers-only-under-wrong-ids.sh', [], { cancelGrace: 300 })
    const unlimited = exitOf(rpc.call('any'))
    await assert.rejects(rpc.with({ timeout: 50 }).call('any'), { code: 'ERR_PAGENT_TIMEOUT', after: 50 })
    assert.partialDeepStrictEqual(await unlimited, { kind: 'unresponsive', after: 300 })
    assert.equal((await worker.exited).kind, 'unresponsive')
  })

  story('twice is heard once', async (master) => {
    const events = watch(master)
    const { rpc } = await answering(master, 'answers-twice.sh')
    const times = scaled(2000)
    for (let id = 1; id <= times; id += 4)
      assert.deepEqual(await Promise.all([0, 1, 2, 3].map(() => rpc.call('any'))), [id, id + 1, id + 2, id + 3])
    const twice = (): number => events.seen.filter(({ type }) => type === 'noticed').length
    await eventually(
      () => twice() === Math.ceil(times / 4) * 4,
      stretched(2000),
      () => `${twice()} notices of ${times}`,
    )
  })

  story('with items beyond the credit fills no memory of who does not read them', async (master) => {
    const { worker, rpc } = await answering(master, 'streams-beyond-its-credit.sh')
    const stream = rpc.stream('any')[Symbol.asyncIterator]()
    await pause(500)
    worker.kill()
    await worker.exited
    let kept = 0
    const count = async (): Promise<void> => {
      for (let next = await stream.next(); next.done !== true; next = await stream.next()) kept++
    }
    await exitOf(count())
    assert.ok(kept <= 64, `${kept} items were kept for who had asked for 64`)
  })
})

describe('a worker that does not read', PATIENCE, () => {
  story('is refused more calls than fit, and is ended when one that was cancelled is not answered', async (master) => {
    const { worker, rpc } = await answering(master, 'reads-and-writes-nothing.sh', [], { cancelGrace: 500 })
    const before = process.memoryUsage()
    const payload = 'x'.repeat(100_000)
    const patient = rpc.with({ timeout: 1000 })
    const errors = Array.from({ length: 1000 }, () => errorOf(patient.call('any', payload)))
    const { heapUsed, external } = process.memoryUsage()
    const grown = heapUsed + external - before.heapUsed - before.external
    assert.ok(grown < 64 * MIB, `${Math.round(grown / MIB)} MiB more`)
    const codes = (await Promise.all(errors)).map(({ code }) => code as string)
    const counts = Object.groupBy(codes, (code) => code)
    assert.deepEqual(Object.keys(counts).toSorted(), ['ERR_PAGENT_OVERLOAD', 'ERR_PAGENT_TIMEOUT'])
    assert.ok((counts['ERR_PAGENT_TIMEOUT']?.length ?? 0) <= 170, 'more were taken than 16 MiB hold')
    assert.equal((await worker.exited).kind, 'unresponsive')
  })

  story('takes no more than so many calls at a time', async (master) => {
    const { worker, rpc } = await answering(master, 'reads-and-writes-nothing.sh', [], { maxInFlight: 100 })
    const errors = Array.from({ length: 1000 }, () => errorOf(rpc.call('any')))
    worker.kill()
    const codes = (await Promise.all(errors)).map(({ code }) => code as string)
    assert.deepEqual([codes.lastIndexOf('ERR_PAGENT_EXIT'), codes.indexOf('ERR_PAGENT_OVERLOAD')], [99, 100])
  })

  storyUnless(
    needsPython,
    'after its first answer fails the next calls by their timeout, as a stream',
    async (master) => {
      const { worker, rpc } = await answering(master, 'answers_once_and_goes_deaf.py', [], { cancelGrace: Infinity })
      assert.equal(await rpc.call('any'), 'once')
      const late = rpc.with({ timeout: 100 })
      await assert.rejects(late.call('any'), { code: 'ERR_PAGENT_TIMEOUT' })
      await assert.rejects(late.stream('any')[Symbol.asyncIterator]().next(), { code: 'ERR_PAGENT_TIMEOUT' })
      await assert.rejects(rpc.with({ signal: AbortSignal.timeout(20) }).call('any'), { name: 'TimeoutError' })
      assert.equal(worker.state, 'running')
    },
  )
})

const { limits } = await abilitiesHere()
const needsMeasure = limits.cpuTime === undefined ? 'needs a launcher that measures' : false

describe('a call with a budget', PATIENCE, () => {
  storyUnless(needsMeasure, 'of CPU time ends a worker that spins, soon', async (master) => {
    const { worker, rpc } = await serving(master)
    const seen: number[] = []
    // Whoever watches needs a CPU, too: where others want all of them, the best of three counts.
    for (let attempt = 0; attempt < 3 && !seen.some((observed) => observed <= 300); attempt++) {
      if (attempt > 0) await worker.start()
      await rpc.call('spin', 300)
      const exit = await exitOf(rpc.with({ cpuTime: 200 }).call('spin'))
      assert.partialDeepStrictEqual(exit, { kind: 'limit', limit: 'cpuTime', max: 200 })
      if (exit.kind === 'limit') seen.push(exit.observed)
    }
    assert.ok(Math.min(...seen) > 200 && Math.min(...seen) <= 300, String(seen))
  })

  storyUnless(needsMeasure, 'that it keeps is answered, one after the other, and many at once', async (master) => {
    const { worker, rpc } = await serving(master)
    // What it uses until it serves would count, too.
    await rpc.call('echo', 1)
    const frugal = rpc.with({ cpuTime: 300, memory: '1GiB' })
    for (let i = 0; i < 10; i++) assert.equal(await frugal.call('spin', 50), 'done')
    assert.deepEqual(await Promise.all([1, 2, 3].map((n) => frugal.call('late', 50, n))), [1, 2, 3])
    await assert.rejects(frugal.call('unknown'), { rpcCode: -32_601 })
    assert.equal(worker.state, 'running')
  })

  storyUnless(needsMeasure, 'of memory ends a worker that eats more', async (master) => {
    // Whoever watches needs a CPU, too: the best of three.
    for (let left = 2; ; left--) {
      const { rpc } = await serving(master)
      assert.equal(await rpc.with({ memory: '1GiB' }).call('eat', 16), 'eaten')
      const exit = await exitOf(rpc.with({ memory: '256MiB' }).call('eat', 1024))
      assert.partialDeepStrictEqual(exit, { kind: 'limit', limit: 'memory', max: 256 * MIB })
      if (exit.kind === 'limit' && exit.observed > 256 * MIB && exit.observed < 512 * MIB) return
      assert.ok(left > 0, JSON.stringify(exit))
    }
  })

  storyUnless(needsMeasure, 'that is a stream ends a worker that spins, too', async (master) => {
    const { rpc } = await serving(master)
    const read = exitOf(Array.fromAsync(rpc.with({ cpuTime: 200 }).stream('spinForever')))
    const exit = await Promise.race([read, pause(stretched(3000), { kind: 'still running' })])
    assert.partialDeepStrictEqual(exit, { kind: 'limit', limit: 'cpuTime', max: 200 })
  })

  storyUnless(needsMeasure, 'ends nobody else: the next life is as good as new', async (master) => {
    const { worker, rpc } = await serving(master, { restart: 'permanent', backoff: FAST })
    assert.equal((await exitOf(rpc.with({ cpuTime: 100 }).call('spin'))).kind, 'limit')
    await worker.ready()
    assert.equal(await rpc.with({ cpuTime: 1000 }).call('spin', 20), 'done')
  })

  story('that nobody can watch is refused, and the worker works on', async (master) => {
    const launcher = portable()
    const { worker, rpc } = await serving(master, { launcher })
    for (const budget of [{ cpuTime: 200 }, { memory: '1GiB' }])
      await assert.rejects(rpc.with(budget).call('echo', 1), { code: 'ERR_PAGENT_LIMIT_UNSUPPORTED' })
    assert.equal(await rpc.call('echo', 1), 1)
    await worker.stop()
    await launcher.close()
  })
})

/** The same launcher, whose processes come late. */
function tardy(inner: Launcher, ms: number): Launcher {
  return {
    name: inner.name,
    abilities: () => inner.abilities(),
    close: () => inner.close(),
    launch: async (command) => {
      await pause(ms)
      return inner.launch(command)
    },
  }
}

describe('a call', PATIENCE, () => {
  story('of a worker that is being started waits for the process', async (master) => {
    const worker = master.getWorker('w')
    const started = worker.start(process.execPath, SERVES, { framing: jsonRpc() })
    const rpc = worker.rpc()
    const notified = rpc.notify('echo', 1)
    const items = Array.fromAsync(rpc.stream('count', 100))
    assert.deepEqual(await Promise.all([rpc.call('echo', 1), rpc.call('echo', 2)]), [1, 2])
    assert.equal((await items).length, 100)
    await Promise.all([notified, started])
  })

  story('of a worker whose start fails is told so', async (master) => {
    const worker = master.getWorker('w')
    const failed = worker.start('no-such-program', [], { framing: jsonRpc() })
    const call = worker.rpc().call('any')
    await assert.rejects(failed, { code: 'ERR_PAGENT_SPAWN' })
    assert.partialDeepStrictEqual(await exitOf(call), { kind: 'crashed', stage: 'spawn' })
  })

  story('of a worker that comes late keeps its timeout and its signal', async (master) => {
    const launcher = tardy(portable(), 1500)
    const worker = master.getWorker('w')
    const started = worker.start(process.execPath, SERVES, { framing: jsonRpc(), launcher })
    const rpc = worker.rpc()
    const [given, timed] = [rpc.with({ signal: AbortSignal.timeout(50) }), rpc.with({ timeout: 50 })]
    const soon = pause(500, 'nothing within 500 ms')
    const outcomes = await Promise.allSettled(
      [given, timed].map((client) => Promise.race([client.call('echo', 1), soon])),
    )
    const names = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.name : outcome.value))
    await started
    await worker.stop()
    await launcher.close()
    assert.deepEqual(names, ['TimeoutError', 'TimeoutError'])
  })

  story('of a worker that was never started is refused', async (master) => {
    const worker = master.getWorker('w')
    assert.throws(() => worker.rpc(), { name: 'TypeError', message: /its framing is lines; start it with/ })
    worker.assign(process.execPath, SERVES, { framing: jsonRpc() })
    const rpc = worker.rpc()
    const refused = { code: 'ERR_PAGENT_CLOSED', message: /it was not started; start\(\) it first/ }
    await assert.rejects(rpc.call('echo', 1), refused)
    await assert.rejects(rpc.notify('echo', 1), refused)
    await assert.rejects(rpc.with({ onDeath: 'retry' }).call('echo', 1), refused)
    await assert.rejects(Array.fromAsync(rpc.stream('count', 1)), refused)
  })

  story('of a worker whose framing carries no messages with members is refused', async (master) => {
    for (const framing of [lines(), raw(), lengthPrefixed()]) {
      const worker = master.getWorker(framing.name)
      worker.assign(process.execPath, SERVES, { framing } as WorkerSpec<any, any>)
      const message = `Cannot call worker "${framing.name}": its framing is ${framing.name}; start it with { framing: jsonRpc() }`
      assert.throws(() => worker.rpc(), { name: 'TypeError', message })
    }
  })

  story('of a stream that fails before somebody reads it is told of to the reader only', async (master) => {
    const worker = master.getWorker('w')
    worker.assign(process.execPath, SERVES, { framing: jsonRpc() })
    const unhandled: unknown[] = []
    const hear = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', hear)
    const stream = worker.rpc().stream('count', 1)
    await turn()
    await turn()
    process.off('unhandledRejection', hear)
    await assert.rejects(Array.fromAsync(stream), { code: 'ERR_PAGENT_CLOSED' })
    assert.deepEqual(unhandled, [], 'a rejection that ends most programs')
  })

  story('of a stream that nobody reads after all is not in flight for ever', async (master) => {
    const worker = master.getWorker('w')
    const started = worker.start(process.execPath, SERVES, { framing: jsonRpc() })
    const rpc = worker.rpc({ maxInFlight: 1 })
    await rpc.stream('count')[Symbol.asyncIterator]().return?.()
    await started
    assert.equal(await rpc.call('echo', 1), 1)
  })

  story(
    'in the wait before a restart is told of the exit; the next life is called by the same client',
    async (master) => {
      const { worker, rpc } = await serving(master, {
        restart: 'permanent',
        backoff: { min: 300, max: 300, jitter: 0 },
      })
      worker.kill()
      await worker.exited
      await eventually(() => worker.state === 'backoff', 1000, 'it waits')
      assert.equal((await exitOf(rpc.call('echo', 1))).incarnation, 1)
      await assert.rejects(rpc.notify('echo', 1), { code: /ERR_PAGENT_(CLOSED|EXIT)/ })
      assert.equal(await rpc.with({ onDeath: 'retry' }).call('echo', 2), 2)
      assert.equal(worker.incarnation, 2)
      assert.equal(await rpc.call('echo', 3), 3)
    },
  )

  story('that is the first one, after the end of a life, is told of the exit as any other', async (master) => {
    const spec = { framing: jsonRpc(), restart: 'permanent', backoff: { min: 300, max: 300, jitter: 0 } } as const
    const worker = await master.getWorker('w').start(process.execPath, SERVES, spec)
    worker.kill()
    await worker.exited
    await eventually(() => worker.state === 'backoff', 1000, 'it waits')
    const rpc = worker.rpc()
    assert.equal((await exitOf(rpc.call('echo', 1))).incarnation, 1)
    assert.equal(await rpc.with({ onDeath: 'retry' }).call('echo', 2), 2)
  })

  story('under a supervisor goes on across a restart', async (master) => {
    const child = freeWorker('w', process.execPath, SERVES, { framing: jsonRpc(), backoff: FAST })
    await master.supervise({ id: 'app', children: [child], intensity: { restarts: 10 } })
    const rpc = child.rpc()
    const first = await rpc.call('pid')
    const [plain, retried] = [exitOf(rpc.call('never')), rpc.with({ onDeath: 'retry' }).call('late', 200, 'answer')]
    await pause(20)
    child.kill()
    assert.equal((await plain).kind, 'signaled')
    assert.equal(await retried, 'answer')
    assert.notEqual(await rpc.call('pid'), first)
    await master.stop()
    await exitOf(rpc.call('echo', 1))
  })

  story('and ten thousand more leave nothing behind', async (master) => {
    const { rpc } = await serving(master)
    const round = async (): Promise<void> => {
      const patient = rpc.with({ timeout: '1m', signal: new AbortController().signal })
      for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 50 }, (_, n) => patient.call('echo', n)))
    }
    await round()
    if (!canMeasureMemory) return
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    await round()
    globalThis.gc?.()
    const grown = process.memoryUsage().heapUsed - before
    assert.ok(grown < MIB, `${grown} bytes more after 5,000 calls`)
  })
})
