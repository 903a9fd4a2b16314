/** MCP servers under supervision, as hosts of the official SDK see them: whatever becomes of the server, each request settles. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { McpServers, mcpServer } from '../../src/mcp/index.ts'
import { assertNothingLeft, holdings, isAlive } from '../support/processes.ts'
import { stretched } from '../support/scale.ts'
import { callTool, connect, errorOf, exitOf, fixtureSpec, heard, newHost, servers } from './hosts.ts'

const PATIENCE = { timeout: stretched(120_000) }
const ENDLESS = { restarts: 1_000_000, within: 1 }

void describe('a server that ends', PATIENCE, () => {
  servers('fails what is in flight at once, with the cause, and answers what comes later', async (own, seen) => {
    const server = own.get(fixtureSpec())
    const host = await connect(server)
    const first = await callTool(host, 'pid')
    const waiting = Array.from({ length: 20 }, () => errorOf(callTool(host, 'never')))
    const ends = callTool(host, 'crash')
    const exit = await exitOf(ends)
    assert.equal(exit.kind, 'failed')
    assert.match(exit.stderrTail, /the database is gone/)
    for (const error of await Promise.all(waiting)) assert.equal(error.exit, exit)
    assert.match(
      (await errorOf(ends)).message,
      /^Cannot call MCP server "serves": it exited with code 1 .*\n.*database/s,
    )
    assert.notEqual(await callTool(host, 'pid'), first, 'it came back')
    await seen.untilOne((event) => event.type === 'ready' && event['incarnation'] === 2)
    assert.equal(server.worker?.incarnation, 2)
  })

  servers('may end by itself: the next request starts it', async (own) => {
    const host = await connect(own.get(fixtureSpec()))
    const first = await callTool(host, 'pid')
    assert.equal((await exitOf(callTool(host, 'leave'))).kind, 'normal')
    assert.notEqual(await callTool(host, 'pid'), first)
  })

  servers('settles each of 1,000 requests once, under random kills', async (own, seen) => {
    const server = own.get(fixtureSpec([], { intensity: ENDLESS }))
    const hosts = await Promise.all([connect(server), connect(server), connect(server)])
    let [answered, failed, kills] = [0, 0, 0]
    const ask = async (i: number): Promise<void> => {
      const host = hosts[i % 3] as (typeof hosts)[0]
      try {
        assert.equal(await callTool(host, 'echo', { value: `value ${i}` }), `value ${i}`)
        answered++
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_PAGENT_EXIT', String(error))
        failed++
      }
    }
    for (let i = 0; i < 1000; i += 50) {
      const batch = Array.from({ length: 50 }, (_, k) => ask(i + k))
      if (i % 100 === 0) {
        server.worker?.kill('SIGKILL')
        kills++
      }
      await Promise.all(batch)
    }
    assert.equal(answered + failed, 1000)
    assert.ok(answered >= 500 && failed > 0, `${answered} answered, ${failed} failed`)
    assert.equal(kills, 10)
    for (const host of hosts) assert.deepEqual(host.errors, [])
    assert.equal(seen.seen.filter(({ type }) => type === 'callback-failed').length, 0)
  })

  servers(
    'is given up when it fails too often: requests say why, and a later one starts it anew',
    async (own, seen) => {
      const server = own.get(fixtureSpec([], { intensity: { restarts: 1, within: '1h' }, cooldown: '1h' }))
      const host = await connect(server)
      for (let i = 0; i < 2; i++) await exitOf(callTool(host, 'crash'))
      await seen.until('gave-up')
      assert.equal((await exitOf(callTool(host, 'pid'))).kind, 'failed')
      assert.equal(server.worker?.state, 'failed')
      const patient = own.get(
        fixtureSpec([], { intensity: { restarts: 0, within: '1h' }, cooldown: 0, key: 'patient' }),
      )
      const other = await connect(patient)
      await exitOf(callTool(other, 'crash'))
      assert.match(await callTool(other, 'pid'), /^\d+$/)
    },
  )

  servers('makes requests wait while it is started again, but no longer than they may', async (own, seen) => {
    const server = own.get(fixtureSpec([], { backoff: { min: '1h', max: '1h', jitter: 0 }, wait: 50 }))
    const host = await connect(server)
    await exitOf(callTool(host, 'crash'))
    await seen.until('restart-scheduled')
    const error = await errorOf(callTool(host, 'pid'))
    assert.equal(error.code, 'ERR_PAGENT_TIMEOUT')
    assert.match(error.message, /Cannot call tools\/call of MCP server "serves": it was not there within 50ms/)
  })
})

void describe('a server that is ended on purpose', PATIENCE, () => {
  servers('restarts: what is in flight rejects, what comes meanwhile waits', async (own) => {
    const server = own.get(fixtureSpec())
    const host = await connect(server)
    const first = await callTool(host, 'pid')
    const open = exitOf(callTool(host, 'never'))
    await callTool(host, 'pid')
    const restarted = server.restart()
    const answers = await Promise.all(Array.from({ length: 10 }, () => callTool(host, 'pid')))
    await restarted
    assert.equal((await open).kind, 'stopped')
    assert.equal(new Set(answers).size, 1)
    assert.notEqual(answers[0], first)
    assert.equal(server.worker?.incarnation, 2)
  })

  servers('is stopped by its worker: the next request starts it', async (own) => {
    const server = own.get(fixtureSpec([], { restart: 'permanent' }))
    const host = await connect(server)
    const first = await callTool(host, 'pid')
    const stopped = server.worker?.stop()
    const second = await callTool(host, 'pid')
    assert.equal((await stopped)?.kind, 'stopped')
    assert.notEqual(second, first)
    assert.equal(server.worker?.incarnation, 2)
  })

  servers('may not be restarted: each request that finds it ended starts it', async (own) => {
    const host = await connect(own.get(fixtureSpec([], { restart: 'temporary' })))
    for (let i = 0; i < 3; i++) assert.equal((await exitOf(callTool(host, 'crash'))).kind, 'failed')
    assert.match(await callTool(host, 'pid'), /^\d+$/)
  })
})

void describe('a server that cannot begin', PATIENCE, () => {
  servers('exits at once: its stderr says why', async (own) => {
    const error = await errorOf(connect(own.get(fixtureSpec(['exits-at-once']))))
    assert.match(error.message, /^Cannot start worker "serves": it exited with code 3 .*API_KEY is not set/s)
  })

  servers('never answers initialize: it is ended, and its stderr told', async (own) => {
    const error = await errorOf(connect(own.get(fixtureSpec(['never-answers'], { readyTimeout: 500 }))))
    assert.equal(error.exit.kind, 'unready')
    assert.match(error.message, /not ready within 500ms; its last stderr:\n {2}pid \d+ begins/)
  })

  servers('is not there at all: the host hears where it was looked for', async (own) => {
    const error = await errorOf(connect(own.get({ command: 'no-such-mcp-server' })))
    assert.equal(error.code, 'ERR_PAGENT_SPAWN')
    assert.match(error.message, /there is no program no-such-mcp-server on the PATH/)
  })

  servers('refuses: the host gets its words, and may try again', async (own) => {
    const server = own.get(fixtureSpec(['refuses']))
    for (let i = 0; i < 2; i++) assert.match((await errorOf(connect(server))).message, /no licence/)
  })

  servers('refuses a spec that cannot be', async (own) => {
    assert.throws(() => own.get({} as never), /Cannot use undefined as the command of an MCP server/)
    assert.throws(() => own.get({ command: 'x', comand: 'y' } as never), /there is no option "comand"/)
    assert.throws(() => own.get({ command: 'x', idle: 'soon' }), /idle/)
    assert.throws(() => own.get({ command: 'x', key: {} } as never), /Cannot use \{\} as key: expected text/)
    assert.throws(() => own.get({ command: 'x', args: 'y' } as never), /the arguments must be an array of text/)
    assert.throws(() => own.get({ command: 'x', limits: { memory: 'lots' } }), /Cannot use "lots" as limits.memory/)
    assert.throws(() => own.get({ command: 'x', stderr: 'loud' } as never), /stderr cannot be "loud"/)
    await Promise.resolve()
  })
})

void describe('a server that misbehaves', PATIENCE, () => {
  servers('prints to stdout: that is skipped, and told as an event', async (own, seen) => {
    const host = await connect(own.get(fixtureSpec(['logs-to-stdout'])))
    assert.equal(await callTool(host, 'garbage'), 'done')
    await seen.untilOne(({ type, notice }) => type === 'noticed' && /half a line/.test(notice.message))
    const notices = seen.seen.filter(({ type }) => type === 'noticed').map(({ notice }) => notice.message)
    assert.equal(notices.length, 4)
    assert.match(notices[0], /server is up at last/)
    assert.match(notices[2], /a line is no message of MCP: \{"level":"info"/)
    assert.deepEqual(host.errors, [])
  })

  servers('sends 5 MB: they arrive; more than it may: it is ended for it, and comes back', async (own) => {
    const host = await connect(own.get(fixtureSpec([], { maxMessage: '8MiB' })))
    assert.equal((await callTool(host, 'huge', { size: 5_000_000 })).length, 5_000_000)
    const exit = await exitOf(callTool(host, 'huge', { size: 9_000_000 }))
    assert.equal(exit.kind, 'protocol')
    assert.equal(await callTool(host, 'echo', { value: 'x'.repeat(5_000_000) }), 'x'.repeat(5_000_000))
  })

  servers('ignores the end of its stdin: a signal ends it', async (own) => {
    const server = own.get(fixtureSpec(['ignores-eof'], { shutdown: { eof: 50 } }))
    const host = await connect(server)
    const { worker } = server
    await host.close()
    const exit = await worker?.exited
    assert.equal(exit?.kind === 'stopped' && exit.step, 'SIGTERM')
  })
})

void describe('a server that nobody asks', PATIENCE, () => {
  servers('is stopped when it may idle, and started by the next request', async (own, seen) => {
    const server = own.get(fixtureSpec([], { idle: 20 }))
    const host = await connect(server)
    const first = await callTool(host, 'pid')
    await seen.until('exited')
    assert.equal(isAlive(Number(first)), false)
    assert.equal(server.hosts, 1)
    for (let i = 0; i < 5; i++) {
      assert.equal(await callTool(host, 'echo', { value: i }), String(i))
      await pause(i * 15)
    }
    assert.deepEqual(host.errors, [])
  })

  servers('is stopped, too, when it has come back and nobody has asked', async (own, seen) => {
    const host = await connect(own.get(fixtureSpec([], { idle: 50 })))
    await exitOf(callTool(host, 'crash'))
    const { exit } = await seen.untilOne((event) => event.type === 'exited' && event['incarnation'] === 2)
    assert.equal(exit.kind, 'stopped')
  })

  servers('is kept while a request is open, and while somebody waits for news', async (own, seen) => {
    const host = await connect(own.get(fixtureSpec([], { idle: 20 })))
    const cancel = new AbortController()
    const open = errorOf(host.callTool({ name: 'never' }, { signal: cancel.signal }))
    await pause(150)
    await host.subscribeResource({ uri: 'file:///a' })
    cancel.abort()
    await open
    await pause(150)
    assert.equal(
      seen.seen.some(({ type }) => type === 'exited'),
      false,
    )
    await host.unsubscribeResource({ uri: 'file:///a' })
    await seen.until('exited')
  })

  servers('ends with its last host, and is another when one comes again', async (own) => {
    const server = own.get(fixtureSpec())
    const host = await connect(server)
    const first = await callTool(host, 'pid')
    await host.close()
    assert.equal(isAlive(Number(first)), false)
    assert.deepEqual([...own.servers()], [])
    const again = await connect(server)
    assert.equal(own.get(fixtureSpec()), server)
    assert.notEqual(await callTool(again, 'pid'), first)
  })
})

void describe('a server that is shared', PATIENCE, () => {
  servers('is one process for all who ask for the same, and nobody gets what another asked for', async (own) => {
    const hosts = await Promise.all(
      Array.from({ length: 5 }, () => connect(own.get(fixtureSpec([], { env: { A: '1', B: '2' } })))),
    )
    assert.equal(own.get(fixtureSpec([], { env: { B: '2', A: '1' } })).hosts, 5)
    const pids = await Promise.all(hosts.map((host) => callTool(host, 'pid')))
    assert.equal(new Set(pids).size, 1)
    const work = hosts.flatMap((host, h) =>
      Array.from({ length: 40 }, async (_, i) => {
        assert.equal(await callTool(host, 'echo', { value: `${h}/${i}` }), `${h}/${i}`)
      }),
    )
    await Promise.all(work)
    for (const host of hosts.slice(1)) await host.close()
    assert.equal(await callTool(hosts[0] as never, 'pid'), pids[0], 'it stays for the last of them')
    await hosts[0]?.close()
    assert.equal(isAlive(Number(pids[0])), false)
  })

  servers('is another one for another command, environment or key', async (own) => {
    const specs = [
      fixtureSpec(),
      fixtureSpec(['x']),
      fixtureSpec([], { env: { A: '1' } }),
      fixtureSpec([], { key: 'Ada' }),
      fixtureSpec([], { env: {} }),
      fixtureSpec([], { env: { TERM: undefined } }),
    ]
    const all = specs.map((spec) => own.get(spec))
    assert.deepEqual(
      all.map(({ name }) => name),
      ['serves', 'serves-2', 'serves-3', 'serves-4', 'serves-5', 'serves-6'],
    )
    const pids = await Promise.all(all.map(async (server) => callTool(await connect(server), 'pid')))
    assert.equal(new Set(pids).size, 6)
  })

  servers('sees of the environment what the SDK would let it see, and what it is given', async (own) => {
    process.env['PAGENT_TEST_SECRET'] = 'secret'
    const host = await connect(own.get(fixtureSpec([], { env: { GIVEN: '1' } })))
    const names = (await callTool(host, 'environment')).split(',')
    delete process.env['PAGENT_TEST_SECRET']
    assert.ok(names.includes('GIVEN') && names.includes('PATH'))
    // The portable launcher marks what is its own.
    const allowed = new Set(['GIVEN', 'HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'PAGENT_MASTER'])
    assert.deepEqual(
      names.filter((name) => !allowed.has(name)),
      [],
    )
  })

  servers('obeys the last wish: stop() closes the hosts, and their requests say so', async (own) => {
    const server = own.get(fixtureSpec())
    const host = await connect(server)
    let isClosed = false
    Object.assign(host, { onclose: () => (isClosed = true) })
    const open = errorOf(callTool(host, 'never'))
    await callTool(host, 'pid')
    await server.stop()
    assert.ok(isClosed)
    assert.match((await open).message, /Connection closed|cancelled/)
    assert.equal(server.worker, undefined)
    await assert.rejects(callTool(host, 'pid'), /Not connected/)
  })
})

void it('one server alone leaves nothing when it is stopped', PATIENCE, async () => {
  const before = holdings()
  const server = mcpServer(fixtureSpec())
  const host = newHost()
  await host.connect(server.transport())
  assert.match(await callTool(host, 'pid'), /^\d+$/)
  await server.restart()
  assert.match(await callTool(host, 'pid'), /^\d+$/)
  await server.stop()
  await assertNothingLeft(before)
})

void it('servers of their own leave nothing, used or not', PATIENCE, async () => {
  const before = holdings()
  const own = new McpServers()
  own.get(fixtureSpec(['unused']))
  await callTool(await connect(own.get(fixtureSpec())), 'pid')
  await own.stop()
  await assertNothingLeft(before)
})

void describe('a life that begins again', PATIENCE, () => {
  servers('is told what the last one knew, before any request', async (own) => {
    const folder = mkdtempSync(join(tmpdir(), 'pagent-mcp-'))
    const file = join(folder, 'heard')
    const server = own.get(fixtureSpec([], { env: { HEARD: file } }))
    const host = await connect(server)
    await host.setLoggingLevel('warning')
    await host.subscribeResource({ uri: 'file:///a' })
    await host.subscribeResource({ uri: 'file:///b' })
    await host.unsubscribeResource({ uri: 'file:///b' })
    await exitOf(callTool(host, 'crash'))
    assert.equal(await callTool(host, 'level'), 'warning')
    assert.equal(await callTool(host, 'subscribed'), 'file:///a')
    const beginning = ['initialize', 'notifications/initialized', 'logging/setLevel', 'resources/subscribe']
    assert.deepEqual(heard(file).slice(-6), [...beginning, 'tools/call', 'tools/call'])
    rmSync(folder, { recursive: true })
  })

  servers('tells its hosts that their lists may be old', async (own) => {
    const changed = Promise.withResolvers<number>()
    const onChanged = (error: Error | null, tools: readonly unknown[] | null): void =>
      error === null ? changed.resolve(tools?.length ?? 0) : changed.reject(error)
    const host = await connect(own.get(fixtureSpec()), { listChanged: { tools: { onChanged, debounceMs: 1 } } })
    await exitOf(callTool(host, 'crash'))
    assert.equal(await changed.promise, 2)
  })
})
