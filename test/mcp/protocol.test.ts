/** What passes between hosts and a server: whose answer, whose progress, whose question, in both eras of the protocol. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { eventually } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import {
  BareHost,
  callTool,
  connect,
  errorOf,
  exitOf,
  fixtureSpec,
  heard,
  modernSpec,
  newHost,
  servers,
} from './hosts.ts'

const PATIENCE = { timeout: stretched(120_000) }

/** What its tools have answered. */
function texts(host: BareHost): unknown[] {
  return host.heard.filter(({ id }) => id !== 'hello').map(({ id, result }) => [id, result.content[0].text])
}

function notes(host: BareHost): unknown[] {
  return host.heard.filter(({ method }) => method !== undefined)
}

function throws(): never {
  throw new Error('of the host')
}

void describe('hosts of one server', PATIENCE, () => {
  servers('use the same ids, and each gets its own answers, of the kind of id it has used', async (own) => {
    const server = own.get(fixtureSpec())
    const [a, b] = [await new BareHost(server).begin(), await new BareHost(server).begin()]
    await Promise.all([
      a.tool(1, 'echo', { value: 'a' }),
      b.tool(1, 'echo', { value: 'b' }),
      b.tool('1', 'echo', { value: 'c' }),
    ])
    assert.deepEqual(texts(a), [[1, 'a']])
    assert.deepEqual(texts(b), [
      [1, 'b'],
      ['1', 'c'],
    ])
  })

  servers('hear of their own progress only, by the token they have given', async (own) => {
    const server = own.get(fixtureSpec())
    const [a, b] = [await new BareHost(server).begin(), await new BareHost(server).begin()]
    await Promise.all([a.tool(1, 'progress', {}, { progressToken: 'mine' }), b.tool(1, 'progress')])
    assert.deepEqual(notes(a), [
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'mine', progress: 1, total: 2 } },
    ])
    assert.deepEqual(notes(b), [])
  })

  servers(
    'hear of resources they have subscribed to; one that unsubscribes takes nothing from the other',
    async (own) => {
      const server = own.get(fixtureSpec())
      const all = [
        await new BareHost(server).begin(),
        await new BareHost(server).begin(),
        await new BareHost(server).begin(),
      ]
      const [a, b, c] = all as [BareHost, BareHost, BareHost]
      const params = { uri: 'file:///a' }
      for (const host of [a, b])
        await host.transport.send({ jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params })
      await c.tool(3, 'touch', params)
      const updates = (): number[] =>
        all.map((host) => host.heard.filter(({ method }) => method?.endsWith('/updated')).length)
      assert.deepEqual(updates(), [1, 1, 0])
      await a.transport.send({ jsonrpc: '2.0', id: 4, method: 'resources/unsubscribe', params })
      await c.tool(5, 'touch', params)
      assert.deepEqual(updates(), [1, 2, 0])
      await b.transport.close()
      await c.tool(6, 'subscribed')
      assert.equal((await c.until(({ id }) => id === 6)).result.content[0].text, '', 'the last one has left')
    },
  )

  servers('answer what they have said they can; what nobody can is refused', async (own) => {
    const server = own.get(fixtureSpec())
    const [mute, rooted] = [await new BareHost(server).begin(), await new BareHost(server).begin({ roots: {} })]
    const asked = mute.tool(1, 'ask', { method: 'roots/list' })
    const { id } = await rooted.until(({ method }) => method === 'roots/list')
    await mute.transport.send({ jsonrpc: '2.0', id, result: { roots: ['no business of his'] } })
    await rooted.transport.send({ jsonrpc: '2.0', id, result: { roots: [] } })
    await rooted.transport.send({ jsonrpc: '2.0', id, result: { roots: ['twice'] } })
    await asked
    assert.equal((await mute.until((one) => one.id === 1)).result.content[0].text, '{"roots":[]}')
    await mute.tool(2, 'ask', { method: 'sampling/createMessage' })
    assert.match((await mute.until((one) => one.id === 2)).result.content[0].text, /-32601.*no client answers sampling/)
    await mute.tool(3, 'ask', { method: 'ping' })
  })

  servers(
    'are told when a question needs no answer any more, and one of an ended life is not answered to the next',
    async (own) => {
      const server = own.get(fixtureSpec())
      const host = await new BareHost(server).begin({ roots: {} })
      const asked = host.tool(1, 'ask', { method: 'roots/list' })
      const { id } = await host.until(({ method }) => method === 'roots/list')
      server.worker?.kill()
      await exitOf(asked)
      const cancelled = await host.until(({ method }) => method === 'notifications/cancelled')
      assert.equal(cancelled.params.requestId, id)
      await host.transport.send({ jsonrpc: '2.0', id, result: { roots: ['too late'] } })
      const again = host.tool(2, 'ask', { method: 'roots/list' })
      const next = await host.until((message) => message.method === 'roots/list' && message.id !== id)
      await host.transport.send({ jsonrpc: '2.0', id: next.id, result: { roots: ['in time'] } })
      await again
      assert.match((await host.until((one) => one.id === 2)).result.content[0].text, /in time/)
    },
  )

  servers('cancel: the server hears of it under the id it knows, and the request settles', async (own) => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-mcp-'))
    const file = join(folder, 'heard')
    const server = own.get(fixtureSpec([], { env: { HEARD: file } }))
    const host = await new BareHost(server).begin()
    const open = errorOf(host.tool(1, 'never'))
    await host.transport.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    assert.equal((await open).code, 'ERR_PAGENT_CLOSED')
    await host.tool(2, 'pid')
    assert.deepEqual(heard(file).slice(-3), ['tools/call', 'notifications/cancelled', 'tools/call'])
    rmSync(folder, { recursive: true })
  })

  servers('leave: what they have asked is cancelled, what they were asked is answered', async (own) => {
    const server = own.get(fixtureSpec())
    const [stays, leaves] = [await new BareHost(server).begin(), await new BareHost(server).begin({ roots: {} })]
    const open = errorOf(leaves.tool(1, 'never'))
    const asked = stays.tool(1, 'ask', { method: 'roots/list' })
    await leaves.until(({ method }) => method === 'roots/list')
    await leaves.transport.close()
    assert.equal((await open).code, 'ERR_PAGENT_CLOSED')
    await asked
    assert.match((await stays.until(({ id }) => id === 1)).result.content[0].text, /the client has gone/)
    assert.match((await errorOf(leaves.tool(2, 'pid'))).message, /this transport is closed/)
    await assert.rejects(stays.transport.start(), /it is open; take another by transport\(\)/)
    await assert.rejects(stays.transport.send({ hello: 1 }), /it is no message of MCP/)
  })

  servers('stay when the server cannot begin again: they hear why, and are served once it can', async (own) => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-mcp-'))
    const key = join(folder, 'key')
    const needsKey = ['-c', `[ -e "${key}" ] || { echo "no key" >&2; exit 3; }; exec "$0" "$@"`, process.execPath]
    const spec = fixtureSpec([], { cooldown: 100 })
    const server = own.get({ ...spec, command: 'sh', args: [...needsKey, ...(spec.args ?? [])] })
    const host = new BareHost(server)
    assert.match((await errorOf(host.begin())).message, /exited with code 3.*no key/s)
    const ask = (): Promise<void> => host.transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' })
    assert.match(
      (await errorOf(ask())).message,
      /^Cannot call MCP server "serves": its start has failed, .*last, it exited with code 3.*no key/s,
    )
    assert.equal(server.worker?.incarnation, 1, 'it is left alone for a while')
    writeFileSync(key, '')
    await pause(150)
    await ask()
    await host.until(({ id }) => id === 1)
    rmSync(folder, { recursive: true })
  })

  servers('ask for more than can be remembered: that is refused', async (own) => {
    const host = await new BareHost(own.get(fixtureSpec())).begin()
    const open = Array.from({ length: 10_001 }, (_, id) => errorOf(host.tool(id, 'never')))
    const refused = await Promise.race(open)
    assert.equal(refused.code, 'ERR_PAGENT_OVERLOAD')
    await host.transport.close()
    const codes = (await Promise.all(open)).map(({ code }) => code)
    assert.equal(codes.filter((code) => code === 'ERR_PAGENT_CLOSED').length, 10_000)
  })

  servers('are asked one question under one id', async (own) => {
    const host = await new BareHost(own.get(fixtureSpec())).begin({ roots: {} })
    const first = host.tool(1, 'ask', { method: 'roots/list' })
    await host.until(({ method }) => method === 'roots/list')
    await host.tool(2, 'ask', { method: 'roots/list' })
    assert.match((await host.until(({ id }) => id === 2)).result.content[0].text, /a request with the id 7 is open/)
    await host.transport.close()
    assert.equal((await errorOf(first)).code, 'ERR_PAGENT_CLOSED')
  })

  servers('begin at the same time with a server that runs: it is greeted once', async (own) => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-mcp-'))
    const file = join(folder, 'heard')
    const server = own.get(fixtureSpec([], { env: { HEARD: file } }))
    const probe = new BareHost(server)
    await probe.transport.start()
    await probe.transport.send({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: {} })
    await Promise.all([new BareHost(server).begin(), new BareHost(server).begin(), probe.until(({ id }) => id === 1)])
    await probe.tool(2, 'pid')
    assert.deepEqual(heard(file), ['server/discover', 'initialize', 'notifications/initialized', 'tools/call'])
    rmSync(folder, { recursive: true })
  })

  servers('may throw in their callbacks: nobody else notices', async (own) => {
    const server = own.get(fixtureSpec())
    const [careless, other] = [await new BareHost(server).begin(), await new BareHost(server).begin()]
    Object.assign(careless.transport, { onmessage: throws })
    await careless.tool(1, 'pid')
    assert.equal(careless.errors[0]?.message, 'of the host')
    await other.tool(1, 'pid')
    assert.equal(server.worker?.incarnation, 1)
  })
})

