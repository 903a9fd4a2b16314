// Compiles native/ into the fork server, where there is a C compiler: static, so that it runs on every Linux of its kind.
// With --sanitize: the same with address and undefined-behaviour sanitizers, into .cache/, and says where.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const flags = ['-std=gnu11', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wstrict-prototypes', '-Werror']

/** Compilers for each kind of machine, the best first. musl makes it a tenth as large as glibc does. */
const compilers = {
  x64: ['x86_64-linux-musl-gcc', 'musl-gcc', 'x86_64-linux-gnu-gcc', 'cc'],
  arm64: ['aarch64-linux-musl-gcc', 'musl-gcc', 'aarch64-linux-gnu-gcc', 'cc'],
}

/** Builds what can be built here; a machine without a compiler is none the worse. */
export function buildNative() {
  if (process.platform !== 'linux') return
  mkdirSync('native/bin', { recursive: true })
  const sources = sourcesIn('native')
  const hash = hashOf([...sources, 'scripts/native.mjs'])
  for (const arch of Object.keys(compilers)) buildFor(arch, sources, hash)
}

function buildFor(arch, sources, hash) {
  const file = `native/bin/pagent-fork-server-linux-${arch}`
  const stamp = `native/bin/.${arch}`
  if (existsSync(file) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  const fresh = `${file}-${process.pid}`
  const built = compilers[arch]
    .filter((compiler) => makesFor(compiler, arch))
    .some((compiler) => compile(compiler, sources, fresh))
  if (!built) return
  renameSync(fresh, file)
  writeFileSync(stamp, hash)
}

function compile(compiler, sources, target) {
  const run = spawnSync(compiler, ['-O2', '-static', '-s', ...flags, '-o', target, ...sources.filter(isC)], {
    encoding: 'utf8',
  })
  if (run.status !== 0) console.error(`${compiler} does not compile native/:\n${run.stderr}`)
  return run.status === 0
}

function makesFor(compiler, arch) {
  const { stdout, status } = spawnSync(compiler, ['-dumpmachine'], { encoding: 'utf8' })
  return status === 0 && stdout.startsWith(arch === 'x64' ? 'x86_64' : 'aarch64')
}

function sourcesIn(folder) {
  return readdirSync(folder)
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => join(folder, name))
}

function isC(path) {
  return path.endsWith('.c')
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(`${path}\0`).update(readFileSync(path)).update('\0')
  return hash.digest('hex')
}

function sanitize() {
  mkdirSync('.cache', { recursive: true })
  const target = join(root, '.cache/pagent-fork-server-sanitized')
  const options = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', ...flags]
  const { status } = spawnSync('cc', [...options, '-o', target, ...sourcesIn('native').filter(isC)], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
  console.log(target)
}

if (process.argv.includes('--sanitize')) {
  process.chdir(root)
  sanitize()
}
