// Installs and, with --build, builds what is missing, so that `npm start` and `npm test` work on a fresh checkout. Runs
// on any Node from 18.17, because it is what brings the right one (the npm package `node`, first on the PATH of npm
// scripts).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildNative } from './native.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const oldest = [22, 18]
process.chdir(root)

install()
if (process.argv.includes('--build')) {
  buildNative()
  build()
}

/** What package-lock.json says, when it says something else than last time. */
function install() {
  const lock = readFileSync('package-lock.json', 'utf8')
  const stamp = 'node_modules/.pagent-lock'
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
    writeFileSync(stamp, lock)
  }
  const node = spawnSync('node_modules/.bin/node', ['--version'], { encoding: 'utf8' })
  if (node.error === undefined && isEnough(node.stdout)) return
  if (existsSync('node_modules/.bin/node') || !isEnough(process.version)) explainNode(node)
}

/** dist/ anew when src/ says something else than what it was built from. Whoever reads it meets the old or the new. */
function build() {
  const stamp = 'dist/.built'
  const hash = hashOf([
    ...filesBelow('src').filter(isShipped),
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/bootstrap.mjs',
  ])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  const [fresh, stale] = [`.cache/dist-new-${process.pid}`, `.cache/dist-old-${process.pid}`]
  mkdirSync('.cache', { recursive: true })
  process.on('exit', () => [fresh, stale].forEach((folder) => rmSync(folder, { recursive: true, force: true })))
  run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', fresh, '--noEmitOnError'])
  bundleWorker(join(fresh, 'sdk'))
  for (const asset of filesBelow('src').filter((path) => !path.endsWith('.ts')))
    cpSync(asset, join(fresh, asset.slice('src/'.length)))
  if (existsSync(`${fresh}/cli/main.js`)) chmodSync(`${fresh}/cli/main.js`, 0o755)
  writeFileSync(join(fresh, '.built'), hash)
  if (existsSync('dist')) renameSync('dist', stale)
  renameSync(fresh, 'dist')
}

/** A worker is started again and again, and forty modules take as long to find as Node itself does to start. */
function bundleWorker(folder) {
  const entries = ['index', 'module-host']
  const how = ['--bundle', '--splitting', '--platform=node', '--format=esm', '--keep-names', '--log-level=warning']
  const files = entries.map((name) => join(folder, `${name}.js`))
  const parts = readdirSync(folder).filter((name) => name.endsWith('.js') && !entries.includes(name.slice(0, -3)))
  run('node_modules/.bin/esbuild', [...files, ...how, '--allow-overwrite', `--outdir=${folder}`])
  for (const name of parts) rmSync(join(folder, name))
}

function run(command, args) {
  console.error(`$ ${command} ${args.join(' ')}`)
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, PATH: path } })
  if (status !== 0) process.exit(status ?? 1)
}

function isEnough(version) {
  const [major, minor] = version.replace('v', '').split('.').map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

function explainNode({ error, stdout }) {
  const found = error === undefined ? `is ${stdout.trim()}` : `does not run (${error.code})`
  console.error(`pagent needs Node ${oldest.join('.')} or newer. This is ${process.version}, and node_modules/.bin/node ${found}.
npm brings the right one by the install script of the package \`node\`. If npm was told to run none, allow this one:
  npm rebuild node --ignore-scripts=false
or put a newer Node first on the PATH (https://nodejs.org).`)
  process.exit(1)
}

function isShipped(path) {
  return !path.endsWith('.test.ts')
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(`${path}\0`).update(readFileSync(path)).update('\0')
  return hash.digest('hex')
}

/** Every file below the folder, in the same order everywhere. */
function filesBelow(folder) {
  const paths = readdirSync(folder, { recursive: true }).map((name) => join(folder, name))
  // oxlint-disable-next-line unicorn/no-array-sort -- Node 18 has no toSorted
  return paths.sort((a, b) => (a < b ? -1 : 1)).filter((path) => statSync(path).isFile())
}
