/** The beginning of the conversation with a server: who begins it, and who gets which answer. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import { eventually } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { BareHost, errorOf, fixtureSpec, servers } from './hosts.ts'

const PATIENCE = { timeout: stretched(120_000) }

void describe('hosts that introduce themselves', PATIENCE, () => {
  servers('at once: the first begins the conversation, and all get the answer to that', async (own) => {
    const server = own.get(fixtureSpec())
    const [a, b, c] = [new BareHost(server), new BareHost(server), new BareHost(server)]
    await Promise.all([a.begin({}, 'first'), b.begin({}, 'second'), c.begin({}, 'third')])
    await b.tool(1, 'client')
    assert.equal(await b.textOf(1), 'first')
    for (const { heard } of [a, b, c])
      assert.equal(heard.filter(({ id, result }) => id === 'hello' && result).length, 1)
  })

  servers('after another was refused: they are let in if they can be', async (own) => {
    const server = own.get(fixtureSpec(['refuses-stranger'], { idle: '1h' }))
    const stranger = await new BareHost(server).begin({}, 'stranger')
    assert.equal(stranger.heard[0].error.message, 'no licence')
    await stranger.transport.close()
    const friend = await new BareHost(server).begin({}, 'friend')
    assert.equal(friend.heard[0].error, undefined)
    await friend.tool(1, 'client')
    assert.equal(await friend.textOf(1), 'friend')
    assert.equal(server.worker?.incarnation, 1)
  })

  servers('while another is refused: each gets its own answer', async (own) => {
    const server = own.get(fixtureSpec(['refuses-a', 'refuses-b']))
    const hosts = [new BareHost(server), new BareHost(server), new BareHost(server)]
    await Promise.all(hosts.map((host, i) => host.begin({}, 'abc'[i])))
    assert.deepEqual(
      hosts.map(({ heard }) => heard[0].error?.message),
      ['no licence', 'no licence', undefined],
    )
  })

  servers('when the last one has just left in the middle of it: they begin anew', async (own) => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-mcp-'))
    const key = join(folder, 'key')
    const spec = fixtureSpec()
    const isMute = ['-c', `[ -e "${key}" ] || exec cat > /dev/null; exec "$0" "$@"`, process.execPath]
    const server = own.get({ ...spec, command: 'sh', args: [...isMute, ...(spec.args ?? [])] })
    const left = new BareHost(server)
    const given = errorOf(left.begin())
    await eventually(() => server.worker?.pid !== undefined, 10_000, 'it has not begun')
    writeFileSync(key, '')
    const closed = left.transport.close()
    const host = await new BareHost(server).begin()
    await host.tool(1, 'pid')
    assert.match(await host.textOf(1), /^\d+$/)
    assert.equal((await given).code, 'ERR_PAGENT_EXIT')
    await closed
    rmSync(folder, { recursive: true })
  })
  servers('and leave before it has begun: nothing is started for who has gone', async (own, _seen, master) => {
    const server = own.get(fixtureSpec())
    const hasty = new BareHost(server)
    await hasty.transport.start()
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'hasty', version: '1' } }
    const asked = errorOf(hasty.transport.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params }))
    await hasty.transport.close()
    assert.match((await asked).message, /its last client has gone/)
    assert.equal(server.worker, undefined)
    assert.deepEqual([...master.workers()], [])
  })
})
