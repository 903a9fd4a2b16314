import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { childrenOf, eventually, findByToken, isAlive } from '../support/processes.ts'
import { scaled } from '../support/scale.ts'
import { fixture } from '../support/story.ts'

const ROUNDS = scaled(100)
const AT_ONCE = 4

function startMaster(script: string, ...args: string[]): ChildProcessByStdio<null, Readable, null> {
  return startMasterWith(process.env, script, ...args)
}

function startMasterWith(
  env: NodeJS.ProcessEnv,
  script: string,
  ...args: string[]
): ChildProcessByStdio<null, Readable, null> {
  const flags = ['--disable-warning=ExperimentalWarning', script]
  return spawn(process.execPath, [...flags, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

void describe('nothing outlives the master', () => {
  void test(`kill -9 of the master at a random moment, ${ROUNDS} times: nothing is left 500 ms later`, async () => {
    let round = 0
    const lane = async (): Promise<void> => {
      while (round < ROUNDS) await killAtRandom(`77777.${process.pid}.${round++}`)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
  })

  void test('the keeper killed and then the master: the keeper had been replaced', async () => {
    const token = `66666.${process.pid}`
    const env = { ...process.env, PAGENT_LAUNCHER: 'portable' }
    const master = startMasterWith(env, fixture('busy-master.ts'), token)
    await once(master.stdout, 'data')
    const keeper = (): number | undefined =>
      childrenOf(master.pid ?? 0).find((pid) => findByToken('pagent-keeper').includes(pid))
    const first = keeper()
    assert.ok(first !== undefined)
    process.kill(first, 'SIGKILL')
    await eventually(() => (keeper() ?? first) !== first, 5000, 'the keeper was not replaced')
    // It is there before it was told whom to keep: the master has to come to that. What comes first may have been said before.
    for (let said = 0; said < 2; said++) await once(master.stdout, 'data')
    master.kill('SIGKILL')
    await eventually(() => findByToken(token).length === 0, 2000, 'workers are left')
  })

  void test('a descendant in a session of its own goes with the master too', async () => {
    const token = `55555.${process.pid}`
    const script = `import { Master } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
      await new Master().getWorker('w').start(${JSON.stringify(fixture('leaves-its-group.sh'))}, [${JSON.stringify(token)}], { ready: 'first-message' })
      console.log('ready')`
    const master = startMaster('--input-type=module-typescript', '-e', script)
    await once(master.stdout, 'data')
    assert.ok(findByToken(token).length >= 2)
    master.kill('SIGKILL')
    await eventually(
      () => findByToken(token).length === 0,
      500,
      () => `left: ${findByToken(token).join()}`,
    )
  })

  void test('a master that ends in order, or is told to by a signal, leaves nothing either', async () => {
    for (const ending of ['process.exit(0)', "process.kill(process.pid, 'SIGTERM')", 'throw new Error("bug")']) {
      const token = `44444.${process.pid}`
      const script = `import { Master } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
        const worker = await new Master().getWorker('w').start(${JSON.stringify(fixture('ignores-everything.sh'))}, [${JSON.stringify(token)}], { ready: 'first-message' })
        console.log(worker.pid)
        setImmediate(() => { ${ending} })`
      const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', script]
      const master = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'ignore'] })
      const [pid] = (await once(master.stdout, 'data')) as [Buffer]
      await once(master, 'exit')
      await eventually(() => findByToken(token).length === 0, 500, `after ${ending} a worker is left`)
      assert.equal(isAlive(Number(pid)), false)
    }
  })
})

async function killAtRandom(token: string): Promise<void> {
  const master = startMaster(fixture('busy-master.ts'), token)
  await once(master.stdout, 'data')
  await pause(Math.random() * 150)
  master.kill('SIGKILL')
  const ended = once(master, 'exit')
  await eventually(
    () => findByToken(token).length === 0,
    500,
    () => `left of ${token}: ${findByToken(token).join()}`,
  )
  await ended
}
