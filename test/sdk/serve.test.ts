/** `pagent/worker`, in real processes: what a worker is promised, and what its master is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Master, type RpcError, type WorkerRpcOptions, jsonRpc } from '../../src/index.ts'
import { eventually } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { story } from '../support/story.ts'
import { nodeFixture, withWorker } from './fixtures/raw-worker.ts'

/** What the fixture tells of its streams. */
interface Streamed {
  readonly made: number
  readonly closed: number
}

const served = nodeFixture('served.ts')

async function start(master: Master, options: WorkerRpcOptions = {}) {
  const [file, ...args] = served
  const worker = await master.getWorker('served').start(file, args, { framing: jsonRpc() })
  return { worker, rpc: worker.rpc(options) }
}

test('what is printed goes to stderr', async () => {
  await withWorker(served, async (worker) => {
    worker.call(1, 'print', 'to be read by people')
    assert.equal((await worker.next()).result, 20)
    await worker.says(/^(?:to be read by people\n){2}[^]*'to be read by people'\nto be read by people\n$/)
    await worker.finish()
  })
})

test('what is printed before it serves goes to stderr, when it says so', async () => {
  const program = `
    import { captureConsole, serve } from '${import.meta.resolve('../../src/sdk/index.ts')}'
    console.log('before')
    captureConsole()
    console.log('connecting')
    process.stdout.write('still connecting\\n')
    await serve({ add: (a, b) => a + b })`
  await withWorker([process.execPath, '--input-type=module', '-e', program], async (worker) => {
    await worker.says(/^connecting\nstill connecting\n$/)
    worker.call(1, 'add', 1, 2)
    // The import alone has left the console as it was.
    await worker.until(() => worker.lines.length === 2, 'it answers')
    assert.equal(worker.lines.shift(), 'before')
    assert.equal((await worker.next()).result, 3)
    await worker.finish()
  })
})

story('a worker that prints where its messages belong ends, and the error says where to print', async (master) => {
  const program = `console.log('connecting'); setInterval(() => {}, 1000)`
  const worker = await master.getWorker('w').start(process.execPath, ['-e', program], { framing: jsonRpc() })
  await assert.rejects(worker.rpc().call('add', 1, 2), {
    code: 'ERR_PAGENT_EXIT',
    message: /a line is not JSON: "connecting" \(stdout belongs to the messages: what is for people goes to stderr\)/,
  })
})

test('calls that run when stdin ends are answered, in their time, and the exit is 0', async () => {
  await withWorker(served, async (worker) => {
    worker.call(1, 'slow', 200, 'second')
    worker.call(2, 'slow', 100, 'first')
    worker.end()
    assert.deepEqual([(await worker.next()).result, (await worker.next()).result], ['first', 'second'])
    assert.equal(await worker.exit(), 'exit 0')
    assert.match(worker.stderr, /served\n$/)
  })
})

test('an answer of a megabyte leaves before the exit, though nobody reads at first', async () => {
  await withWorker(served, async (worker) => {
    worker.child.stdout.pause()
    worker.call(1, 'big', 1_000_000)
    worker.call(2, 'slow', 50, 'x'.repeat(100_000))
    worker.end()
    await pause(300)
    worker.child.stdout.resume()
    assert.equal((await worker.next()).result.length, 1_000_000)
    assert.equal((await worker.next()).result.length, 100_000)
    assert.equal(await worker.exit(), 'exit 0')
  })
})

test('method names are data: what is served under a strange name is found, and nothing else', async () => {
  await withWorker(served, async (worker) => {
    const ask = async (method: string): Promise<unknown> => {
      worker.call(1, method)
      const { result, error } = await worker.next()
      return error?.code ?? result
    }
    for (const name of ['then', 'constructor', '__proto__']) assert.equal(await ask(name), name)
    for (const name of ['inherited', '__defineGetter__', 'toString', 'hasOwnProperty', '', 'echo\n', 'Echo', '$/echo'])
      assert.equal(await ask(name), -32_601, name)
    await worker.finish()
  })
})

story('strange names reach through the client, and back to the master', async (master) => {
  const serve = Object.fromEntries(
    ['then', 'constructor', '__proto__'].map((name) => [name, (value: unknown) => [name, value]]),
  )
  const { rpc } = await start(master, { serve })
  assert.equal(await rpc.call('then'), 'then')
  assert.equal(await rpc.remote.constructor(), 'constructor')
  for (const name of Object.keys(serve)) assert.deepEqual(await rpc.call('ask', name, 7), [name, 7])
  await assert.rejects(rpc.call('ask', 'toString'), /there is no method "toString"/)
  assert.equal(await rpc.call('__proto__'), '__proto__')
})

story('an error arrives with its name, code, data and stack', async (master) => {
  const { rpc } = await start(master)
  await assert.rejects(rpc.call('throws', 'PaperError', 'out of paper'), (error: RpcError) => {
    assert.match(error.message, /throws failed in worker "served": out of paper/)
    assert.equal(error.rpcCode, -32_000)
    assert.match(error.remoteStack ?? '', /served\.ts/)
    assert.deepEqual(
      { ...(error.data as object), stack: '' },
      { name: 'PaperError', stack: '', code: 'ENOENT', data: { path: '/' } },
    )
    return true
  })
  await assert.rejects(rpc.call('unsayable'), /BigInt/)
  assert.equal(await rpc.call('nothing'), null)
})

