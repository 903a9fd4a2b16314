// pagent as its users write it. PAGENT names another build to compare with.
const { Master, supervisor, task, worker: program } = await import(process.env.PAGENT ?? 'pagent')

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

/** A supervisor of so many; `crash` resolves when all of these are back. */
export function keep(kind, ids) {
  const returned = new Map()
  const begun = (id) => returned.get(id)?.()
  const crashes = new Map()
  const make = {
    tasks: (id) =>
      task(id, ({ signal }) => {
        begun(id)
        const life = Promise.withResolvers()
        crashes.set(id, () => life.reject(new Error('crash')))
        signal.addEventListener('abort', life.resolve)
        return life.promise
      }),
    workers: (id) => {
      const one = program(id, 'cat')
      crashes.set(id, () => one.kill())
      return one
    },
  }[kind]
  const children = ids.map((id) => ({ child: make(id), backoff: { min: 0, max: 0 } }))
  const family = supervisor({ id: 'family', intensity: { restarts: 1e6, within: '1h' }, children })
  const back = (id) =>
    kind === 'workers'
      ? master.getWorker(id).exited.then(() => master.getWorker(id).ready())
      : new Promise((resolve) => returned.set(id, resolve))
  return {
    ids,
    start: () => master.supervise(family),
    crash: async (unlucky) => {
      const all = Promise.all(unlucky.map(back))
      for (const id of unlucky) crashes.get(id)()
      await all
      returned.clear()
    },
    stop: () => family.stop(),
  }
}
