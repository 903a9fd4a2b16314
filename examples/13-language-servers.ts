// Language servers as workers: initialised in each life, and told goodbye as they like it.
import { fileURLToPath } from 'node:url'
import { Master } from 'pagent'
import { languageServer } from 'pagent/lsp'

const master = new Master()
const open = (uri: string, languageId: string, text: string) => ({
  textDocument: { uri, languageId, version: 1, text },
})

// A document is opened, and what is wrong with it comes by itself.
type Diagnostics = { diagnostics: { message: string }[] }
const wrong = Promise.withResolvers<string | undefined>()
const checks = languageServer({
  restart: 'transient',
  serve: { 'textDocument/publishDiagnostics': (told: Diagnostics) => wrong.resolve(told.diagnostics[0]?.message) },
  onInitialized: (client) => client.notify('textDocument/didOpen', open('file:///a.json', 'json', '{ "a": 1,, }')),
})
await master.getWorker('json').start('vscode-json-language-server', ['--stdio'], checks)
console.log(await wrong.promise) // → Property expected

// Another is asked what is below the cursor.
const tsserver = { path: fileURLToPath(import.meta.resolve('typescript5/lib/tsserver.js')) }
const explains = languageServer({
  initialize: { initializationOptions: { tsserver } },
  onInitialized: (client) => client.notify('textDocument/didOpen', open('file:///a.ts', 'typescript', 'let a = 6 * 7')),
})
const typescript = await master.getWorker('typescript').start('typescript-language-server', ['--stdio'], explains)
const client = typescript.rpc({ params: 'by-name', timeout: '30s' })
const at = { textDocument: { uri: 'file:///a.ts' }, position: { line: 0, character: 4 } }
console.log((await client.call('textDocument/hover', at)).contents.value.split('\n')[2]) // → let a: number

for (const worker of master.workers()) {
  const exit = await worker.stop()
  console.log(worker.id, exit.kind === 'stopped' && exit.step) // → json farewell
  // → typescript farewell
}
await master.stop()
