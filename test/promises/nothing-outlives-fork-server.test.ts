import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { createInterface } from 'node:readline'
import { Master } from '../../src/index.ts'
import { compiled, needsCompiler } from '../support/compile.ts'
import { assertNothingLeft, childrenOf, eventually, findByToken, holdings, isAlive } from '../support/processes.ts'
import { scaled, stretched } from '../support/scale.ts'
import { fixture } from '../support/story.ts'
import { abilitiesHere, assertGone, freshToken } from '../support/trees.ts'

const WORKERS = scaled(100)
/** Four that sleep, one of them the worker itself; the fifth is a new process all the time. */
const SLEEPING = 4 * WORKERS
const SOON = 250
const ROUNDS = scaled(10)

const { launcher } = await abilitiesHere()
const skip = launcher === 'fork-server' ? needsCompiler : `only with the fork server, not with ${launcher}`

type Victim = 'master' | 'server' | 'guardian'
type Running = ChildProcessByStdio<Writable, Readable, Readable>

void describe(`nothing outlives the fork server: ${WORKERS} workers with four descendants each`, { skip }, () => {
  const deaths: readonly (readonly Victim[])[] = [
    ['master'],
    ['server', 'master'],
    ['guardian', 'master'],
    ['server'],
    ['guardian'],
  ]
  for (const victims of deaths) {
    const isSurvived = !victims.includes('master')
    const after = isSurvived ? '; the master lives on' : ''
    void test(`kill -9 of ${victims.join(' and ')}: nothing is left soon after${after}`, async (t) => {
      const before = holdings()
      const token = freshToken()
      const { master, pids } = await startMany(t, token)
      for (const victim of victims) process.kill(pids[victim], 'SIGKILL')
      await assertGone(token, stretched(SOON), [pids.master])
      if (isSurvived) await assertSurvived(master)
      else if (master.exitCode === null && master.signalCode === null) await once(master, 'exit')
      await assertEnded(Object.values(pids))
      await assertNothingLeft(before)
    })
  }

  void test(`what forks as fast as it can does not get away either, ${ROUNDS} times`, async (t) => {
    // Whether it is seen is a matter of luck.
    for (let round = 0; round < ROUNDS; round++) await killMasterOfForker(t)
  })

  void test(`what forks as fast as it can ends with its worker, however many others there are to look at, ${ROUNDS} times`, async (t) => {
    const before = holdings()
    const master = new Master()
    t.after(() => master.stop())
    await master.getWorker('crowd').start('sh', ['-c', 'for i in $(seq 500); do sleep 1000 & done; echo up; wait'], {
      ready: 'first-message',
    })
    for (let round = 0; round < ROUNDS; round++) await stopForker(t, master)
    await master.stop()
    await assertNothingLeft(before)
  })
})

async function stopForker(t: TestContext, master: Master): Promise<void> {
  const { command, token, beat } = forker(t)
  const worker = await master.getWorker('w').start('sh', command, { ready: 'first-message' })
  await worker.stop({ eof: 0, grace: 0 })
  await assertStill(beat)
  assert.deepEqual(findByToken(token), [])
}

async function killMasterOfForker(t: TestContext): Promise<void> {
  const { command, token, beat } = forker(t)
  const script = `import { Master, forkServer } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
    const master = new Master({ launcher: forkServer() })
    await master.getWorker('w').start('sh', ${JSON.stringify(command)}, { ready: 'first-message' })
    console.log('ready')
    setInterval(() => {}, 1000)`
  const master = start(t, '--input-type=module-typescript', '-e', script)
  await saysSomething(master)
  process.kill(master.pid as number, 'SIGKILL')
  await once(master, 'exit')
  await assertStill(beat)
  assert.deepEqual(findByToken(token), [])
}

/** A command for `sh` whose descendant is another process all the time; whoever is started first lives on. */
function forker(t: TestContext): { command: string[]; token: string; beat: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [beat, token] = [join(folder, 'beat'), freshToken()]
  return { command: ['-c', '"$@" & exec sleep 1000', 'sh', compiled('forks-in-a-loop'), token, '0', beat], token, beat }
}

/** What the masters say on stderr: nothing. */
const complaints: string[] = []

function start(t: TestContext, ...args: string[]): Running {
  const flags = ['--disable-warning=ExperimentalWarning', ...args]
  const master = spawn(process.execPath, flags, { stdio: 'pipe' })
  master.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text))
  t.after(() => master.kill('SIGKILL'))
  return master
}

async function saysSomething(master: Running): Promise<void> {
  const said = once(master.stdout, 'data').then(() => true)
  const ended = once(master, 'exit').then(() => false)
  assert.ok(await Promise.race([said, ended]), `the master ended instead: ${complaints.join('')}`)
}

async function startMany(t: TestContext, token: string): Promise<{ master: Running; pids: Record<Victim, number> }> {
  const master = start(t, fixture('master-of-many.ts'), token, String(WORKERS), compiled('forks-in-a-loop'))
  await saysSomething(master)
  const guardian = childNamed(master.pid as number, 'pagent-guard')
  const server = childNamed(guardian, 'pagent-fork')
  const found = findByToken(token).length
  assert.ok(found >= SLEEPING, `there are ${found} processes, not ${SLEEPING}`)
  return { master, pids: { master: master.pid as number, guardian, server } }
}

function childNamed(parent: number, name: string): number {
  const found = childrenOf(parent).filter((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1').trim() === name)
  assert.equal(found.length, 1, `${parent} has ${found.length} children with the name ${name}`)
  return found[0] as number
}

/** Every worker has ended for a cause that can be understood, and the next start works. */
async function assertSurvived(master: Running): Promise<void> {
  master.stdin.write('report\n')
  const [line] = (await once(createInterface(master.stdout), 'line')) as [string]
  const { causes, again } = JSON.parse(line) as { causes: string[]; again: string }
  assert.deepEqual([...new Set(causes)], ['crashed launcher'])
  assert.equal(causes.length, WORKERS)
  assert.equal(again, 'hello')
  if (!master.stderr.closed) await once(master, 'close')
  assert.deepEqual(complaints.splice(0), [])
}

async function assertEnded(pids: readonly number[]): Promise<void> {
  // They have folders to remove, and wait for those who die.
  await eventually(() => !pids.some(isAlive), stretched(2000), 'a master, a server or a guardian is left')
}

/** The count of its generations stands still. */
async function assertStill(beat: string): Promise<void> {
  const read = (): string => readFileSync(beat, 'latin1')
  let [last, quiet] = [read(), 0]
  await eventually(
    () => {
      const now = read()
      quiet = now === last ? quiet + 1 : 0
      last = now
      return quiet >= 20
    },
    // It is looked for again and again, and whoever else wants the CPU makes each look later.
    stretched(4 * SOON) + 100,
    () => `it forks on: ${last.trim()} generations`,
  )
  await pause(50)
  assert.equal(read(), last)
}
