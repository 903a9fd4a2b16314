// Everything that happens to the workers of a master, as one stream.
import { Master } from 'pagent'

const master = new Master()
const log = (async () => {
  for await (const event of master.events) {
    if (event.type === 'events-dropped') continue
    console.log(event.worker, event.incarnation, event.type)
  }
})()

await master.getWorker('a').start('cat')
await master.getWorker('a').restart()
await master.delWorker('a')
// → a 1 spawned
// → a 1 ready
// → a 1 exited
// → a 2 spawned
// → a 2 ready
// → a 2 exited
// → a 2 deleted
await master[Symbol.asyncDispose]()
await log
