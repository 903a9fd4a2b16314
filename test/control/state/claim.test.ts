import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, link, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { claimFleet, FleetRunningError } from '../../../src/control/state/claim.ts'
import { findFleet, listFleets } from '../../../src/control/state/find.ts'
import { socketPathOf } from '../../../src/control/state/folders.ts'
import { RunRecorder } from '../../../src/control/state/run-record.ts'
import { identityOf } from '../../../src/control/state/identity.ts'
import { fixture } from '../../support/story.ts'

type Env = Record<string, string>

/** A home for state of its own. */
async function home(t: TestContext): Promise<Env> {
  const folder = await mkdtemp(join(tmpdir(), 'pagent-state-'))
  t.after(() => rm(folder, { recursive: true }))
  return { XDG_STATE_HOME: folder, XDG_RUNTIME_DIR: '' }
}

const planOf = (name: string, folder = '/srv/app'): { name: string; folder: string; file: string } => ({
  name,
  folder,
  file: `${folder}/pagent.yaml`,
})

/** Somebody in another process. */
async function other(t: TestContext, env: Env): Promise<{ child: ChildProcess; said: any }> {
  const args = ['--import', 'data:text/javascript,', fixture('claims-a-fleet.ts'), 'test', '/srv/app']
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, said: JSON.parse(line) }
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

test('of several that try at once exactly one gets the name, also over a dead one, again and again', async (t) => {
  const env = await home(t)
  for (let round = 0; round < 3; round++) {
    const all = await Promise.all(Array.from({ length: 6 }, () => other(t, env)))
    const winners = all.filter(({ said }) => said.claimed)
    assert.equal(winners.length, 1)
    const [{ child, said }] = winners as [(typeof all)[number]]
    for (const loser of all) if (loser.said !== said) assert.match(loser.said.message, /it runs already \(pid \d+\)/)
    assert.equal(said.stale === undefined, round === 0)
    // Also with others in the same process.
    await assert.rejects(claimFleet(planOf('test'), { env }), FleetRunningError)
    await killed(child)
  }
  const left = await readdir(join(env['XDG_STATE_HOME']!, 'pagent', 'test'))
  assert.deepEqual(left, ['lock.3'])
})

test('a claim within one process is exclusive, too, and free after its release', async (t) => {
  const env = await home(t)
  const claims = await Promise.allSettled(Array.from({ length: 20 }, () => claimFleet(planOf('test'), { env })))
  const won = claims.filter((claim) => claim.status === 'fulfilled')
  assert.equal(won.length, 1)
  await won[0]?.value.release()
  const again = await claimFleet(planOf('test'), { env })
  assert.equal(again.stale, undefined)
  await again.release()
})

test('a name that is taken from elsewhere is met with the folder it is taken from', async (t) => {
  const env = await home(t)
  const claim = await claimFleet(planOf('test', '/srv/one'), { env })
  await assert.rejects(claimFleet(planOf('test', '/srv/two'), { env }), (error: unknown) => {
    assert.ok(error instanceof FleetRunningError)
    assert.equal(error.fleet.folder, '/srv/one')
    assert.match(error.message, /another of that name runs already \(pid \d+\), from \/srv\/one; stop that one/)
    return true
  })
  await claim.release()
})

test('what a killed fleet has left is found, said and swept', async (t) => {
  const env = await home(t)
  const { child, said } = await other(t, env)
  const server = createServer().listen(said.socketPath)
  await once(server, 'listening')
  const folder = join(env['XDG_STATE_HOME']!, 'pagent', 'test')
  const sleeper = spawn('sleep', ['1000'])
  t.after(() => sleeper.kill('SIGKILL'))
  const workers = [
    { id: 'survivor', pid: sleeper.pid! },
    { id: 'gone', pid: 2 ** 22 - 1 },
  ]
  const record = {
    schemaVersion: 1,
    name: 'test',
    file: 'f',
    pid: child.pid!,
    startedAt: 1,
    at: Date.now() + 100,
    workers,
  } as const
  await new RunRecorder(folder, () => record, assert.ifError).flush()
  await killed(child)
  // A socket without a listener, as a killed process leaves it.
  const inode = (await stat(said.socketPath)).ino
  const closed = once(server, 'close')
  const kept = `${said.socketPath}.kept`
  await link(said.socketPath, kept)
  server.close()
  await closed
  await rename(kept, said.socketPath)
  assert.equal((await stat(said.socketPath)).ino, inode)
  const claim = await claimFleet(planOf('test'), { env })
  const { stale } = claim
  assert.equal(stale?.pid, child.pid)
  assert.deepEqual(stale?.survivors, [workers[0]])
  assert.match(
    stale?.message ?? '',
    /^found what a fleet left that was killed: "test" \(pid \d+\) with 2 workers; some may still run: survivor/,
  )
  await assert.rejects(stat(said.socketPath), { code: 'ENOENT' })
  await claim.release()
})

test('a pid that came back, and a boot that is over, are no owners', async (t) => {
  const env = await home(t)
  const folder = join(env['XDG_STATE_HOME']!, 'pagent', 'test')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(join(folder, '..'), 0o700)
  const me = (await identityOf(process.pid))!
  const facts = { ...planOf('test'), socketPath: join(folder, 'control.sock'), startedAt: 1 }
  for (const [number, identity] of [
    [1, { ...me, startTicks: (me.startTicks ?? 0) - 1 }],
    [3, { ...me, boot: 'another' }],
  ] as const) {
    await writeFile(join(folder, `lock.${number}`), JSON.stringify({ ...facts, ...identity }))
    const claim = await claimFleet(planOf('test'), { env })
    assert.equal(claim.stale?.pid, process.pid)
    await claim.release()
  }
  // Nor is what was cut off by a loss of power.
  await writeFile(join(folder, 'lock.9'), '{"pid":')
  await (await claimFleet(planOf('test'), { env })).release()
})

