import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import type { Abilities, Exit, LimitName, Limits, Master } from '../../src/index.ts'
import { compiled, needsCompiler, needsPython } from '../support/compile.ts'
import { scaled, stretched } from '../support/scale.ts'
import { fixture } from '../support/story.ts'
import { assertAnswers, assertGone, freshToken, storyUnless } from '../support/trees.ts'

const MIB = 2 ** 20
const shutdown = { grace: 20 }

type Command = readonly [file: string, args: readonly string[]]
type LimitExit = Extract<Exit, { kind: 'limit' }>

/** One limit, and a program that goes beyond it. */
interface Misbehaviour {
  readonly limit: LimitName
  readonly max: number
  /** What it does, as the end of a title. */
  readonly by: string
  readonly skip?: string | false
  readonly run: (token: string) => Command
}

const eatsMemory = (token: string): Command => [compiled('eats-memory'), [token, '512']]

const misbehaviours: readonly Misbehaviour[] = [
  { limit: 'memory', max: 64 * MIB, by: 'a program in C that takes it at once', skip: needsCompiler, run: eatsMemory },
  {
    limit: 'memory',
    max: 128 * MIB,
    by: 'a program in JavaScript',
    run: (token) => [process.execPath, [fixture('eats-memory.mjs'), token, '512']],
  },
  {
    limit: 'memory',
    max: 48 * MIB,
    by: 'a program in Python',
    skip: needsPython,
    run: (token) => ['python3', [fixture('eats-memory.py'), token, '512']],
  },
  {
    limit: 'memory',
    max: 64 * MIB,
    by: 'a child, whose parent says that all is well',
    skip: needsCompiler,
    run: (token) => [fixture('eats-memory-in-a-child-and-exits-0.sh'), [token, ...eatsMemory(token).flat()]],
  },
  {
    limit: 'processes',
    max: 24,
    by: 'a fork bomb',
    skip: needsCompiler,
    run: (token) => [compiled('fork-bomb'), [token]],
  },
  {
    limit: 'processes',
    max: 24,
    by: 'a fork bomb that leaves its session',
    skip: needsCompiler,
    run: (token) => [compiled('fork-bomb-that-leaves-its-session'), [token]],
  },
  {
    limit: 'fileSize',
    max: 2 * MIB,
    by: 'a program that fills the disk',
    run: (token) => [fixture('fills-the-disk.sh'), [join(tmpdir(), `pagent-${token}`)]],
  },
  { limit: 'output', max: MIB, by: 'a flood', run: (token) => [fixture('floods-stdout.sh'), [token]] },
  { limit: 'idle', max: 100, by: 'silence', run: (token) => [fixture('silent.sh'), [token]] },
  { limit: 'wallTime', max: 100, by: 'patience', run: (token) => [fixture('silent.sh'), [token]] },
]

/** The ways to use CPU time, each told how much of it at most: 0 is without end. */
const spinners: Record<string, (token: string) => Command> = {
  'one thread': (token) => [compiled('spins'), [token, '0']],
  'four threads': (token) => [compiled('spins'), [token, '0', '4']],
  'a grandchild': (token) => [fixture('spins-in-a-grandchild.sh'), [compiled('spins'), token, '0']],
  'children that have ended': (token) => [compiled('spins-in-children-that-exit'), [token, '0']],
}

/** What every limit must do; `abilities` says who enforces it here. */
export function testLimits(name: string, abilities: Abilities): void {
  void describe(`limits ${name}, by ${abilities.launcher}`, () => {
    for (const { limit, max, by, skip = false, run } of misbehaviours) {
      storyUnless(skip, `${limit} ends ${by}`, async (master) => {
        const exit = await endAt(master, abilities, { limit, max, run })
        if (exit === undefined) return
        // A cgroup counts in pages, and what it counts last may be just below.
        assert.ok(exit.observed >= 0.9 * max, `observed ${exit.observed} of ${max}`)
      })
    }

    for (const max of [100, 300, 1000]) {
      for (const [by, run] of Object.entries(spinners)) {
        storyUnless(needsCompiler, `cpuTime ends ${by} at ${max} ms, not much later`, async (master) => {
          // A machine that stands still for a moment looks too late: one just end in five shows that it can.
          for (let left = 4; ; left--) {
            const exit = await endAt(master, abilities, { limit: 'cpuTime', max, run })
            await master.delWorker('neighbour')
            if (exit === undefined || isJust(exit)) return
            assert.ok(left > 0, `observed ${exit.observed}, in the end ${exit.usage.cpuTime}, of ${max} ms`)
          }
        })
      }
    }

    storyUnless(needsCompiler, 'a program that ends at its limit has one of two causes', async (master) => {
      if (abilities.limits.cpuTime === undefined) return
      for (let i = 0; i < scaled(50); i++) await endInARace(master, i % 2 === 0)
    })
  })
}

/** Starts it with the limit. Where nobody can enforce that, it must be refused; else it must be its end, and no more. */
async function endAt(
  master: Master,
  abilities: Abilities,
  { limit, max, run }: Pick<Misbehaviour, 'limit' | 'max' | 'run'>,
): Promise<LimitExit | undefined> {
  const token = freshToken()
  const neighbour = await master.getWorker('neighbour').start('cat')
  const [file, args] = run(token)
  const started = master.getWorker('bad').start(file, args, { limits: { [limit]: max }, shutdown, onMessage: () => {} })
  const ability = abilities.limits[limit]
  if (ability === undefined) {
    await assert.rejects(started, { code: 'ERR_PAGENT_LIMIT_UNSUPPORTED', limit })
    return undefined
  }
  const worker = await started
  try {
    assert.deepEqual(worker.limits, { [limit]: { max, ...ability } })
    const exit = await worker.exited
    assert.partialDeepStrictEqual(exit, { kind: 'limit', limit, max, ...ability, ...lastResort(exit) })
    await assertGone(token)
    await assertAnswers(neighbour)
    return exit as LimitExit
  } finally {
    rmSync(join(tmpdir(), `pagent-${token}`), { force: true })
  }
}

/** Where whoever watches CPU time gets no CPU, the kernel ends the worker, to the second. */
function lastResort(exit: Exit): object {
  const isByKernel = exit.kind === 'limit' && exit.limit === 'cpuTime' && exit.enforcedBy === 'rlimit'
  return isByKernel ? { enforcedBy: 'rlimit', exact: true } : {}
}

/** CPU time is right to 10 % or 50 ms, in what was observed and in what was used in the end. */
function isJust({ max, observed, usage }: LimitExit): boolean {
  const most = max + stretched(Math.max(50, 0.1 * max))
  return observed >= max && observed <= most && usage.cpuTime >= observed - 20 && usage.cpuTime <= most
}

/** It ends by itself with code 3 when it has used what it may. */
async function endInARace(master: Master, isTime: boolean): Promise<void> {
  const limits: Limits = isTime ? { wallTime: 30 } : { cpuTime: 30 }
  const [file, args] = isTime
    ? ['sh', ['-c', 'sleep 0.03; exit 3']]
    : [compiled('spins'), [freshToken(), '30', '1', '3']]
  const worker = await master.getWorker('racer').start(file, args, { limits, shutdown })
  const exit = await worker.exited
  const expected = exit.kind === 'failed' ? { exitCode: 3 } : { kind: 'limit', limit: isTime ? 'wallTime' : 'cpuTime' }
  assert.partialDeepStrictEqual(exit, expected)
}
