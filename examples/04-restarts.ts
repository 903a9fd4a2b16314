// A program that never gets far: it is started again, given up, and revived by hand.
import { Master } from 'pagent'

const master = new Master()
const flaky = master.getWorker('flaky')

async function watch(): Promise<void> {
  for await (const event of master.events) {
    if (event.type === 'exited') console.log(`life ${event.incarnation} ${event.exit.kind}`)
    if (event.type === 'gave-up') return console.log(`gave up after ${event.exits.length}`)
  }
}

const watching = watch()
await flaky.start('sh', ['-c', 'exit 1'], {
  restart: 'permanent',
  backoff: { min: '10ms', max: '50ms' },
  intensity: { restarts: 2, within: '10s' },
})
await watching
// → life 1 failed
// → life 2 failed
// → life 3 failed
// → gave up after 3
console.log(flaky.state) // → failed

await flaky.start('cat')
console.log(flaky.state, flaky.incarnation) // → running 4
await master.stop()
