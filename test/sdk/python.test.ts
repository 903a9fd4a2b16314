/** `sdks/python/pagent.py`, in real processes. */
import assert from 'node:assert/strict'
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Master, type RpcError, type WorkerRpcOptions, jsonRpc } from '../../src/index.ts'
import { eventually } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { storyUnless } from '../support/trees.ts'
import { type RawWorker, needsPython, pythonFixture, withWorker } from './fixtures/raw-worker.ts'

/** What the fixture tells of its streams. */
interface Streamed {
  readonly made: number
  readonly closed: number
}

const NEVER = new Promise<never>(() => {})

function story(title: string, tell: (master: Master) => Promise<void>): void {
  storyUnless(needsPython, title, tell)
}

/** A test of the worker alone. */
function raw(title: string, tell: (worker: RawWorker) => Promise<void>, threads = '6'): void {
  void test(title, { skip: needsPython }, () => withWorker(pythonFixture('served.py', threads), tell))
}

async function start(master: Master, options: WorkerRpcOptions = {}, fixture = 'served.py', ...more: string[]) {
  const [file, ...args] = pythonFixture(fixture, ...more)
  const worker = await master.getWorker('python').start(file, args, { framing: jsonRpc() })
  return { worker, rpc: worker.rpc(options) }
}

raw('what is printed goes to stderr, by whatever way', async (worker) => {
  worker.call(1, 'print', 'for people')
  assert.equal((await worker.next()).result, 10)
  await worker.says(/^(?:for people\n){4}$/)
  await worker.finish()
})

raw('calls that run when stdin ends are answered, in their time, and the exit is 0', async (worker) => {
  worker.call(1, 'slow', 800, 'third')
  worker.call(2, 'slow', 400, 'second')
  worker.call(3, 'slow_async', 10, 'first')
  worker.end()
  for (const result of ['first', 'second', 'third']) assert.equal((await worker.next()).result, result)
  assert.equal(await worker.exit(), 'exit 0')
  assert.equal(worker.stderr, 'served\n')
})

raw('a last line without its newline is taken', async (worker) => {
  worker.child.stdin.end('{"jsonrpc":"2.0","id":1,"method":"echo","params":["ü"]}')
  assert.equal((await worker.next()).result, 'ü')
  assert.equal(await worker.exit(), 'exit 0')
})

raw('an answer of a megabyte leaves before the exit, though nobody reads at first', async (worker) => {
  worker.child.stdout.pause()
  worker.call(1, 'big', 1_000_000)
  worker.call(2, 'slow_async', 50, 'x'.repeat(100_000))
  worker.end()
  await pause(300)
  worker.child.stdout.resume()
  const lengths = [(await worker.next()).result.length, (await worker.next()).result.length]
  assert.deepEqual(
    lengths.toSorted((a, b) => b - a),
    [1_000_000, 100_000],
  )
  assert.equal(await worker.exit(), 'exit 0')
})

raw('what cannot be answered is an error: too long, no JSON, NaN', async (worker) => {
  const ask = async (method: string, ...params: unknown[]): Promise<any> => {
    worker.call(1, method, ...params)
    return worker.next()
  }
  assert.match((await ask('big', 2 ** 20)).error.message, /a message of 10486\d\d bytes is too long: 1048576/)
  assert.match((await ask('unsayable')).error.message, /set is not JSON serializable/)
  assert.match((await ask('nan')).error.message, /not JSON compliant/)
  assert.equal((await ask('half')).result, '\uD800')
  assert.equal((await ask('nothing')).result, null)
  assert.equal((await ask('echo', 2 ** 53)).result, 2 ** 53)
  await worker.finish()
})

raw('method names are data', async (worker) => {
  const ask = async (method: string): Promise<unknown> => {
    worker.call(1, method)
    const { result, error } = await worker.next()
    return error?.code ?? result
  }
  for (const name of ['then', 'constructor', '__proto__']) assert.equal(await ask(name), name)
  for (const name of ['__class__', 'keys', 'items', 'toString', '', 'echo ', '$/echo', '\uD800'])
    assert.equal(await ask(name), -32_601, name)
  await worker.finish()
})

raw('arguments that come by name are keyword arguments', async (worker) => {
  worker.send({ jsonrpc: '2.0', id: 1, method: 'named', params: { a: 1, b: [2] } })
  assert.deepEqual((await worker.next()).result, { a: 1, b: [2] })
  worker.call(2, 'echo', 1, 2)
  assert.equal((await worker.next()).error.data.name, 'TypeError')
  await worker.finish()
})

