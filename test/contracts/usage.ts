import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Abilities, LimitName, Limits, Master, Usage, Worker } from '../../src/index.ts'
import { compiled, needsCompiler } from '../support/compile.ts'
import { stretched } from '../support/scale.ts'
import { fixture } from '../support/story.ts'
import { assertAnswers, assertGone, freshToken, storyUnless } from '../support/trees.ts'

const MIB = 2 ** 20

/** Limits that slow a worker down or make its calls fail, limits that must be exact, and what a worker uses. */
export function testUsage(name: string, abilities: Abilities): void {
  const isMeasured = abilities.limits.cpuTime !== undefined
  const skip = isMeasured ? needsCompiler : `only where usage is measured, not by ${abilities.launcher}`

  void describe(`usage ${name}, by ${abilities.launcher}`, () => {
    storyUnless(skip, 'cpus slows it down', (master) => slowDown(master, abilities))

    storyUnless(false, 'openFiles makes open fail, and the program lives on', async (master) => {
      const limits: Limits = { openFiles: 64 }
      const started = master
        .getWorker('w')
        .start(process.execPath, [fixture('opens-files.mjs'), freshToken()], { limits })
      if (abilities.limits.openFiles === undefined)
        return assert.rejects(started, { code: 'ERR_PAGENT_LIMIT_UNSUPPORTED' })
      const worker = await started
      assert.deepEqual(worker.limits.openFiles, { max: 64, ...abilities.limits.openFiles })
      assert.equal(await worker.receive(), 'EMFILE')
      await assertAnswers(worker)
    })

    for (const [limit, value] of Object.entries(modest)) {
      storyUnless(false, `enforce: 'exact' with ${limit} is kept or refused`, async (master) => {
        const limits = { [limit]: value, enforce: 'exact' } as const
        const started = master.getWorker('w').start('cat', [], { limits })
        const ability = abilities.limits[limit as LimitName]
        if (ability?.exact !== true) return assert.rejects(started, { code: 'ERR_PAGENT_LIMIT_UNSUPPORTED', limit })
        const worker = await started
        assert.partialDeepStrictEqual(worker.limits[limit as LimitName], { ...ability, exact: true })
        await assertAnswers(worker)
      })
    }

    storyUnless(skip, 'measure() tells CPU time that grows', async (master) => {
      const worker = await master.getWorker('w').start(compiled('spins'), [freshToken(), '0'])
      const first = await worker.measure()
      const later = await measureUntil(worker, ({ cpuTime }) => cpuTime >= first.cpuTime + 50)
      assert.ok(worker.usage.cpuTime >= later.cpuTime)
      worker.kill()
      assert.ok((await worker.exited).usage.cpuTime >= later.cpuTime - 20)
    })

    for (const [how, limits] of Object.entries(withAndWithout)) {
      storyUnless(skip, `memory is at least what was touched, ${how}, and stays known`, async (master) => {
        const worker = await master.getWorker('w').start(compiled('eats-memory'), [freshToken(), '64'], { limits })
        assert.equal(await worker.receive(), 'ate 64')
        const { memory, memoryPeak } = await worker.measure()
        assert.ok(memory >= 64 * MIB && memory < 96 * MIB, `memory ${memory}`)
        assert.ok(memoryPeak >= 64 * MIB, `memoryPeak ${memoryPeak}`)
        const { usage } = await worker.stop()
        assert.ok(usage.memoryPeak >= 64 * MIB, `memoryPeak ${usage.memoryPeak} in the end`)
      })

      for (const [by, command] of Object.entries(burners)) {
        storyUnless(skip, `CPU time in the end is what was burned by ${by}, ${how}`, async (master) => {
          const token = freshToken()
          const worker = await master.getWorker('w').start(...command(token), { limits })
          const said = await worker.receive()
          const burned = Number(/^burned (?<ms>[\d.]+)$/.exec(String(said))?.groups?.['ms'])
          const { usage } = await worker.exited
          const told = `${usage.cpuTime} ms, its own clock said ${burned}`
          assert.ok(Math.abs(usage.cpuTime - burned) <= stretched(Math.max(50, 0.1 * burned)), told)
          assert.deepEqual(worker.usage, usage)
          await assertGone(token)
        })
      }
    }

    storyUnless(isMeasured ? false : skip, 'processes are counted, down as well as up', async (master) => {
      const token = freshToken()
      const script = 'sleep "$1" & a=$!; sleep "$1" & b=$!; echo up; read -r _; kill $a $b; wait; echo down; read -r _'
      const worker = await master.getWorker('w').start('sh', ['-c', script, 'sh', token])
      assert.equal(await worker.receive(), 'up')
      assert.equal((await measureUntil(worker, ({ processes }) => processes === 3)).processes, 3)
      await worker.send('go')
      assert.equal(await worker.receive(), 'down')
      assert.equal((await measureUntil(worker, ({ processes }) => processes === 1)).processes, 1)
      await worker.stop()
      await assertGone(token)
    })
  })
}

/** A value for each limit that `cat` never reaches. */
const modest: { readonly [L in LimitName]: number | string } = {
  memory: '64MiB',
  cpuTime: '1m',
  cpus: 1,
  wallTime: '1m',
  idle: '1m',
  output: '1MiB',
  processes: 16,
  openFiles: 64,
  fileSize: '1MiB',
}

/** Measured by a cgroup where there is one, and without. */
const withAndWithout: Record<string, Limits> = {
  'with limits': { cpuTime: '1h', memory: '1GiB', processes: 100 },
  'without limits': {},
}

/** Programs that say how much CPU time they have used, and end. */
const burners: Record<string, (token: string) => [string, string[]]> = {
  'one thread': (token) => [compiled('spins'), [token, '300']],
  'four threads': (token) => [compiled('spins'), [token, '400', '4']],
  'children that have ended': (token) => [compiled('spins-in-children-that-exit'), [token, '300']],
}

/** A program with two threads would use two CPUs; how much it gets in a second depends on the machine, but not more. */
async function slowDown(master: Master, abilities: Abilities): Promise<void> {
  const limits: Limits = { cpus: 0.5 }
  const started = master.getWorker('w').start(compiled('spins'), [freshToken(), '0', '2'], { limits })
  if (abilities.limits.cpus === undefined) return assert.rejects(started, { code: 'ERR_PAGENT_LIMIT_UNSUPPORTED' })
  const worker = await started
  assert.deepEqual(worker.limits.cpus, { max: 0.5, ...abilities.limits.cpus })
  // It begins with what a period holds. The clock runs before it is looked at: who is late must not take it for fast.
  const start = performance.now()
  const first = await measureUntil(worker, ({ cpuTime }) => cpuTime >= 100)
  const later = await measureUntil(worker, ({ cpuTime }) => cpuTime >= first.cpuTime + 500)
  const share = (later.cpuTime - first.cpuTime) / (performance.now() - start)
  assert.ok(share < 0.75, `it got ${share} CPUs`)
  assert.equal(worker.state, 'running')
}

async function measureUntil(worker: Worker, done: (usage: Usage) => boolean): Promise<Usage> {
  for (let left = stretched(2000); ; left--) {
    const usage = await worker.measure()
    if (done(usage)) return usage
    assert.ok(left > 0, `never so: ${JSON.stringify(usage)}`)
    await pause(5)
  }
}
