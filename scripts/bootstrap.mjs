// Installs and builds what is missing, so that `npm start` and `npm test` work on a fresh checkout. Runs on any Node
// from 18, because it is what brings the right one (the npm package `node`, first on the PATH of npm scripts).
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const lock = readFileSync('package-lock.json', 'utf8')
const stamp = 'node_modules/.pagent-lock'
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stamp, lock)
}

if (process.argv.includes('--build') && newest('src') > (newest('dist') || 0)) {
  rmSync('dist', { recursive: true, force: true })
  run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'])
}

function run(command, args) {
  console.error(`$ ${command} ${args.join(' ')}`)
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, PATH: path } })
  if (status !== 0) process.exit(status ?? 1)
}

/** When anything below the folder was last changed. */
function newest(folder) {
  if (!existsSync(folder)) return 0
  return Math.max(
    statSync(folder).mtimeMs,
    ...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, name)).mtimeMs),
  )
}