test('what is no socket is not swept away', async (t) => {
  const env = await home(t)
  const { socketPath } = await claimFleet(planOf('test'), { env })
  const folder = join(env['XDG_STATE_HOME']!, 'pagent', 'test')
  await writeFile(socketPath, 'mine')
  for (const name of await readdir(folder)) if (name.startsWith('lock')) await rm(join(folder, name))
  const again = await claimFleet(planOf('test'), { env })
  assert.equal(await readFile(socketPath, 'utf8'), 'mine')
  await again.release()
})

test('fleets are found by their name, their folder, or because there is no other', async (t) => {
  const env = await home(t)
  await assert.rejects(findFleet(undefined, { env }), /No fleet is running; start one by `pagent up`/)
  const one = await claimFleet(planOf('one', '/srv/one'), { env })
  assert.equal((await findFleet(undefined, { env })).name, 'one')
  const two = await claimFleet(planOf('two', '/srv/two'), { env })
  assert.deepEqual(
    (await listFleets(env)).map(({ name, pid }) => [name, pid]),
    [
      ['one', process.pid],
      ['two', process.pid],
    ],
  )
  assert.equal((await findFleet(undefined, { env, folder: '/srv/two' })).name, 'two')
  assert.equal((await findFleet('one', { env })).socketPath, one.socketPath)
  await assert.rejects(findFleet(undefined, { env }), /several fleets: one, two; say which/)
  await assert.rejects(findFleet('three', { env }), {
    code: 'ERR_PAGENT_NO_MASTER',
    message: /"three" is not running; these are: one, two/,
  })
  await one.release()
  await two.release()
  assert.deepEqual(await listFleets(env), [])
})

test('a socket is where only its user gets to, and its path is never too long', async (t) => {
  const env = await home(t)
  const runtime = join(env['XDG_STATE_HOME']!, 'run')
  await mkdir(runtime, { mode: 0o700 })
  assert.equal(await socketPathOf('test', { ...env, XDG_RUNTIME_DIR: runtime }), join(runtime, 'pagent', 'test.sock'))
  const inState = join(env['XDG_STATE_HOME']!, 'pagent', 'test', 'control.sock')
  await chmod(runtime, 0o755)
  assert.equal(await socketPathOf('test', { ...env, XDG_RUNTIME_DIR: runtime }), inState)
  assert.equal(await socketPathOf('test', { ...env, XDG_RUNTIME_DIR: 'relative' }), inState)
  const long = { ...env, XDG_STATE_HOME: join(env['XDG_STATE_HOME']!, 'x'.repeat(100)) }
  const claim = await claimFleet(planOf('test'), { env: long })
  assert.ok(claim.socketPath.startsWith(join(tmpdir(), 'pagent-')), claim.socketPath)
  assert.equal((await stat(join(claim.socketPath, '..'))).mode & 0o777, 0o700)
  assert.equal((await stat(claim.folder)).mode & 0o777, 0o700)
  assert.equal((await findFleet('test', { env: long })).socketPath, claim.socketPath)
  await claim.release()
})

test('a folder that others can enter, a link, and a name that is no name are refused', async (t) => {
  const env = await home(t)
  const folder = join(env['XDG_STATE_HOME']!, 'pagent', 'open')
  await mkdir(join(folder, '..'), { mode: 0o700 })
  await mkdir(folder)
  await chmod(folder, 0o755)
  await assert.rejects(
    claimFleet(planOf('open'), { env }),
    /Cannot start fleet "open": others can enter .*; chmod 700 it/,
  )
  await symlink(folder, join(folder, '..', 'link'))
  await assert.rejects(claimFleet(planOf('link'), { env }), /Cannot start fleet "link"/)
  for (const name of ['', '..', '.x', 'a/b', 'a\nb', '-x', 'x'.repeat(101)])
    await assert.rejects(claimFleet(planOf(name), { env }), /Cannot name a fleet/)
})

test('nobody else can read what is kept of a fleet', async (t) => {
  const env = await home(t)
  const claim = await claimFleet(planOf('test'), { env })
  const { folder } = claim
  for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name)
  assert.equal(JSON.parse(await readFile(join(folder, 'lock.1'), 'utf8')).folder, '/srv/app')
  await claim.release()
})

const isRoot = process.getuid?.() === 0

test(
  'another user can neither reach a fleet nor read of it',
  { skip: !isRoot && 'needs root to be another' },
  async (t) => {
    const env = await home(t)
    await chmod(env['XDG_STATE_HOME']!, 0o755)
    const claim = await claimFleet(planOf('test'), { env })
    const server = createServer().listen(claim.socketPath)
    await once(server, 'listening')
    t.after(() => server.close())
    // Also where the socket itself would let him.
    await chmod(claim.socketPath, 0o777)
    const program = `
    const [socket, file] = process.argv.slice(1)
    const { readFileSync, readdirSync } = require('node:fs')
    const tries = [() => readFileSync(file), () => readdirSync(require('node:path').dirname(file))]
    const codes = tries.map((attempt) => { try { attempt(); return 'open' } catch (error) { return error.code } })
    require('node:net').connect(socket).on('connect', () => end('open')).on('error', (error) => end(error.code))
    const end = (code) => { console.log(JSON.stringify([...codes, code])); process.exit() }`
    const child = spawn('node', ['-e', program, claim.socketPath, join(claim.folder, 'lock.1')], {
      uid: 65_534,
      gid: 65_534,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] ?? '' },
    })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    assert.deepEqual(JSON.parse(line), ['EACCES', 'EACCES', 'EACCES'])
    await claim.release()
  },
)
