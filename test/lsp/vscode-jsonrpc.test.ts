/** Our calls against vscode-jsonrpc's, both ways: its server called by us, its client calling a worker of ours. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  CancellationTokenSource,
  type MessageConnection,
  MessageReader,
  MessageWriter,
  type NotificationMessage,
  createMessageConnection,
} from 'vscode-jsonrpc/node'
import {
  type Master,
  type RpcClient,
  type Worker,
  type WorkerRpcOptions,
  contentLength,
  memoryChannels,
} from '../../src/index.ts'
import { messageStreams } from '../../src/lsp/index.ts'
import { settled } from '../support/fake-clock.ts'
import { stretched } from '../support/scale.ts'
import { story } from '../support/story.ts'

const PATIENCE = { timeout: stretched(60_000) }
const path = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

async function theirServer(master: Master, options: WorkerRpcOptions = {}): Promise<RpcClient> {
  const server = await master
    .getWorker('theirs')
    .start(process.execPath, [path('vscode-jsonrpc-server.mjs')], { framing: contentLength() })
  return server.rpc({ params: 'by-name', ...options })
}

void describe('a server of vscode-jsonrpc, called by us', PATIENCE, () => {
  story('gets objects as they are, lists as arguments, and nothing where there is nothing', async (master) => {
    const client = await theirServer(master)
    for (const params of [{ a: { b: [1, 'zwei', null] } }, { text: 'ä€😀'.repeat(20_000) }])
      assert.deepEqual(await client.call('test/echo', params), params)
    assert.equal(await client.call('test/echo', ['first', 2]), 'first')
    assert.equal(await client.remote['shutdown'](), null)
    await client.notify('test/note', { n: 1 })
    await client.notify('test/note')
    assert.equal((await client.call('test/heard')).length, 2)
  })

  story('answers with its own errors', async (master) => {
    const client = await theirServer(master)
    const error = await client.call('test/fails').catch((thrown: unknown) => thrown as any)
    assert.deepEqual([error.rpcCode, error.data], [-32_099, { detail: 7 }])
    assert.match(error.message, /test\/fails failed in worker "theirs": on purpose/)
    await assert.rejects(client.call('test/unknown'), { rpcCode: -32_601 })
  })

  story('calls back, and hears our errors', async (master) => {
    const serve = {
      'workspace/applyEdit': ({ label }: { label: string }) => ({ applied: label === 'rename' }),
      fails: () => {
        throw Object.assign(new Error('read-only'), { code: -32_803 })
      },
    }
    const client = await theirServer(master, { serve })
    const asked = (method: string, params?: object): Promise<any> => client.call('test/ask', { method, params })
    assert.deepEqual(await asked('workspace/applyEdit', { label: 'rename' }), { result: { applied: true } })
    assert.deepEqual(await asked('fails'), { code: -32_803, message: 'read-only' })
    assert.equal((await asked('unknown')).code, -32_601)
  })

  story('has a progress of its own: that is for who serves it', async (master) => {
    const heard: unknown[] = []
    const client = await theirServer(master, { serve: { '$/progress': (params: unknown) => void heard.push(params) } })
    await client.call('test/progress', { token: 'one' })
    assert.deepEqual(heard, [{ token: 'one', value: { kind: 'begin', title: 'indexing' } }])
  })

  story('hears of a cancellation', async (master) => {
    const client = await theirServer(master, { cancelGrace: Infinity })
    await assert.rejects(client.with({ signal: AbortSignal.abort() }).call('test/never'), { name: 'AbortError' })
    const stop = new AbortController()
    const open = client.with({ signal: stop.signal }).call('test/never', {})
    await client.call('test/echo', {})
    stop.abort()
    await assert.rejects(open, { name: 'AbortError' })
    assert.deepEqual(await client.call('test/cancelled'), ['test/never'])
  })
})

const methodOf = (message: unknown): string => (message as NotificationMessage).method

interface Connected {
  readonly connection: MessageConnection
  readonly worker: Worker<any, any>
}

async function connected(master: Master): Promise<Connected> {
  const args = ['--disable-warning=ExperimentalWarning', path('serves-content-length.ts')]
  const worker = await master.getWorker('ours').start(process.execPath, args, { framing: contentLength<any>() })
  const { reader, writer } = messageStreams(worker)
  const connection = createMessageConnection(reader, writer)
  connection.listen()
  return { connection, worker }
}

void describe('a client of vscode-jsonrpc', PATIENCE, () => {
  story('calls a worker of ours', async (master) => {
    const { connection } = await connected(master)
    assert.equal(await connection.sendRequest('add', { a: 1, b: 2 }), 3)
    await assert.rejects(connection.sendRequest('fails', {}), { code: -32_000, message: 'on purpose' })
    await assert.rejects(connection.sendRequest('unknown', {}), { code: -32_601 })
    const cancel = new CancellationTokenSource()
    const open = connection.sendRequest('untilCancelled', {}, cancel.token)
    await connection.sendRequest('add', { a: 1, b: 2 })
    cancel.cancel()
    assert.equal(await open, 'cancelled')
    connection.dispose()
  })

  story('hears when the worker ends, and connects to its next life anew', async (master) => {
    const { connection, worker } = await connected(master)
    const closed = new Promise<void>((resolve) => connection.onClose(resolve))
    worker.kill('SIGKILL')
    await closed
    await worker.exited
    assert.throws(() => connection.sendRequest('add', { a: 1, b: 2 }), /closed|disposed/i)
    await worker.start()
    const { reader, writer } = messageStreams(worker)
    const next = createMessageConnection(reader, writer)
    next.listen()
    assert.equal(await next.sendRequest('add', { a: 2, b: 3 }), 5)
    next.end()
    assert.equal((await worker.exited).kind, 'normal')
  })

  story('hears what breaks the stream, and what cannot be written', async () => {
    const [here, there] = memoryChannels<any>()
    const { reader, writer } = messageStreams(here)
    assert.ok(MessageReader.is(reader) && MessageWriter.is(writer))
    const events: string[] = []
    reader.onClose(() => events.push('closed'))
    const subscription = reader.onClose(() => events.push('disposed'))
    writer.onError(([error, message, count]) => events.push(`${(error as any).code} ${methodOf(message)} ${count}`))
    reader.listen((message) => events.push(methodOf(message)))
    subscription.dispose()
    await there.send({ jsonrpc: '2.0', method: 'one' })
    await there.end()
    writer.end()
    await assert.rejects(writer.write({ jsonrpc: '2.0', method: 'late' } as NotificationMessage))
    await new Promise(setImmediate)
    assert.deepEqual(events.toSorted(), ['ERR_PAGENT_CLOSED late 1', 'closed', 'one'])
  })
  story('takes no message for a listener that was let go', async () => {
    const [here, there] = memoryChannels<string>(10)
    const { reader } = messageStreams(there)
    const heard: string[] = []
    const hears = (name: string) => (message: string) => void heard.push(`${name} ${message}`)
    await here.send('there already')
    reader.listen(hears('first')).dispose()
    const second = reader.listen(hears('second'))
    await settled()
    second.dispose()
    await settled()
    await here.send('next')
    await settled()
    const third = reader.listen((message) => {
      third.dispose()
      hears('third')(message)
    })
    await here.send('last')
    await settled()
    reader.listen(hears('fourth'))
    await settled()
    assert.deepEqual(heard, ['second there already', 'third next', 'fourth last'])
  })
})
