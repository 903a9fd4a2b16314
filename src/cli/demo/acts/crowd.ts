import { monitorEventLoopDelay } from 'node:perf_hooks'
import { sleep, systemClock } from '../../../base/clock.ts'
import { formatMillis } from '../../../base/units.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

const SIZE = 40
/** Far more than it takes, for the sake of machines that have other things to do. */
const PAUSE = 1000
/** How long nothing is done, to compare with, in milliseconds. */
const IDLE = 200

export const crowd: Act = {
  title: 'Many at once',
  promise: `${SIZE} workers start, answer and stop at once, and your program never waits ${formatMillis(PAUSE)} for its turn.`,
  async run(stage) {
    const idle = await idlePause()
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const began = systemClock.now()
    const crowded = await Promise.all(Array.from({ length: SIZE }, (_, i) => one(stage, `cat ${i + 1}`)))
    const up = systemClock.now() - began
    const exits = await Promise.all(crowded.map((stop) => stop()))
    const took = systemClock.now() - began - up
    delay.disable()
    claim(exits.every(Boolean), 'each of them is stopped')
    const longest = delay.max / 1e6
    claim(longest < PAUSE, `no pause is that long; one was ${formatMillis(longest)}`)
    return [
      `${SIZE} workers were up and had answered after ${formatMillis(up)}, and stopped ${formatMillis(took)} later`,
      `meanwhile the longest pause of the event loop was ${formatMillis(longest)}; with nothing to do it was ${formatMillis(idle)}`,
    ]
  },
}

/** The longest pause that this machine makes by itself. */
async function idlePause(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await sleep(systemClock, IDLE)
  delay.disable()
  return delay.max / 1e6
}

async function one(stage: Stage, id: string): Promise<() => Promise<boolean>> {
  const worker = await stage.start(id, 'cat')
  await worker.send(id)
  claim((await worker.receive()) === id, `${id} answers`)
  stage.tally.messages += 2
  return async () => (await worker.stop()).kind === 'stopped'
}
