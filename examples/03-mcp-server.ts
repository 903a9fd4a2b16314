// An MCP server over stdio: JSON-RPC, one message a line. This one is a few lines of Node; put your own command in its place.
import { Master, json } from 'pagent'

const server = `
const tools = [{ name: 'add', inputSchema: { type: 'object' } }]
const methods = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'sums', version: '1' } }),
  'tools/list': () => ({ tools }),
  'tools/call': ({ arguments: { a, b } }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
}
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: methods[method](params) }))
})`

const master = new Master()
const mcp = await master.getWorker('sums').start(process.execPath, ['-e', server], { framing: json<any>() })

let calls = 0
async function call(method: string, params: object = {}): Promise<any> {
  const id = ++calls
  await mcp.send({ jsonrpc: '2.0', id, method, params })
  for await (const message of mcp) if (message.id === id) return message.result
  throw new Error(`${mcp.id} ended before it answered ${method}`)
}

const { serverInfo } = await call('initialize', { protocolVersion: '2025-11-25', capabilities: {} })
await mcp.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
console.log(serverInfo.name) // → sums
console.log((await call('tools/list')).tools.length) // → 1
console.log((await call('tools/call', { name: 'add', arguments: { a: 2, b: 40 } })).content[0].text) // → 42
console.log((await mcp.stop()).kind) // → stopped
await master.stop()