raw('JSON that is no message is told of and passed over', async (worker) => {
  const garbage = ['42', '"text"', 'null', '{}', '[]', '[[]]', '{"id":1,"method":7}', '{"id":[],"method":"echo"}']
  for (const line of [...garbage, '{"id":true,"method":"echo"}']) worker.send(line)
  worker.send('{"jsonrpc":"2.0","id":99,"result":1}')
  worker.note('$/credit', { id: [], more: 1 })
  worker.note('$/cancelRequest', [])
  worker.note('$/item', { id: 99, value: 1 })
  worker.stream(7, 'x', 'endless')
  assert.equal((await worker.next()).error.code, -32_600)
  worker.send('\r\n  \n')
  worker.call('ok', 'echo', 'still here')
  assert.deepEqual(await worker.next(), { jsonrpc: '2.0', id: 'ok', result: 'still here' })
  await worker.says(/(?:no JSON-RPC message[^]*){9}what was not asked[^]*$/)
  await worker.finish()
})

for (const garbage of ['this is no JSON', '{"a":NaN}', '[', 'x'.repeat(2 ** 20 + 1)]) {
  raw(`a line that is no JSON ends it: ${garbage.slice(0, 20)}`, async (worker) => {
    worker.call(1, 'slow', 50, 'answered')
    worker.send(garbage)
    worker.call(2, 'echo', 'never')
    assert.equal((await worker.next()).result, 'answered')
    assert.equal(await worker.exit(), 'exit 1')
    assert.match(worker.stderr, /the master has sent a line (?:that is not JSON|longer than 1048576 bytes)/)
    assert.deepEqual(worker.lines, [])
  })
}

raw('what is nested too deeply is refused, and the worker serves on', async (worker) => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  worker.send(deep)
  worker.send(`{"jsonrpc":"2.0","id":1,"method":"echo","params":[${deep}]}`)
  assert.equal((await worker.next()).error.code, -32_600)
  worker.call(2, 'echo', 'still here')
  assert.equal((await worker.next()).result, 'still here')
  await worker.finish()
})

raw('a call with the id of one that runs is refused', async (worker) => {
  worker.call(1, 'slow', 500, 'first')
  worker.call(1, 'echo', 'second')
  assert.equal((await worker.next()).error.code, -32_600)
  assert.equal((await worker.next()).result, 'first')
  await worker.finish()
})

raw(
  'slow functions hold nobody up: answers of others leave, and what waits is run by other threads',
  async (worker) => {
    worker.child.stdin.cork()
    worker.call(1, 'echo', 'quick')
    for (let id = 2; id <= 5; id++) worker.call(id, 'slow', 1000, id)
    worker.call(6, 'slow_async', 1, 'async')
    worker.child.stdin.uncork()
    assert.deepEqual(new Set([(await worker.next()).result, (await worker.next()).result]), new Set(['quick', 'async']))
    for (let i = 2; i <= 5; i++) await worker.next()
    worker.call(9, 'most')
    assert.equal((await worker.next()).result, 4)
    await worker.finish()
  },
)

raw(
  'with one thread functions run one after the other, in order, and answers do not wait for the next',
  async (worker) => {
    worker.child.stdin.cork()
    worker.call(1, 'echo', 'quick')
    for (let id = 2; id <= 4; id++) worker.call(id, 'slow', 100, id)
    worker.child.stdin.uncork()
    for (let id = 1; id <= 4; id++) assert.equal((await worker.next()).id, id)
    worker.call(9, 'most')
    assert.equal((await worker.next()).result, 1)
    worker.call(10, 'slow', 60_000, 'never')
    worker.call(11, 'echo', 'waits')
    worker.cancel(11)
    const { id, error } = await worker.next()
    assert.deepEqual([id, error.code], [11, -32_800])
    worker.call(12, 'slow_async', 1, 'does not')
    assert.equal((await worker.next()).result, 'does not')
  },
  '1',
)

for (const method of ['until_cancelled', 'until_cancelled_async', 'spin']) {
  raw(`${method} hears of its cancellation`, async (worker) => {
    worker.call(1, method)
    worker.call(2, 'slow_async', 50, 'done')
    await worker.next()
    worker.cancel(1)
    assert.equal((await worker.next()).error.code, -32_800)
    worker.call(3, method)
    worker.cancel(3)
    assert.equal((await worker.next()).error.code, -32_800)
    if (method !== 'spin') await worker.says(/was cancelled True\n/)
    await worker.finish()
  })
}

for (const method of ['endless', 'endless_async']) {
  story(`a slow reader slows ${method}, and one that leaves ends it`, async (master) => {
    const { rpc } = await start(master)
    const items = rpc.stream(method)[Symbol.asyncIterator]()
    for (let i = 1; i <= 10; i++) assert.deepEqual(await items.next(), { done: false, value: i })
    await pause(100)
    const { made } = (await rpc.call('streamed')) as Streamed
    assert.ok(made <= 10 + 64 + 32, `made ${made} items for a reader of 10`)
    await items.return?.()
    while (((await rpc.call('streamed')) as Streamed).closed === 0) await pause(5)
    assert.equal(((await rpc.call('streamed')) as Streamed).made, made)
  })

  raw(`${method} that waits for credit is ended by the end of stdin`, async (worker) => {
    worker.stream(1, 2, method)
    assert.equal((await worker.next()).params.value, 1)
    assert.equal((await worker.next()).params.value, 2)
    worker.end()
    assert.equal((await worker.next()).error.code, -32_800)
    assert.equal(await worker.exit(), 'exit 0')
  })
}

