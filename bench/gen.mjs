// node gen.mjs <lines>: native/gen.c where there is no C compiler.
import { writeSync } from 'node:fs'

const LINES = 65_536
const period = Buffer.from(
  Array.from({ length: LINES }, (_, i) => `${String(i).padStart(8, '0')} `.padEnd(99, 'abcdefghij')).join('\n') + '\n',
)
const doubled = Buffer.concat([period, period.subarray(0, 65_536)])
let left = Number(process.argv[2]) * 100
for (let at = 0; left > 0;) {
  const put = write(doubled, at, Math.min(left, 65_536))
  left -= put
  at = (at + put) % period.length
}

function write(bytes, from, length) {
  try {
    return writeSync(1, bytes, from, length)
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error
    return 0
  }
}
