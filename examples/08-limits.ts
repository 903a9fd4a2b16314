// A program that runs too long, one that hangs, one that floods: each is ended, and the exit says by which limit.
import { LimitUnsupportedError, Master } from 'pagent'

const master = new Master({ defaults: { shutdown: { eof: 0, grace: '500ms' } } })
const run = async (id: string, program: string, limits: object): Promise<void> => {
  const worker = await master.getWorker(id).start('sh', ['-c', program], { limits, onMessage: () => {} })
  const exit = await worker.exited
  if (exit.kind === 'limit') console.log(id, exit.limit, exit.max, exit.exact)
}
await run('long', 'while :; do echo tick; sleep 0.05; done', { wallTime: '300ms' }) // → long wallTime 300 true
await run('hung', 'echo one; exec sleep 60', { idle: '300ms' }) // → hung idle 300 true
await run('loud', 'exec yes', { output: '64KiB' }) // → loud output 65536 true

try {
  await master.getWorker('fat').start('cat', [], { limits: { memory: '256MiB' } })
} catch (error) {
  if (error instanceof LimitUnsupportedError) console.log(error.limit, error.code) // → memory ERR_PAGENT_LIMIT_UNSUPPORTED
}
await master.stop()
