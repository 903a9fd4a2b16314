import { formatMillis } from '../../../base/units.ts'
import type { Worker } from '../../../worker/worker.ts'
import { type Act, claim } from '../act.ts'

const TIMEOUT = 700

export const hang: Act = {
  title: 'What hangs is replaced',
  promise: 'A worker that runs and no longer answers is ended, and a new one takes its place.',
  async run(stage) {
    const check = async (worker: Worker): Promise<void> => {
      claim((await stage.ask(worker, 'ping')) === 'pong', 'it answers')
    }
    const worker = await stage.node('hanger', 'pulse', [], {
      restart: 'transient',
      // A cold start may take longer than an answer.
      ready: check,
      alive: { every: '100ms', timeout: TIMEOUT, check },
    })
    const { exited, incarnation } = worker
    await stage.say(worker, 'hang')
    const exit = await exited
    claim(exit.kind === 'unresponsive', `its end is unresponsive, not ${exit.kind}`)
    await stage.ready(worker, incarnation + 1)
    await worker.stop()
    return [`it no longer answered, was ended after ${formatMillis(exit.after)} of silence, and its next life answers`]
  },
}
