/** A server that has failed as often as it may is left alone for a while, and whoever asks meanwhile is told so. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { McpServers } from '../../src/mcp/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { stretched } from '../support/scale.ts'
import { story, watch } from '../support/story.ts'
import { callTool, connect, errorOf, exitOf, fixtureSpec } from './hosts.ts'

const PATIENCE = { timeout: stretched(120_000) }

void describe('the cooldown of a server', PATIENCE, () => {
  story('tells for how long, and that the end it tells of is none of the call', async (master) => {
    const [clock, seen] = [new FakeClock(), watch(master)]
    const servers = new McpServers({ master, clock })
    const server = servers.get(fixtureSpec([], { intensity: { restarts: 1, within: '1h' } }))
    const host = await connect(server)
    for (let i = 0; i < 2; i++) await exitOf(callTool(host, 'crash'))
    await seen.until('gave-up')
    clock.advance(2500)
    const said =
      /^Cannot call MCP server "serves": it has failed too often, and it is left alone for another 8s \(cooldown\); last, it exited with code 1 after .*the database is gone/s
    assert.match((await errorOf(callTool(host, 'pid'))).message, said)
    assert.match((await errorOf(callTool(await connect(server), 'pid'))).message, said)
    clock.advance(7500)
    assert.match(await callTool(host, 'pid'), /^\d+$/)
    await servers.stop()
  })
})
