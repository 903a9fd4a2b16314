// The same call stops the polite and the deaf; the exit says what it took.
import { Master } from 'pagent'

const programs = {
  polite: 'cat',
  busy: 'trap "exit 0" TERM; while :; do sleep 0.05; done',
  deaf: 'trap "" TERM; while :; do sleep 0.05; done',
}

const master = new Master()
for (const [id, program] of Object.entries(programs)) {
  const worker = await master.getWorker(id).start('sh', ['-c', `echo up; ${program}`], { ready: 'first-message' })
  const exit = await worker.stop({ eof: '1s', grace: '1s' })
  if (exit.kind === 'stopped') console.log(id, exit.step, exit.exitCode ?? exit.signalCode)
}
// → polite eof 0
// → busy SIGTERM 0
// → deaf SIGKILL SIGKILL
await master.stop()
