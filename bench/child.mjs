// node child.mjs <contender> <workload> <options as JSON>: one run of one contender. Prints one JSON object.
import { writeSync } from 'node:fs'
import { calling } from './calling.mjs'
import { starting } from './starting.mjs'
import { supervising } from './supervising.mjs'
import { workloads } from './workloads.mjs'

const [name, workload, options] = process.argv.slice(2)
const contender = await import(`./contenders/${name}.mjs`)
const result = await { ...workloads, ...starting, ...supervising, ...calling }[workload](contender, JSON.parse(options))
writeSync(1, `${JSON.stringify(result)}\n`)
// The workers see the end of their input.
process.exit(0)
