// Writes lines of 1 KiB as fast as they are taken, for ever.
import { writeSync } from 'node:fs'

const block = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(64))
for (;;) for (let at = 0; at < block.length;) at += writeSync(1, block, at)
