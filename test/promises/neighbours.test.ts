import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import type { LimitName, Limits, Master, Worker } from '../../src/index.ts'
import { compiled, needsCompiler } from '../support/compile.ts'
import { scaled } from '../support/scale.ts'
import { fixture } from '../support/story.ts'
import { abilitiesHere, assertGone, freshToken, storyUnless } from '../support/trees.ts'

const MIB = 2 ** 20
const ROUNDS = scaled(5)

interface Neighbour {
  readonly limit: LimitName
  readonly limits: Limits
  readonly run: (token: string) => readonly [file: string, args: readonly string[]]
}

const neighbours: Record<string, Neighbour> = {
  'memory bomb': {
    limit: 'memory',
    limits: { memory: '64MiB' },
    run: (token) => [compiled('eats-memory'), [token, '512']],
  },
  spin: { limit: 'cpuTime', limits: { cpuTime: 200 }, run: (token) => [compiled('spins'), [token, '0', '4']] },
  'fork bomb': { limit: 'processes', limits: { processes: 24 }, run: (token) => [compiled('fork-bomb'), [token]] },
  'disk filler': {
    limit: 'fileSize',
    limits: { fileSize: '2MiB' },
    run: (token) => [fixture('fills-the-disk.sh'), [fileOf(token)]],
  },
  flood: { limit: 'output', limits: { output: '8MiB' }, run: (token) => [fixture('floods-stdout.sh'), [token]] },
}

const { launcher, limits: enforceable } = await abilitiesHere()
const skip = enforceable.processes === undefined ? `only where limits are enforced, not by ${launcher}` : needsCompiler

void describe(`a worker is heard while bombs, a spin, a filler and a flood come to their limits ${ROUNDS} times`, () => {
  storyUnless(skip, 'with what this machine has', liveBeside)

  storyUnless(skip, 'without cgroups', async (master) => {
    // The first start looks at it.
    process.env['PAGENT_CGROUPS'] = 'off'
    try {
      await liveBeside(master)
    } finally {
      delete process.env['PAGENT_CGROUPS']
    }
  })
})

/** Nothing here looks at a clock: on a busy machine all is slow, but nothing is lost, stuck, or grows. */
async function liveBeside(master: Master): Promise<void> {
  const before = process.memoryUsage().heapUsed
  const turns = countTurns()
  const echo = await master.getWorker('echo').start('cat')
  let isOver = false
  const allEnd = Promise.all(Object.keys(neighbours).map((name) => misbehave(master, name)))
  const [heaps, messages] = await Promise.all([allEnd.finally(() => (isOver = true)), talk(echo, () => isOver)])
  assert.ok(messages >= 100, `${messages} messages`)
  const turned = turns.stop()
  assert.ok(turned >= 10 * ROUNDS, `the event loop stood still: timers fired ${turned} times`)
  const grown = Math.max(...heaps) - before
  assert.ok(grown < 128 * MIB, `the heap has grown by ${grown} bytes`)
  assert.equal(echo.state, 'running')
}

/** One message after the other, each answered before the next is sent; returns how many. */
async function talk(echo: Worker, isOver: () => boolean): Promise<number> {
  let sent = 0
  for (; !isOver() || sent < 100; sent++) {
    await echo.send(`message ${sent}`)
    assert.equal(await echo.receive(), `message ${sent}`)
  }
  return sent
}

/** Goes to its limit again and again; returns how large the heap was at most. */
async function misbehave(master: Master, name: string): Promise<number> {
  const { limit, limits, run } = neighbours[name] as Neighbour
  let [heap, messages] = [0, 0]
  const look = (): void => void (heap = Math.max(heap, process.memoryUsage().heapUsed))
  const onMessage = (): void => void (messages++ % 1000 === 0 && look())
  for (let round = 0; round < ROUNDS; round++) {
    const token = freshToken()
    const worker = await master.getWorker(name).start(...run(token), { limits, onMessage, shutdown: { grace: 20 } })
    assert.partialDeepStrictEqual(await worker.exited, { kind: 'limit', limit })
    look()
    await assertGone(token)
    rmSync(fileOf(token), { force: true })
  }
  return heap
}

function fileOf(token: string): string {
  return join(tmpdir(), `pagent-${token}`)
}

function countTurns(): { stop(): number } {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  return {
    stop: () => {
      clearInterval(timer)
      return turns
    },
  }
}
