import type { Exit, StopStep } from '../../../base/exit.ts'
import { systemClock } from '../../../base/clock.ts'
import { formatMillis } from '../../../base/units.ts'
import type { Shutdown } from '../../../process/ladder.ts'
import type { Worker } from '../../../worker/worker.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

/** A worker, how long each rung may take, and the rung that is expected to work. */
type Case = readonly [worker: Worker, shutdown: Shutdown, step: StopStep]

export const ladder: Act = {
  title: 'Stop always works',
  promise: 'End of input, then SIGTERM, then SIGKILL to the whole tree: it says which rung it took.',
  async run(stage) {
    const [polite, deaf, stubborn] = await Promise.all([
      stage.start('polite', 'cat'),
      stage.start('deaf', 'sleep', ['1000']),
      stage.node('stubborn', 'stubborn', [], { ready: 'first-message' }),
    ])
    await stage.hear(stubborn)
    const cases: readonly Case[] = [
      [polite, { eof: '9s' }, 'eof'],
      [deaf, { eof: '100ms', grace: '9s' }, 'SIGTERM'],
      [stubborn, { eof: '200ms', grace: '400ms' }, 'SIGKILL'],
    ]
    const [facts] = await Promise.all([Promise.all(cases.map(stop)), hearAll(stage, stubborn)])
    return facts
  },
}

async function stop([worker, shutdown, step]: Case): Promise<string> {
  const began = systemClock.now()
  const exit = await worker.stop(shutdown)
  claim(exit.kind === 'stopped' && exit.step === step, `${worker.id} is stopped by ${step}, not by ${rung(exit)}`)
  const how = step === 'eof' ? 'ended with its input' : `ended by ${step}`
  return `${worker.id} ${how}, ${formatMillis(systemClock.now() - began)} after it was asked to`
}

const rung = (exit: Exit): string => (exit.kind === 'stopped' ? exit.step : exit.kind)

async function hearAll(stage: Stage, worker: Worker): Promise<void> {
  while ((await stage.hear(worker)) !== undefined);
}
