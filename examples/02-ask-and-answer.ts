// One line out, one line back, with a program that knows nothing of this library.
import { Master } from 'pagent'

const master = new Master()
const times = await master.getWorker('times').start('sh', ['-c', 'while read -r a b; do echo $((a * b)); done'])

await times.send('6 7')
console.log(await times.receive()) // → 42
await times.send('3 5')
console.log(await times.receive()) // → 15

await times.end()
console.log(await times.receive(), (await times.exited).kind) // → undefined normal
await master.stop()
