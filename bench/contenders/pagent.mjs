// pagent as its users write it. PAGENT names another build to compare with.
const { Master } = await import(process.env.PAGENT ?? 'pagent')

const master = new Master()
const streams = process.env.STDERR === undefined ? {} : { stderr: process.env.STDERR }
let count = 0

export async function ingest(file, args, onLine) {
  const worker = await master.getWorker('generator').start(file, args, { onMessage: onLine })
  await worker.exited
}

export async function open(file, args, onLine) {
  return master.getWorker(`worker-${count++}`).start(file, args, { ...streams, onMessage: onLine })
}

/** From the start to the exit. Who runs one after the other gives them one name. */
export async function run(file, args, name, spec) {
  const worker = await master.getWorker(`run-${name}`).start(file, args, spec)
  await worker.exited
}

/** A worker that comes back by itself whenever it is killed. */
export async function supervise(file, args, onLine) {
  const worker = await master.getWorker('phoenix').start(file, args, {
    onMessage: onLine,
    restart: 'permanent',
    backoff: { min: 0, max: 0 },
    intensity: { restarts: 1_000_000, within: '1s' },
  })
  const renew = async () => {
    process.kill(worker.pid, 'SIGKILL')
    await worker.exited
    await worker.ready()
  }
  return { send: (line) => worker.send(line), renew }
}
