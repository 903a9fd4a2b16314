// Whoever speaks first is heard first; the rest stays where it is.
import { Master, TimeoutError, select } from 'pagent'

const master = new Master()
const fast = await master.getWorker('fast').start('sh', ['-c', 'sleep 0.1; echo fast; exec cat'])
const slow = await master.getWorker('slow').start('sh', ['-c', 'sleep 1; echo slow; exec cat'])

const first = await select({ fast, slow })
console.log(first.key, first.value) // → fast fast
const second = await select({ fast, slow }, { timeout: '10s' })
console.log(second.key, second.value) // → slow slow

try {
  await select({ fast, slow }, { timeout: '50ms' })
} catch (error) {
  if (error instanceof TimeoutError) console.log(error.code) // → ERR_PAGENT_TIMEOUT
}
await master.stop()
