// What the machine of scripts/vm.mjs starts from: Debian's kernel for clouds, which has the cgroup v2 controllers built
// in, and an archive of files that is its root: busybox and Node, which are kept, and the project, which is not.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compiled, needsCompiler } from '../../test/support/compile.ts'

/** The project, at the same path inside as outside, so that the paths in failures can be followed. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const cache = join(root, '.cache/vm')
const init = join(import.meta.dirname, 'init.sh')
const project = [
  'package.json',
  'src',
  'test',
  'dist',
  'native',
  'scripts',
  'node_modules/commander',
  'node_modules/fast-check',
  'node_modules/pure-rand',
]

/** Something this machine lacks, with what to do about it. */
export class Missing extends Error {}

/** The path of the kernel. Brought by apt when there is none yet; nothing is installed. */
export function kernel() {
  if (kept() !== undefined) return kept()
  const { stdout } = spawnSync('apt-cache', ['depends', 'linux-image-cloud-amd64'], { encoding: 'utf8' })
  const name = /Depends: (?<name>linux-image-\S+)/.exec(stdout)?.groups.name
  if (name === undefined) throw new Missing('apt knows no linux-image-cloud-amd64: apt-get update, on Debian')
  withFolder((folder) => {
    const { status, stderr } = spawnSync('apt-get', ['download', '-q', name], { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Missing(`${name} could not be downloaded (apt-get update may help):\n${stderr}`)
    const [archive] = globSync(join(folder, '*.deb'))
    run('dpkg', ['-x', archive, join(folder, 'kernel')])
    // Only the kernel itself: what it needs it has built in.
    for (const rest of ['lib', 'usr']) rmSync(join(folder, 'kernel', rest), { recursive: true, force: true })
    replace(join(folder, 'kernel'), join(cache, 'kernel'))
  })
  return kept()
}

function kept() {
  return globSync(join(cache, 'kernel/boot/vmlinuz-*'))[0]
}

/** Writes the archive the machine starts from to `path`. `files`: what only this start has, path → content. */
export function writeImage(path, files) {
  copyFileSync(base(), path)
  withFolder((folder) => {
    const inside = join(folder, root)
    for (const part of project)
      if (existsSync(join(root, part))) cpSync(join(root, part), join(inside, part), { recursive: true })
    if (needsCompiler === false) putFixtures(folder)
    for (const program of programsBelow(inside)) copyLibraries(program, folder)
    put(folder, 'init', readFileSync(init), 0o755)
    for (const [name, content] of Object.entries(files)) put(folder, name, content)
    // The kernel unpacks one archive after the other.
    appendFileSync(path, pack(folder))
  })
}

/** The fixtures in C, compiled out here, and in there a compiler that only says that it is there. */
function putFixtures(folder) {
  for (const source of globSync(join(root, 'test/fixtures/*.c'))) {
    const program = compiled(basename(source, '.c'))
    put(folder, program, readFileSync(program), 0o755)
  }
  const words = 'what was not compiled outside is not compiled here'
  put(folder, 'usr/bin/cc', `#!/bin/sh\n[ "$1" = --version ] || { echo '${words}' >&2; exit 1; }\n`, 0o755)
}

/** The archive of what seldom changes, packed when something in it did. */
function base() {
  const node = realpathSync(join(root, 'node_modules/.bin/node'))
  const busybox = which('busybox')
  const hash = createHash('sha256')
  for (const source of [node, busybox, import.meta.filename]) hash.update(readFileSync(source))
  const path = join(cache, `base-${hash.digest('hex').slice(0, 16)}.cpio`)
  if (existsSync(path)) return path
  for (const stale of globSync(join(cache, 'base-*.cpio'))) rmSync(stale)
  withFolder((folder) => {
    for (const name of ['dev', 'proc', 'sys', 'tmp', 'root', 'home/user', 'usr/bin'])
      mkdirSync(join(folder, name), { recursive: true })
    put(folder, 'etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n')
    put(folder, 'etc/group', 'root:x:0:\nuser:x:1000:\n')
    put(folder, 'etc/hosts', '127.0.0.1 localhost\n')
    put(folder, 'bin/busybox', readFileSync(busybox), 0o755)
    for (const applet of run(busybox, ['--list']).toString().trim().split('\n'))
      if (applet !== 'busybox') symlinkSync('busybox', join(folder, 'bin', applet))
    symlinkSync('/bin/env', join(folder, 'usr/bin/env'))
    put(folder, 'usr/bin/node', readFileSync(node), 0o755)
    copyLibraries(node, folder)
    // Symbols are for debuggers; without them there is a fifth less to load.
    spawnSync('strip', [join(folder, 'usr/bin/node')])
    const fresh = join(folder, '../base.cpio')
    writeFileSync(fresh, pack(folder))
    renameSync(fresh, path)
  })
  return path
}

function copyLibraries(program, folder) {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' })
  for (const [library] of stdout.matchAll(/\/\S+(?= \(0x)/g)) put(folder, library, readFileSync(library), 0o755)
}

/** Every file below the folder that the kernel would load, and not a script. */
function programsBelow(folder) {
  const paths = ['native', 'dist', '.cache/fixtures'].filter((name) => existsSync(join(folder, name)))
  return paths
    .flatMap((name) => readdirSync(join(folder, name), { recursive: true }).map((path) => join(folder, name, path)))
    .filter((path) => statSync(path).isFile() && startOf(path) === '\x7fELF')
}

function startOf(path) {
  const [file, start] = [openSync(path), Buffer.alloc(4)]
  readSync(file, start)
  closeSync(file)
  return start.toString('latin1')
}

function pack(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
  // Sorted, so that a folder comes before what is in it.
  const args = ['--create', '--format=newc', '--owner=0:0', '--null', '--quiet']
  return run('cpio', args, { cwd: folder, input: names.join('\0') })
}

function put(folder, name, content, mode = 0o644) {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  chmodSync(path, mode)
}

/** A folder of its own below the cache, on the same file system, gone afterwards. */
function withFolder(use) {
  mkdirSync(cache, { recursive: true })
  const outer = mkdtempSync(join(cache, 'new-'))
  const folder = join(outer, 'root')
  mkdirSync(folder)
  try {
    use(folder)
  } finally {
    rmSync(outer, { recursive: true, force: true })
  }
}

function replace(fresh, path) {
  rmSync(path, { recursive: true, force: true })
  renameSync(fresh, path)
}

/** Where a program is on the PATH; undefined when it is not there. */
export function which(name) {
  const folder = process.env.PATH.split(':').find((path) => existsSync(join(path, name)))
  return folder === undefined ? undefined : join(folder, name)
}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 2 ** 30, ...options })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${String(stderr)}`)
  return stdout
}
