// node scripts/with-node.mjs 22 -- command args…: runs the command with the newest Node of that line first on the PATH.
// It is installed once, into .cache/, by npm.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [version, dashes, command, ...args] = process.argv.slice(2)
if (!/^\d+(\.\d+)*$/.test(version ?? '') || dashes !== '--' || command === undefined) {
  console.error('usage: node scripts/with-node.mjs VERSION -- command args…')
  process.exit(2)
}

const home = fileURLToPath(new URL(`../.cache/node${version}`, import.meta.url))
const bin = join(home, 'node_modules/.bin')
if (!existsSync(join(bin, 'node'))) install()

const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
const child = spawn(command, args, { stdio: 'inherit', env })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => fail(error.message))
child.on('exit', (code) => (process.exitCode = code ?? 1))

function install() {
  mkdirSync(home, { recursive: true })
  // npm 12 runs the install script that fetches the binary only where it is told to.
  const manifest = { private: true, dependencies: { node: version }, allowScripts: { node: true } }
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest))
  const npm = ['install', '--prefix', home, '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', npm, { cwd: home, stdio: ['ignore', 2, 2] })
  if (status !== 0 || !existsSync(join(bin, 'node'))) fail(`npm did not install node@${version}`)
}

function fail(message) {
  console.error(`with-node: ${message}`)
  process.exit(1)
}