void describe('a server that is updated', PATIENCE, () => {
  servers('must speak as before: else it is given up, and says so', async (own, seen) => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-mcp-'))
    const UPDATED = join(folder, 'updated')
    const intensity = { restarts: 1, within: '1h' }
    const server = own.get(fixtureSpec(['changes-its-protocol'], { env: { UPDATED }, intensity }))
    const host = await connect(server)
    writeFileSync(UPDATED, '')
    assert.ok(existsSync(UPDATED))
    await exitOf(callTool(host, 'crash'))
    const error = await errorOf(callTool(host, 'pid'))
    assert.match(error.message, /it speaks 2024-11-05 now, and its hosts 20.*connect again/)
    await seen.until('gave-up')
    await server.stop()
    assert.match(await callTool(await connect(server), 'pid'), /^\d+$/)
    rmSync(folder, { recursive: true })
  })
})

void describe('a server that writes `"error":null` beside each result', PATIENCE, () => {
  servers('has said yes, in its first life and in the next, and nobody is the worse for it', async (own) => {
    const host = await new BareHost(own.get(fixtureSpec(['says-null-error']))).begin()
    const params = { uri: 'file:///a', level: 'warning' }
    for (const method of ['logging/setLevel', 'resources/subscribe'])
      await host.transport.send({ jsonrpc: '2.0', id: method, method, params })
    await exitOf(host.tool(1, 'crash'))
    await host.tool(2, 'level')
    await host.tool(3, 'subscribed')
    assert.deepEqual([await host.textOf(2), await host.textOf(3)], ['warning', 'file:///a'])
    assert.deepEqual(host.errors, [])
  })
})

