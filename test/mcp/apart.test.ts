/** Servers that have nothing to do with each other but a name: what becomes of one is nothing to the other. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { Worker } from '../../src/index.ts'
import { McpServers, mcpServer } from '../../src/mcp/index.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { isAlive } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { story } from '../support/story.ts'
import { callTool, connect, errorOf, exitOf, fixtureSpec, servers } from './hosts.ts'

const PATIENCE = { timeout: stretched(120_000) }

void describe('servers of one name', PATIENCE, () => {
  story('talk to a process each, and leave the other alone when they end', async (master) => {
    const [one, two] = [mcpServer(fixtureSpec(), { master }), mcpServer(fixtureSpec(['two']), { master })]
    const [a, b] = [await connect(one), await connect(two)]
    const [first, second] = [await callTool(a, 'pid'), await callTool(b, 'pid')]
    assert.notEqual(first, second)
    assert.deepEqual([one.name, two.name], ['serves', 'serves-2'])
    assert.deepEqual([one.worker?.id, two.worker?.id], ['serves', 'serves-2'])
    await b.close()
    assert.equal(isAlive(Number(second)), false)
    assert.equal(await callTool(a, 'pid'), first)
    await one.stop()
  })

  story('take no worker that somebody else has called so', async (master) => {
    const server = mcpServer(fixtureSpec(), { master })
    const cat = await master.getWorker('serves').start('cat')
    const host = await connect(server)
    assert.match(await callTool(host, 'pid'), /^\d+$/)
    assert.equal(server.name, 'serves-2')
    await server.stop()
    assert.equal(cat.state, 'running')
  })

  story('may be on the way out while the next is at work', async (master) => {
    const clock = new FakeClock()
    const own = new McpServers({ master, clock })
    const spec = fixtureSpec(['ignores-eof'], { idle: 100, shutdown: { eof: '1h' } })
    const before = await connect(own.get(spec))
    const departed = own.get(spec).worker as Worker
    await before.close()
    clock.advance(100)
    assert.equal(departed.state, 'stopping')
    const server = own.get(spec)
    const host = await connect(server)
    const open = errorOf(callTool(host, 'never'))
    const first = await callTool(host, 'pid')
    departed.kill()
    await departed.exited
    await settled()
    clock.advance(100)
    const { worker } = server
    assert.equal(worker?.state, 'running')
    assert.equal(await callTool(host, 'pid'), first)
    const stopped = own.stop()
    worker.kill()
    await Promise.all([stopped, open])
  })

  servers('may be used again when another has come in the meantime', async (own) => {
    const left = own.get(fixtureSpec())
    await (await connect(left)).close()
    const server = own.get(fixtureSpec())
    assert.notEqual(server, left)
    const host = await connect(server)
    const first = await callTool(host, 'pid')
    const again = await connect(left)
    assert.notEqual(await callTool(again, 'pid'), first)
    await again.close()
    assert.equal(await callTool(host, 'pid'), first)
  })

  servers('are begun anew when their master has let go of their worker', async (own, _seen, master) => {
    const server = own.get(fixtureSpec())
    const host = await connect(server)
    const open = exitOf(callTool(host, 'never'))
    const first = await callTool(host, 'pid')
    const deleted = master.delWorker(server.name)
    assert.equal(server.worker, undefined)
    assert.notEqual(await callTool(host, 'pid'), first)
    assert.equal((await open).kind, 'stopped')
    await deleted
  })
})