test('JSON that is no message is told of and passed over', async () => {
  await withWorker(served, async (worker) => {
    for (const garbage of [
      '42',
      '"text"',
      'null',
      '{}',
      '[]',
      '[[]]',
      '{"id":1,"method":7}',
      '{"id":[],"method":"echo"}',
    ])
      worker.send(garbage)
    worker.send('{"jsonrpc":"2.0","id":99,"result":1}')
    worker.send('{"jsonrpc":"2.0","id":98,"error":null}')
    worker.send('\r\n  \n')
    worker.call('ok', 'echo', 'still here')
    assert.deepEqual(await worker.next(), { jsonrpc: '2.0', id: 'ok', result: 'still here' })
    await worker.says(/(?:no JSON-RPC message[^]*){8}(?:what was not asked[^]*){2}$/)
    await worker.finish()
  })
})

test('what follows a line that is not JSON is not taken', async () => {
  await withWorker(served, async (worker) => {
    worker.call(1, 'slow', 50, 'answered')
    worker.send('this is no JSON')
    worker.call(2, 'echo', 'never')
    assert.equal((await worker.next()).result, 'answered')
    worker.end()
    assert.match(await worker.exit(), /^exit/)
    assert.deepEqual(worker.lines, [])
  })
})

story('a call of a call of a call, to the ground and back', async (master) => {
  const { rpc } = await start(master, {
    serve: { descend: (depth: number) => (depth === 0 ? 'bottom' : rpc.call('descend', depth - 1)) },
  })
  assert.equal(await rpc.call('descend', 50), 'ground')
  assert.equal(await rpc.call('descend', 51), 'bottom')
  const many = await Promise.all(Array.from({ length: 50 }, (_, i) => rpc.call('descend', 10 + (i % 2))))
  assert.deepEqual(new Set(many), new Set(['ground', 'bottom']))
})

story('a cancelled call hears of it, and the worker works on', async (master) => {
  const { worker, rpc } = await start(master)
  const signal = AbortSignal.timeout(50)
  await assert.rejects(rpc.with({ signal }).call('untilCancelled'), { name: 'TimeoutError' })
  await assert.rejects(rpc.with({ timeout: 50 }).call('untilCancelled'), { code: 'ERR_PAGENT_TIMEOUT' })
  assert.equal(await rpc.call('echo', 1), 1)
  await eventually(() => worker.tail.stderr.includes('was cancelled\nwas cancelled\n'), stretched(5000), 'it hears')
  await worker.end()
  assert.equal((await worker.exited).kind, 'normal')
})

story('a slow reader slows the stream, and one that leaves ends it', async (master) => {
  const { rpc } = await start(master)
  const items = rpc.stream('endless')[Symbol.asyncIterator]()
  for (let i = 1; i <= 10; i++) assert.deepEqual(await items.next(), { done: false, value: i })
  await pause(100)
  const { made } = (await rpc.call('streamed')) as Streamed
  assert.ok(made <= 10 + 64 + 32, `made ${made} items for a reader of 10`)
  await items.return?.()
  while (((await rpc.call('streamed')) as Streamed).closed === 0) await pause(5)
  assert.equal(((await rpc.call('streamed')) as Streamed).made, made)
})

story('a worker reads a stream of its master, slowly, and leaves', async (master) => {
  let made = 0
  let closed = false
  const { rpc } = await start(master, {
    serve: {
      async *numbers() {
        try {
          for (;;) yield ++made
        } finally {
          closed = true
        }
      },
    },
  })
  assert.equal(await rpc.call('readSlowly', 'numbers', 100), 100)
  await eventually(() => closed, stretched(5000), 'the stream is closed')
  assert.ok(made <= 100 + 64 + 32, `made ${made} items for a reader of 100`)
})

story('nobody serves twice, or has a master before', async (master) => {
  const { rpc } = await start(master)
  await assert.rejects(rpc.call('serveTwice'), /Cannot serve twice: one process has one stdin/)
  assert.equal(await rpc.call('beforeServe'), 'Cannot call the master: serve() first')
  assert.equal(await rpc.call('echo', 'and serves on'), 'and serves on')
})

test('a reader of stdout that is gone ends nothing but the answers', async () => {
  await withWorker(served, async (worker) => {
    worker.call(1, 'echo', 1)
    await worker.next()
    worker.child.stdout.destroy()
    worker.call(2, 'print', 'still served')
    await worker.says(/still served/)
    worker.call(3, 'big', 200_000)
    worker.end()
    assert.equal(await worker.exit(), 'exit 0')
  })
})

story('much in both directions at once comes to no standstill', async (master) => {
  const { rpc } = await start(master)
  const text = 'x'.repeat(65_536)
  const answers = await Promise.all(Array.from({ length: 200 }, () => rpc.call('echo', text)))
  assert.ok(answers.every((answer) => answer === text))
})

story('an answer that is too long fails its call, and nothing else', async (master) => {
  const { rpc } = await start(master)
  await assert.rejects(rpc.call('repeated', 'x', 2 ** 21), { code: 'ERR_PAGENT_RPC', message: /longer than maxLength/ })
  assert.equal(await rpc.call('echo', 1), 1)
})
