// Answers each line, until it is told to crash or to hang.
import { createInterface } from 'node:readline'

createInterface(process.stdin).on('line', (line) => {
  if (line === 'crash') {
    console.error('pulse: out of luck, on purpose')
    process.exit(3)
  }
  // An endless loop: it is alive for the system, and dead for everybody else.
  if (line === 'hang') for (;;);
  console.log(line.replace('ping', 'pong'))
})
