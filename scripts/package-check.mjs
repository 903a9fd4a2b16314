// What npm would publish: its contents and size, its types in the eyes of others, and whether it runs where it is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two fifths of it are the sources; the rest is one program for each kind of machine. */
const budget = 1_000_000
const required = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/index.js',
  'dist/index.d.ts',
  'schema/pagent.schema.json',
]
const unwanted = /\.test\.|\.map$|(?:^|\/)\.|\.tsbuildinfo$|(?<!\.d)\.ts$/

const hello = `import { Master } from 'pagent'

const master = new Master()
const worker = await master.getWorker('hello').start('sh', ['-c', 'read name; echo "hello $name"'])
await worker.send('world')
console.log(await worker.receive())
await master.stop()
`

/** The tarball holds what it should and nothing else, stays small, and its types and exports agree for every reader. */
export function checkPacked(root) {
  return inFolder((folder) => {
    const { file, size, paths } = pack(root, folder)
    const complaints = [
      ...required.filter((path) => !paths.includes(path)).map((path) => `${path} is missing from the package`),
      ...paths.filter((path) => !isWanted(path)).map((path) => `${path} does not belong into the package`),
      ...(size > budget ? [`the package has ${size} bytes, more than ${budget}`] : []),
    ]
    if (complaints.length > 0) throw new Error(complaints.join('\n'))
    run('publint', ['run', file, '--strict'], root)
    run('attw', ['--profile', 'esm-only', '--no-emoji', file], root)
    return `${paths.length} files, ${(size / 1000).toFixed(1)} kB of ${budget / 1000}`
  })
}

/** The tarball, installed elsewhere: a hello runs, its types hold without the sources, and the command answers. */
export function checkInstalled(root) {
  return inFolder((folder) => {
    const { file } = pack(root, folder)
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    writeFileSync(join(folder, 'hello.mjs'), hello)
    writeFileSync(join(folder, 'hello.ts'), hello)
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', file], folder)
    expect('node hello.mjs', run('node', ['hello.mjs'], folder), 'hello world')
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), '--target', 'es2023']
    run('tsc', ['--noEmit', '--strict', '--module', 'nodenext', ...types, 'hello.ts'], folder)
    if (!existsSync(join(root, 'src/cli/main.ts'))) return 'hello runs; there is no command yet (src/cli/main.ts)'
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect('npx pagent --version', run('npx', ['--no-install', 'pagent', '--version'], folder), version)
    expect('npx pagent --help', run('npx', ['--no-install', 'pagent', '--help'], folder), 'Usage')
    return `hello, types and the command run from the tarball`
  })
}

function pack(root, folder) {
  const output = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root)
  // A list of one up to npm 11, an object with one name from npm 12.
  const [{ filename, size, files }] = Object.values(JSON.parse(output))
  return { file: join(folder, filename), size, paths: files.map(({ path }) => path) }
}

function isWanted(path) {
  if (/^native\/bin\/pagent-fork-server-linux-(?:x64|arm64)$/.test(path)) return true
  return required.includes(path) || (path.startsWith('dist/') && !unwanted.test(path))
}

function inFolder(task) {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-package-'))
  try {
    return task(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(command, args, cwd) {
  const options = { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (error !== undefined || status !== 0)
    throw new Error(`$ ${command} ${args.join(' ')}\n${stdout}${stderr}${error?.message ?? ''}`)
  return stdout
}

function expect(what, output, wanted) {
  if (!output.includes(wanted)) throw new Error(`${what} was to print ${wanted}, and printed ${output}`)
}