void describe('the protocol of 2026-07-28', PATIENCE, () => {
  const MODERN = { versionNegotiation: { mode: 'auto' } } as const

  servers('has no beginning: a server that was killed answers the next request', async (own) => {
    const server = own.get(modernSpec())
    const host = await connect(server, MODERN)
    assert.equal(host.getProtocolEra(), 'modern')
    const first = await callTool(host, 'pid')
    server.worker?.kill()
    await server.worker?.exited
    assert.notEqual(await callTool(host, 'pid'), first)
  })

  servers('has subscriptions: they go on in the next life', async (own, seen) => {
    const server = own.get(modernSpec({ idle: 50 }))
    let changes = 0
    const onChanged = (): void => void changes++
    const heardOf = (count: number): Promise<void> =>
      eventually(
        () => changes === count,
        10_000,
        () => `${changes} of ${count} changes were heard`,
      )
    const options = { ...MODERN, listChanged: { tools: { onChanged, debounceMs: 1, autoRefresh: false } } }
    const [a, b] = [await connect(server, options), await connect(server, options)]
    await callTool(a, 'grow')
    await heardOf(2)
    server.worker?.kill()
    await seen.untilOne(({ type, incarnation }) => type === 'ready' && incarnation === 2)
    await callTool(b, 'grow')
    await heardOf(4)
    await server.restart()
    await callTool(a, 'grow')
    await heardOf(6)
    assert.deepEqual([...a.errors, ...b.errors], [])
    await b.close()
  })

  servers('has subscriptions that a server may end: the host hears of it, and its request is over', async (own) => {
    const server = own.get(fixtureSpec(['ends-subscriptions'], { idle: '1h' }))
    const host = new BareHost(server)
    await host.transport.start()
    const request = { jsonrpc: '2.0', id: 'news', method: 'subscriptions/listen', params: {} } as const
    const error = await errorOf(host.transport.send(request))
    assert.equal(error.code, 'ERR_PAGENT_CLOSED')
    assert.equal(error.message, 'subscriptions/listen of MCP server "serves" was ended by the server')
    const params = { requestId: 'news' }
    assert.deepEqual(host.heard, [{ jsonrpc: '2.0', method: 'notifications/cancelled', params }])
  })

  servers('is probed for: a server without it is talked to as before', async (own) => {
    const host = await connect(own.get(fixtureSpec()), MODERN)
    assert.equal(host.getProtocolEra(), 'legacy')
    await exitOf(callTool(host, 'crash'))
    assert.match(await callTool(host, 'pid'), /^\d+$/)
  })
})

void describe('hosts of the SDK before version 2', PATIENCE, () => {
  servers('get the same: the cause of the end, and a server that comes back', async (own) => {
    const host = new OldClient({ name: 'old', version: '1.0.0' })
    await host.connect(own.get(fixtureSpec()).transport())
    const call = (name: string): Promise<any> => host.callTool({ name, arguments: {} })
    const first = (await call('pid')).content[0].text
    assert.match((await exitOf(call('crash'))).stderrTail, /the database is gone/)
    assert.notEqual((await call('pid')).content[0].text, first)
    await host.close()
  })

  servers('share with the new', async (own) => {
    const old = new OldClient({ name: 'old', version: '1.0.0' })
    await old.connect(own.get(fixtureSpec()).transport())
    const host = newHost()
    await host.connect(own.get(fixtureSpec()).transport())
    const { content } = (await old.callTool({ name: 'pid', arguments: {} })) as any
    assert.equal(await callTool(host, 'pid'), content[0].text)
  })
})
