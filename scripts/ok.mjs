// npm run ok [-- step…]: the one gate, in order, until the first step that fails. Without names: every step.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkInstalled, checkPacked } from './package-check.mjs'
import { unusedExports } from './unused.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
process.env.PATH = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`

/** What each step does. It returns a word for its line, or throws an Error whose message says what is wrong. */
const steps = {
  format: () => void quietly('oxfmt', ['--check'], 'npm run fix'),
  lint,
  types: () => void quietly('tsc', ['--noEmit']),
  build: () => void quietly(process.execPath, ['scripts/bootstrap.mjs', '--build']),
  unused: () => `${unusedExports().length} exports without a reader (npm run unused)`,
  test: () => aloud(process.execPath, ['scripts/test.mjs']),
  package: () => checkPacked(root),
  install: () => checkInstalled(root),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(steps, name))
if (unknown.length > 0) fail(`there is no step ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`)

const began = performance.now()
for (const [name, step] of Object.entries(steps)) if (asked.length === 0 || asked.includes(name)) run(name, step)
console.log(`ok in ${seconds(began)}`)

function run(name, step) {
  const start = performance.now()
  try {
    const word = step()
    console.log(`✔ ${name.padEnd(8)} ${seconds(start).padStart(7)}${word ? `  ${word}` : ''}`)
  } catch (error) {
    console.log(error.message)
    fail(`✖ ${name} after ${seconds(start)}. Again: npm run ok -- ${name}`)
  }
}

/** oxlint with its type-aware half, after a look at whether that half still sees a promise nobody awaits. */
function lint() {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-lint-'))
  const probe = join(folder, 'probe.ts')
  writeFileSync(probe, 'const later = async (): Promise<number> => 1\nlater()\n')
  const config = ['--type-aware', '-c', '.oxlintrc.json']
  const seen = spawnSync('oxlint', [...config, probe], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  if (!seen.stdout.includes('no-floating-promises'))
    throw new Error(`oxlint --type-aware overlooks a floating promise:\n${seen.stdout}${seen.stderr}`)
  const output = quietly('oxlint', config, 'npm run fix')
  return /\d+ warnings?/.exec(output)?.[0].replace(/^0 .*/, '')
}

function quietly(command, args, cure) {
  // Where CI is set oxlint paints whatever it is told.
  const { CI: _, ...env } = process.env
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...env, NO_COLOR: '1' } }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (error !== undefined) throw error
  if (status === 0) return stdout
  throw new Error(`${stdout}${stderr}${cure === undefined ? '' : `What it can mend it mends by: ${cure}`}`)
}

function aloud(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error('A test failed; what it said is above.')
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

function fail(message) {
  console.log(message)
  process.exit(1)
}
