/** Real language servers as workers, and misbehaving ones: initialised in each life, bid farewell in the right order. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Worker, WorkerSpec } from '../../src/index.ts'
import { type LanguageServerOptions, languageServer } from '../../src/lsp/index.ts'
import { eventually } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { fixture, story, watch } from '../support/story.ts'

const PATIENCE = { timeout: stretched(120_000) }
const FAST = { min: 1, max: 5 }

const installed = (path: string): string => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url))
const JSON_SERVER = [installed('vscode-langservers-extracted/bin/vscode-json-language-server'), '--stdio']
const TYPESCRIPT_SERVER = [installed('typescript-language-server/lib/cli.mjs'), '--stdio']
const PEER = [fileURLToPath(new URL('fixtures/vscode-jsonrpc-server.mjs', import.meta.url))]

const document = (uri: string, languageId: string, text: string): object => ({
  textDocument: { uri, languageId, version: 1, text },
})

interface Diagnostics {
  readonly uri: string
  readonly diagnostics: readonly { readonly message: string }[]
}

void describe('a language server', PATIENCE, () => {
  story('tells what is wrong with a document, again in its next life', async (master) => {
    const seen: string[] = []
    const spec = languageServer({
      restart: 'transient',
      backoff: FAST,
      serve: {
        'textDocument/publishDiagnostics': ({ diagnostics }: Diagnostics) =>
          void seen.push(...diagnostics.map(({ message }) => message)),
      },
      onInitialized: (client, { capabilities }) => {
        assert.equal(capabilities.hoverProvider, true)
        return client.notify('textDocument/didOpen', document('file:///a.json', 'json', '{"a": 1,, }'))
      },
    })
    const server = await master.getWorker('json').start(process.execPath, JSON_SERVER, spec)
    await eventually(() => seen.length > 0, 20_000, 'a diagnostic')
    assert.deepEqual(seen.splice(0), ['Property expected'])
    server.kill('SIGKILL')
    await server.exited
    await server.ready()
    await eventually(() => seen.length > 0, 20_000, 'a diagnostic of the second life')
    const exit = await server.stop()
    assert.equal(exit.kind === 'stopped' && exit.step, 'farewell')
    assert.equal(exit.kind === 'stopped' && exit.exitCode, 0, 'shutdown came before exit')
  })

  story('asks for its configuration, and is answered', async (master) => {
    const asked: unknown[] = []
    const spec = languageServer({
      initialize: { capabilities: { workspace: { configuration: true } } },
      serve: {
        'client/registerCapability': () => null,
        'workspace/configuration': ({ items }: { items: { section?: string }[] }) => {
          asked.push(...items.map(({ section }) => section))
          return items.map(() => ({ indentWidth: 3 }))
        },
      },
    })
    const server = await master.getWorker('peer').start(process.execPath, PEER, spec)
    const answer = await server.rpc({ params: 'by-name' }).call('test/configuration', { section: 'json' })
    assert.deepEqual(answer, [{ indentWidth: 3 }])
    assert.deepEqual(asked, ['json'])
  })

  story('tells what is below the cursor', async (master) => {
    const spec = languageServer({
      initialize: { initializationOptions: { tsserver: { path: installed('typescript5/lib/tsserver.js') } } },
      onInitialized: (client) =>
        client.notify('textDocument/didOpen', document('file:///tmp/a.ts', 'typescript', 'const answer = 42\n')),
    })
    const server = await master.getWorker('typescript').start(process.execPath, TYPESCRIPT_SERVER, spec)
    const position = { line: 0, character: 8 }
    const hover = await server
      .rpc({ params: 'by-name' })
      .call('textDocument/hover', { textDocument: { uri: 'file:///tmp/a.ts' }, position })
    assert.match(hover.contents.value, /const answer: 42/)
    assert.equal((await server.stop()).kind, 'stopped')
  })
})

function fails(): never {
  throw new Error('of the host')
}

/** A start that fails, and what it says. */
async function failure(worker: Worker, options: LanguageServerOptions, args = PEER): Promise<any> {
  const spec: WorkerSpec<any, any> = languageServer(options)
  return worker.start(process.execPath, args, spec).then(
    () => assert.fail('it has started'),
    (error: unknown) => error,
  )
}

void describe('a language server that misbehaves', PATIENCE, () => {
  story('never answers initialize: it is ended as not ready', async (master) => {
    const spec = languageServer({ readyTimeout: 100, shutdown: { eof: 50, grace: 50 } })
    const started = master.getWorker('silent').start(fixture('reads-and-writes-nothing.sh'), [], spec)
    await assert.rejects(started, { message: /^Cannot start worker "silent": .*not ready within 100ms/ })
  })

  story('refuses to begin: its words are told', async (master) => {
    const error = await failure(master.getWorker('peer'), { initialize: { refuse: 'no licence' } })
    assert.match(error.message, /initialize failed in worker "peer": no licence/)
    assert.equal(error.exit.kind, 'crashed')
  })

  story('logs to stdout: it breaks its framing, and that is said', async (master) => {
    const error = await failure(master.getWorker('peer'), {}, [...PEER, 'logs-to-stdout'])
    assert.equal(error.exit.kind, 'protocol')
    assert.match(error.message, /a header was expected, not "up at last"/)
  })

  story('does not answer shutdown: the next rungs end it', async (master) => {
    const options = { shutdown: { eof: 100, grace: 2000 } }
    const spec = languageServer(options)
    const server = await master.getWorker('peer').start(process.execPath, [...PEER, 'ignores-shutdown'], spec)
    const exit = await server.stop()
    assert.equal(exit.kind === 'stopped' && exit.step, 'SIGTERM')
  })

  story('is slow to heed a cancellation: it is let be', async (master) => {
    const server = await master.getWorker('peer').start(process.execPath, PEER, languageServer())
    const client = server.rpc({ params: 'by-name' })
    await assert.rejects(client.with({ timeout: 20 }).call('test/never', {}), { code: 'ERR_PAGENT_TIMEOUT' })
    await pause(200)
    assert.deepEqual(await client.call('test/cancelled'), ['test/never'])
    assert.equal(server.incarnation, 1)
  })

  story('fails in a farewell of your own: that is told, and the ladder goes on', async (master) => {
    const events = watch(master)
    const spec = languageServer({ shutdown: { farewell: fails, eof: 1500 } })
    const server = await master.getWorker('peer').start(process.execPath, PEER, spec)
    const exit = await server.stop()
    assert.equal(exit.kind === 'stopped' && exit.step, 'eof')
    const { callback, error } = await events.until('callback-failed')
    assert.deepEqual([callback, error.message], ['shutdown.farewell', 'of the host'])
  })

  story('cannot have what languageServer() sets', async (master) => {
    assert.throws(() => languageServer({ onMessage: () => {} } as never), /Cannot use onMessage for a language server/)
    const server = await master.getWorker('peer').start(process.execPath, PEER, languageServer())
    const client = server.rpc({ params: 'by-name' })
    await assert.rejects(client.call('a', 1, 2), /Cannot call a with 2 arguments: by name it takes one object/)
    await assert.rejects(client.notify('a', 'text'), /Cannot call a with "text": by name it takes one object/)
    assert.throws(() => server.rpc({ params: 'by-heart' } as never), /expected 'by-position' or 'by-name'/)
  })
})
