// pagent as its users write it. PAGENT names another build to compare with.
const { Master } = await import(process.env.PAGENT ?? 'pagent')

const master = new Master()
let count = 0

export async function ingest(file, args, onLine) {
  const worker = await master.getWorker('generator').start(file, args, { onMessage: onLine })
  await worker.exited
}

export async function open(file, args, onLine) {
  return master.getWorker(`worker-${count++}`).start(file, args, { onMessage: onLine })
}
