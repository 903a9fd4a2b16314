import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Master, type Worker } from '../../src/index.ts'
import { assertNothingLeft, holdings } from '../support/processes.ts'
import { scaled } from '../support/scale.ts'
import { story } from '../support/story.ts'

const ROUNDS = scaled(1000)
const AT_ONCE = 16

/** A small generator with a seed, so that a failing round can be played again. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >>> 8) % sides
  }
}

/** Every call that hands out a promise. */
const CALLS: Readonly<Record<string, (worker: Worker) => Promise<unknown>>> = {
  send: (worker) => worker.send('hello'),
  sendMuch: (worker) => worker.send('x'.repeat(300_000)),
  receive: (worker) => worker.receive(),
  iterate: async (worker) => {
    for await (const line of worker) if (line === 'never') break
  },
  end: (worker) => worker.end(),
  stop: (worker) => worker.stop({ eof: 5, grace: 5 }),
  restart: (worker) => worker.restart(),
  exited: (worker) => worker.exited,
  closed: (worker) => worker.closed,
  startAgain: (worker) => worker.start(),
}

const PROGRAMS: readonly (readonly [string, readonly string[]])[] = [
  ['cat', []],
  ['sleep', ['1000']],
  ['sh', ['-c', 'echo up; cat']],
  ['yes', ['y'.repeat(100)]],
  ['true', []],
]

const READY = ['spawn', 'first-message', /up|y/, () => Promise.resolve()] as const

void describe('everything settles', () => {
  void test(`a worker is killed before, during and after every call, ${ROUNDS} times`, async () => {
    const before = holdings()
    const master = new Master()
    let round = 0
    const lane = async (): Promise<void> => {
      while (round < ROUNDS) await playRound(master, round++)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    await master.stop()
    await assertNothingLeft(before)
  })

  story('what waits for a worker ends within a turn of its exit', async (master) => {
    const worker = await master.getWorker('w').start('sleep', ['1000'])
    const settled: string[] = []
    const waits = {
      receive: worker.receive(),
      send: worker.send('x'.repeat(1_000_000)),
      closed: worker.closed,
    }
    for (const [name, promise] of Object.entries(waits))
      promise.then(
        () => settled.push(name),
        () => settled.push(name),
      )
    worker.kill()
    await worker.exited
    await turn()
    assert.deepEqual(settled.toSorted(), ['closed', 'receive', 'send'])
  })
})

async function playRound(master: Master, round: number): Promise<void> {
  const roll = dice(round + 1)
  const [file, args] = PROGRAMS[roll(PROGRAMS.length)] as (typeof PROGRAMS)[number]
  const worker = master.getWorker(`w${round}`)
  const names = Object.keys(CALLS)
  const pending = new Map<string, Promise<unknown>>()
  const call = (): void => {
    const name = names[roll(names.length)] as string
    const promise = (CALLS[name] as (worker: Worker) => Promise<unknown>)(worker)
    promise.catch(() => {})
    pending.set(`${pending.size} ${name}`, promise)
  }
  const started = worker.start(file, args, {
    ready: READY[roll(READY.length)] as 'spawn',
    readyTimeout: 200,
    shutdown: { grace: 5 },
  })
  started.catch(() => {})
  pending.set('start', started)
  const killAt = roll(7)
  for (let i = 0; i < 6; i++) {
    if (i === killAt) worker.kill()
    call()
    if (roll(2) === 0) await turn()
    if (roll(8) === 0) await Promise.race([started, turn()]).catch(() => {})
  }
  await settleAll(round, worker, pending)
  await master.delWorker(worker.id, { eof: 0, grace: 0 })
}

/** After the last life has ended, nothing is pending. */
async function settleAll(round: number, worker: Worker, pending: ReadonlyMap<string, Promise<unknown>>): Promise<void> {
  const open = new Set(pending.keys())
  for (const [name, promise] of pending) {
    const close = (): unknown => open.delete(name)
    promise.then(close, close)
  }
  for (let lives = 0; open.size > 0 && lives < 20; lives++) {
    worker.kill()
    await worker.stop({ eof: 0, grace: 0 })
    for (let i = 0; i < 10 && open.size > 0; i++) await turn()
  }
  assert.deepEqual([...open], [], `still pending in round ${round} after the exit`)
}
