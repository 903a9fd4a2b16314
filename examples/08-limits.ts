// A program that runs too long, one that hangs, one that floods, one that eats memory: each is ended, and its exit says
// by which limit. Where nobody can enforce a limit, it is refused.
import { type Limits, LimitUnsupportedError, Master } from 'pagent'

const master = new Master({ defaults: { shutdown: { eof: 0, grace: '500ms' } } })
const run = async (id: string, program: string, limits: Limits): Promise<void> => {
  try {
    const worker = await master.getWorker(id).start('sh', ['-c', program], { limits, onMessage: () => {} })
    const exit = await worker.exited
    if (exit.kind === 'limit') console.log(id, exit.limit, exit.max, exit.exact ? 'exact' : 'watched')
  } catch (error) {
    if (error instanceof LimitUnsupportedError) console.log(id, error.limit, 'refused')
  }
}
await run('long', 'while :; do echo tick; sleep 0.05; done', { wallTime: '300ms' }) // → long wallTime 300 exact
await run('hung', 'echo one; exec sleep 60', { idle: '300ms' }) // → hung idle 300 exact
await run('loud', 'exec yes', { output: '64KiB' }) // → loud output 65536 exact
await run('fat', '(head -c 300M /dev/zero; sleep 60) | tail', { memory: '64MiB' }) // → fat memory …
await run('busy', 'while :; do :; done', { cpuTime: '200ms' }) // → busy cpuTime …
await master.stop()