raw('more streams wait for credit than there are threads, and calls go on', async (worker) => {
  for (let id = 1; id <= 20; id++) worker.stream(id, 1, 'endless')
  for (let id = 1; id <= 20; id++) assert.equal((await worker.next()).method, '$/item')
  worker.call(21, 'echo', 'goes on')
  assert.equal((await worker.next()).result, 'goes on')
  for (let id = 1; id <= 20; id++) worker.cancel(id)
  for (let id = 1; id <= 20; id++) assert.equal((await worker.next()).result, null)
  worker.call(22, 'streamed')
  assert.equal((await worker.next()).result.closed, 20)
  await worker.finish()
})

raw('a stream that breaks ends with its error', async (worker) => {
  for (const method of ['breaks', 'breaks_async']) {
    worker.stream(1, 8, method)
    assert.equal((await worker.next()).params.value, 1)
    const { error } = await worker.next()
    assert.deepEqual([error.code, error.message, error.data.name], [-32_000, 'broke', 'ValueError'])
  }
  await worker.finish()
})

story('an error arrives with its name, code, data and traceback', async (master) => {
  const { rpc } = await start(master)
  await assert.rejects(rpc.call('open', '/no/such/file'), (error: RpcError) => {
    assert.equal(error.rpcCode, -32_000)
    assert.match(error.message, /No such file/)
    assert.match(error.remoteStack ?? '', /^Traceback [^]*served\.py[^]*FileNotFoundError/)
    assert.doesNotMatch(error.remoteStack ?? '', /pagent\.py/)
    assert.deepEqual({ ...(error.data as object), stack: '' }, { name: 'FileNotFoundError', stack: '', code: 'ENOENT' })
    return true
  })
  await assert.rejects(rpc.call('throws', 'own'), (error: RpcError) => {
    assert.equal(error.rpcCode, 4000)
    assert.deepEqual({ ...(error.data as object), stack: '' }, { name: 'Error', stack: '', data: { path: '/' } })
    return true
  })
  await assert.rejects(rpc.call('unshowable'), /an error that cannot be shown/)
  await assert.rejects(rpc.call('die'), /die failed in worker "python": 3/)
  assert.equal(await rpc.call('echo', 'lives'), 'lives')
})

for (const [method, threads] of [
  ['descend', '1'],
  ['descend_async', '6'],
] as const) {
  story(`calls back and forth, to the ground and back: ${method} with ${threads} threads`, async (master) => {
    const [file, ...args] = pythonFixture('served.py', threads)
    const worker = await master.getWorker('python').start(file, args, { framing: jsonRpc() })
    const rpc = worker.rpc({
      serve: { descend: (depth: number) => (depth === 0 ? 'bottom' : rpc.call(method, depth - 1)) },
    })
    assert.equal(await rpc.call(method, 20), 'ground')
    assert.equal(await rpc.call(method, 21), 'bottom')
    const many = await Promise.all(Array.from({ length: 10 }, (_, i) => rpc.call(method, 4 + (i % 2))))
    assert.deepEqual(new Set(many), new Set(['ground', 'bottom']))
  })
}

story('a call to the master: its error, its time, its cancellation', async (master) => {
  let cancelled = 0
  const { rpc } = await start(master, {
    serve: {
      never: () => NEVER,
      refuse: () => {
        throw new RangeError('not today')
      },
      async *numbers() {
        try {
          for (let i = 1; ; i++) yield i
        } finally {
          cancelled++
        }
      },
    },
  })
  await assert.rejects(rpc.call('ask', 'refuse'), /not today/)
  await assert.rejects(rpc.call('ask', 'nobody'), /there is no method "nobody"/)
  for (const method of ['ask_in_time', 'ask_in_time_async'])
    await assert.rejects(rpc.call(method, 0.05, 'never'), { message: /no answer within 0\.05 s/ })
  await assert.rejects(rpc.call('ask_wrongly', 'never'), /use master\.call_async\(\) instead of call\(\)/)
  await assert.rejects(rpc.with({ timeout: 50 }).call('ask', 'never'), { code: 'ERR_PAGENT_TIMEOUT' })
  for (const method of ['read_slowly', 'read_slowly_async']) assert.equal(await rpc.call(method, 'numbers', 100), 100)
  await eventually(() => cancelled === 2, stretched(5000), 'both streams are left')
})

