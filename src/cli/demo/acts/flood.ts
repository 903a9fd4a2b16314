import { readFileSync } from 'node:fs'
import { sleep, systemClock } from '../../../base/clock.ts'
import { formatBytes } from '../../../base/units.ts'
import type { Worker } from '../../../worker/worker.ts'
import { type Act, claim } from '../act.ts'

/** How long each reader reads, in milliseconds. */
const FAST = 300
const SLOW = 1000
/** What may grow meanwhile: room for the noise of a garbage collector. */
const FLAT = 32 * 2 ** 20

export const flood: Act = {
  title: 'Nothing grows without bound',
  promise: 'A worker that floods a slow reader has to wait; the memory of the master stays flat.',
  async run(stage) {
    const worker = await stage.node('flooder', 'flood')
    await stage.hear(worker)
    const quick = await read(worker, FAST, 0)
    const written = writtenBy(worker.pid)
    const slow = await read(worker, SLOW, 2)
    const during = writtenBy(worker.pid) - written
    await worker.stop({ eof: 0 })
    stage.tally.messages += quick.lines + slow.lines
    claim(slow.growth < FLAT, `memory stays flat; it grew by ${formatBytes(slow.growth)}`)
    const [fast, slowly] = [rate(quick.lines, FAST), rate(slow.lines, SLOW)]
    return [
      `a quick reader got ${fast}, a slow one ${slowly}${Number.isNaN(during) ? '' : `; of its flood the worker could write ${formatBytes(during)} in that second`}`,
      `memory of the master: ${formatBytes(slow.before)}, at most ${formatBytes(slow.growth)} more with the slow reader`,
    ]
  },
}

/** Reads for so long, with a pause after each line; watches the memory. */
async function read(
  worker: Worker,
  ms: number,
  pause: number,
): Promise<{ lines: number; before: number; growth: number }> {
  const before = process.memoryUsage.rss()
  let [lines, growth] = [0, 0]
  for (const end = systemClock.now() + ms; systemClock.now() < end; lines++) {
    claim((await worker.receive()) !== undefined, 'the flood goes on')
    if (pause > 0) await sleep(systemClock, pause)
    if (pause > 0) growth = Math.max(growth, process.memoryUsage.rss() - before)
  }
  return { lines, before, growth }
}

const rate = (lines: number, ms: number): string => `${formatBytes(Math.round((lines * 1024 * 1000) / ms))}/s`

/** Bytes that the process has written so far; not a number where the system does not say. */
function writtenBy(pid: number | undefined): number {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return Number.NaN
  }
}
