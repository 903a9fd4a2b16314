import { describeExit } from '../../../base/exit.ts'
import type { Worker } from '../../../worker/worker.ts'
import { type Act, claim } from '../act.ts'
import type { Stage } from '../stage.ts'

export const crash: Act = {
  title: 'What crashes comes back',
  promise:
    'A worker that fails is started again, and with it those who depend on it; its end is told with its last words.',
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
      await crashInATree(stage),
    ]
  },
}

/** Under a supervisor, whose children depend on those before them. */
async function crashInATree(stage: Stage): Promise<string> {
  const family = await stage.supervise('shop', 'rest-for-one', 'pulse', ['store', 'index', 'web'])
  const [store, index, web] = family as [Worker, Worker, Worker]
  const before = family.map(({ pid }) => pid)
  await stage.say(index, 'crash')
  await stage.ready(web, 2)
  claim(store.incarnation === 1 && store.pid === before[0], 'who was started before it goes on')
  claim(index.pid !== before[1] && web.pid !== before[2], 'who was started after it is started again with it')
  claim((await stage.ask(web, 'ping 3')) === 'pong 3', 'and answers')
  return 'of store, index and web, index crashed: web was stopped and started again behind it, store went on'
}
