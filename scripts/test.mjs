// npm test [-- file… --flag=value…]: the whole suite, or the files named. Its last line is `N passed, N failed, N skipped`.
//
// A test whose component is not on this machine is skipped with a reason that starts with `needs `
// (`needs cc: apt-get install gcc`). Where CI is set, where every component is installed, such a skip is a failure.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passed, readTap, summary, verdict } from './tap.mjs'

const named = process.argv.slice(2).filter((arg) => !arg.startsWith('-'))
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('-'))
const files = named.length > 0 ? named : ['src/**/*.test.ts', 'test/**/*.test.ts']
const folder = mkdtempSync(join(tmpdir(), 'pagent-test-'))
const report = join(folder, 'report.tap')
const args = [
  '--disable-warning=ExperimentalWarning',
  '--expose-gc',
  '--test',
  '--test-concurrency=2',
  '--test-timeout=900000',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  '--test-reporter=tap',
  `--test-reporter-destination=${report}`,
  ...flags,
  ...files,
]
// A variable of some machines that triples the start of every Node process.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
// The tests start hundreds of Node processes that load the same sources.
env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '../.cache/compile')
const runner = spawn(process.execPath, args, { stdio: 'inherit', env })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => runner.kill(signal))

runner.on('exit', (code, signal) => {
  const results = readTap(existsSync(report) ? readFileSync(report, 'utf8') : '')
  rmSync(folder, { recursive: true, force: true })
  const isStrict = Boolean(process.env.CI) && process.env.CI !== 'false'
  for (const line of verdict(results, isStrict)) console.log(line)
  if (signal !== null) console.log(`the test runner was ended by ${signal}`)
  console.log(summary(results))
  process.exitCode = code === 0 && passed(results, isStrict) ? 0 : code || 1
})