raw('a call to the master that is not answered fails at the end of stdin', async (worker) => {
  worker.call(1, 'ask', 'slow')
  assert.equal((await worker.next()).method, 'slow')
  worker.end()
  assert.match((await worker.next()).error.message, /the master has closed stdin/)
  assert.equal(await worker.exit(), 'exit 0')
})

raw('nobody serves twice, or asks before', async (worker) => {
  worker.call(1, 'serve_twice')
  assert.match((await worker.next()).error.message, /Cannot serve twice/)
  worker.call(2, 'asked_before')
  const [call, master] = (await worker.next()).result
  assert.match(call, /Cannot tell the current call/)
  assert.match(master, /Cannot call the master: serve\(\) first/)
  await worker.finish()
})

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  raw(`${signal} cancels what runs, and ends it with ${code}, without a traceback`, async (worker) => {
    worker.call(1, 'until_cancelled')
    worker.call(2, 'until_cancelled_async')
    worker.call(3, 'slow', 30_000, 'never')
    worker.call(4, 'slow_async', 50, 'done')
    await worker.next()
    worker.kill(signal)
    const codes = [(await worker.next()).error.code, (await worker.next()).error.code]
    assert.deepEqual(codes, [-32_800, -32_800])
    assert.equal(await worker.exit(), `exit ${code}`)
    assert.doesNotMatch(worker.stderr, /Traceback/)
  })
}

raw('a reader of stdout that is gone ends nothing but the answers', async (worker) => {
  worker.call(1, 'echo', 1)
  await worker.next()
  worker.child.stdout.destroy()
  worker.call(2, 'print', 'still served')
  await worker.says(/(?:still served\n){4}/)
  worker.call(3, 'big', 200_000)
  worker.end()
  assert.equal(await worker.exit(), 'exit 0')
})

story('ten thousand calls at once are answered, each with its own', async (master) => {
  const { worker, rpc } = await start(master)
  const answers = await Promise.all(Array.from({ length: 10_000 }, (_, i) => rpc.call('echo', i)))
  assert.deepEqual(
    answers,
    answers.map((_, i) => i),
  )
  await worker.end()
  assert.equal((await worker.exited).kind, 'normal')
})

story('answers that are large and many do not stand in the way of the requests', async (master) => {
  const { rpc } = await start(master)
  const text = 'x'.repeat(65_536)
  const answers = await Promise.all(Array.from({ length: 200 }, () => rpc.call('echo', text)))
  assert.ok(answers.every((answer) => answer === text))
})

story('a warm model: loaded once, its state is kept between calls, and words stream', async (master) => {
  const { worker, rpc } = await start(master, {}, 'model.py')
  assert.equal(await rpc.call('learn', 'the cat sat on the mat and the cat slept'), 6)
  assert.equal(await rpc.call('learn', 'slept well'), 7)
  const words: string[] = []
  for await (const word of rpc.stream('write', 'cat', 4)) words.push(word)
  assert.deepEqual(words, ['cat', 'sat', 'on', 'the'])
  assert.equal(await rpc.call('loads'), 1)
  for (const name of ['_secret', '_weights', 'danger', '__init__', '__class__'])
    await assert.rejects(rpc.call(name), { rpcCode: -32_601 })
  const pid = worker.pid
  await worker.end()
  const exit = await worker.exited
  assert.deepEqual([exit.kind, exit.pid, exit.stderrTail], ['normal', pid, 'loading …\n'])
})

story('a module serves its own functions, and none that it has imported', async (master) => {
  const { rpc } = await start(master, {}, 'as_module.py')
  assert.equal(await rpc.call('greet', 'you'), 'hello you')
  for (const name of ['_secret', 'run', 'sleep', 'os', 'pagent'])
    await assert.rejects(rpc.call(name), { rpcCode: -32_601 })
})

const sdk = new URL('../../sdks/python/', import.meta.url)

test('the quick start of its README runs', { skip: needsPython }, async (t) => {
  const readme = readFileSync(new URL('README.md', sdk), 'utf8')
  const folder = mkdtempSync(join(tmpdir(), 'pagent-python-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [, worker = ''] = /```python worker\.py\n([^]*?)```/.exec(readme) ?? []
  writeFileSync(join(folder, 'pagent.py'), readFileSync(new URL('pagent.py', sdk)))
  writeFileSync(join(folder, 'worker.py'), worker)
  await withWorker(['python3', join(folder, 'worker.py')], async (python) => {
    python.call(1, 'add', 1, 2)
    assert.equal((await python.next()).result, 3)
    python.stream(2, 64, 'count', 3)
    for (let i = 1; i <= 3; i++) assert.equal((await python.next()).params.value, i)
    assert.equal((await python.next()).result, null)
    await python.finish()
  })
})
