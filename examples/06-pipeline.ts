// A shell pipeline whose every stage is a worker: the slowest sets the pace, and each end has its cause.
import { Master, pipe, raw } from 'pagent'

const master = new Master({ defaults: { framing: raw() } })
const start = (file: string, ...args: string[]) => master.getWorker(file).start<Uint8Array, Uint8Array>(file, args)

const numbers = await start('seq', '1', '300000')
const squeezed = await start('gzip', '-c')
const restored = await start('gunzip', '-c')
const counted = await start('wc', '-l')
await Promise.all([pipe(numbers, squeezed), pipe(squeezed, restored), pipe(restored, counted)])

const total = (await counted.receive()) ?? new Uint8Array()
console.log(Number(new TextDecoder().decode(total))) // → 300000
for (const worker of master.workers()) console.log(worker.id, (await worker.exited).kind)
// → seq normal
// → gzip normal
// → gunzip normal
// → wc normal
await master.stop()
