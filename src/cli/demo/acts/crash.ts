import { describeExit } from '../../../base/exit.ts'
import { type Act, claim } from '../act.ts'

export const crash: Act = {
  title: 'What crashes comes back',
  promise: 'A worker that fails is started again, and its end is told with its last words.',
  async run(stage) {
    const worker = await stage.node('crasher', 'pulse', [], { restart: 'transient' })
    const before = worker.pid
    claim((await stage.ask(worker, 'ping 1')) === 'pong 1', 'it answers')
    const { exited } = worker
    await stage.say(worker, 'crash')
    const exit = await exited
    claim(exit.kind === 'failed' && exit.exitCode === 3, `its end is failed with 3, not ${exit.kind}`)
    const words = exit.stderrTail.trim()
    claim(words.includes('on purpose'), 'its end carries what it said on stderr')
    await stage.ready(worker, 2)
    claim((await stage.ask(worker, 'ping 2')) === 'pong 2', 'its next life answers')
    claim(worker.pid !== before, 'its next life is another process')
    return [
      `it ${describeExit(exit)}, saying "${words.slice(words.lastIndexOf('\n') + 1)}"`,
      `its second life (pid ${worker.pid}) answered`,
    ]
  },
}
