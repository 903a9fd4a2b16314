// The wire of language servers: Content-Length headers, a farewell before the end. This one is a few lines of Node.
import { Master, contentLength } from 'pagent'

const server = `
const say = (message) => {
  const body = JSON.stringify(message)
  process.stdout.write('Content-Length: ' + Buffer.byteLength(body) + '\\r\\n\\r\\n' + body)
}
let rest = ''
process.stdin.on('data', (chunk) => {
  for (rest += chunk; ; ) {
    const head = /Content-Length: (\\d+)\\r\\n\\r\\n/.exec(rest)
    if (!head || rest.length < head[0].length + Number(head[1])) return
    const message = JSON.parse(rest.slice(head[0].length, head[0].length + Number(head[1])))
    rest = rest.slice(head[0].length + Number(head[1]))
    if (message.method === 'exit') process.exit(0)
    say({ id: message.id, result: { capabilities: { hoverProvider: true } } })
  }
})`

const master = new Master()
const lsp = await master.getWorker('lsp').start(process.execPath, ['-e', server], {
  framing: contentLength<any>(),
  shutdown: { farewell: { jsonrpc: '2.0', method: 'exit' } },
})
await lsp.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { processId: process.pid, capabilities: {} } })
const { result } = await lsp.receive()
console.log(result.capabilities.hoverProvider) // → true
const exit = await lsp.stop()
console.log(exit.kind === 'stopped' && exit.step) // → farewell
await master.stop()
