import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../../base/clock.ts'
import { formatMillis } from '../../../base/units.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

const SIZE = 40
/** Far more than it takes, for the sake of machines that have other things to do. */
const PAUSE = 1000

export const crowd: Act = {
  title: 'The event loop stays free',
  promise: 'Starting, asking and stopping many does not keep the rest of your program waiting.',
  async run(stage) {
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
    claim(longest < PAUSE, `the longest pause is short; it was ${formatMillis(longest)}`)
    return [
      `${SIZE} workers were up and had answered after ${formatMillis(up)}, and stopped ${formatMillis(took)} later`,
      `meanwhile the longest pause of the event loop was ${formatMillis(longest)}`,
    ]
  },
}

async function one(stage: Stage, id: string): Promise<() => Promise<boolean>> {
  const worker = await stage.start(id, 'cat')
  await worker.send(id)
  claim((await worker.receive()) === id, `${id} answers`)
  stage.tally.messages += 2
  return async () => (await worker.stop()).kind === 'stopped'
}
