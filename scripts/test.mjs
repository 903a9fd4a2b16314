// npm test [-- file…]: the whole suite, or the files named. Closes with node's own summary.
import { spawn } from 'node:child_process'

const named = process.argv.slice(2).filter((arg) => !arg.startsWith('-'))
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('-'))
const files = named.length > 0 ? named : ['src/**/*.test.ts', 'test/**/*.test.ts']
const args = [
  '--disable-warning=ExperimentalWarning',
  '--expose-gc',
  '--test',
  '--test-concurrency=2',
  '--test-timeout=300000',
  ...flags,
  ...files,
]
// A variable of the machine that triples the start of every Node process.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
const runner = spawn(process.execPath, args, { stdio: 'inherit', env })
runner.on('exit', (code, signal) => process.exit(signal === null ? code : 1))
