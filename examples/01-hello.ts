import { Master, describeExit } from 'pagent'

const greeter = 'while read -r name; do [ "$name" = crash ] && exit 3; echo "hello $name"; done'

const master = new Master()
const worker = await master.getWorker('greeter').start('sh', ['-c', greeter], {
  restart: 'transient',
  onMessage: (line, { incarnation }) => console.log(`life ${incarnation}: ${line}`), // → life 1: hello Ada
  onExit: (exit) => console.log(describeExit(exit)), // → exited with code 3 after …
})
await worker.send('Ada')
await worker.send('crash')
await worker.exited
await worker.ready()
await worker.send('Grace') // → life 2: hello Grace
await master.stop() // → was stopped by the end of its stdin after …
