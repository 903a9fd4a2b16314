// MCP servers behind the official SDK. One is killed in the middle of a call: the call says why, the next one is answered.
// In a clone `npx node examples/12-mcp-fleet.ts` finds the servers; put your own commands in their place.
import { Client } from '@modelcontextprotocol/client'
import { ExitError, describeExit } from 'pagent'
import { McpServers } from 'pagent/mcp'

const servers = new McpServers()
const everything = servers.get({ command: 'mcp-server-everything', idle: '5m' })
const files = servers.get({ command: 'mcp-server-filesystem', args: [process.cwd()], idle: '5m' })

const hosts: Client[] = []
for (const server of [everything, files]) {
  const host = new Client({ name: 'fleet', version: '1.0.0' })
  await host.connect(server.transport())
  const { tools } = await host.listTools()
  console.log(host.getServerVersion()?.name, tools.length > 10) // → mcp-servers/everything true
  // → secure-filesystem-server true
  hosts.push(host)
}
const [host] = hosts as [Client]

const long = host.callTool(
  { name: 'trigger-long-running-operation', arguments: { duration: 60, steps: 600 } },
  { onprogress: ({ progress }) => progress === 1 && everything.worker?.kill('SIGKILL') },
)
await long.catch((error: unknown) => {
  if (error instanceof ExitError) console.log(describeExit(error.exit)) // → was killed by SIGKILL after …
})

const { content } = await host.callTool({ name: 'get-sum', arguments: { a: 2, b: 40 } })
console.log(content) // → [ { type: 'text', text: 'The sum of 2 and 40 is 42.' } ]
console.log('life', everything.worker?.incarnation) // → life 2

await Promise.all(hosts.map((one) => one.close()))
await servers.stop()
