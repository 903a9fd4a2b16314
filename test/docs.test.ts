/** The words are tested as the code is: every snippet type-checks, runs, and prints what it says; every link leads somewhere. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadFleet } from '../src/control/config/load.ts'
import { hasForkServer } from '../src/process/fork-server/binary.ts'
import { needsPython } from './support/compile.ts'
import { floors } from './support/floors.ts'
import { sourcesBelow } from './support/source.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const hasAwaitUsing = Number(process.versions.node.split('.')[0]) >= 24

/** A program found in a page, a docstring or the folder of examples. */
interface Snippet {
  /** `docs/guide/talking.md:12`. */
  readonly where: string
  readonly line: number
  readonly code: string
  /** What follows the language in the fence: nothing, `throws`, what it needs, or `ignore` and the reason. */
  readonly mark: string
  /** Files the page shows above it, as in ```js server.mjs. */
  readonly files: ReadonlyMap<string, string>
}

interface Fence {
  readonly language: string
  readonly info: string
  readonly line: number
  readonly code: string
}

interface Result {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

// ── finding ──

const sources = sourcesBelow(join(root, 'src'))
const pages = ['README.md', 'CHANGELOG.md', ...markdownBelow('docs')]
const examples = readdirSync(join(root, 'examples'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `examples/${name}`)
  .toSorted()

function markdownBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `${folder}/${path}`)
    .toSorted()
}

function fencesOf(text: string): Fence[] {
  const fences: Fence[] = []
  let open: { language: string; info: string; line: number; lines: string[] } | undefined
  for (const [i, line] of text.split('\n').entries()) {
    const mark = /^\s*```(\w*) ?(.*)$/.exec(line)
    if (mark === null) open?.lines.push(line)
    else if (open === undefined) open = { language: mark[1] ?? '', info: mark[2] ?? '', line: i + 2, lines: [] }
    else {
      fences.push({ ...open, code: `${open.lines.join('\n')}\n` })
      open = undefined
    }
  }
  return fences
}

/** The text of the docstrings of a file, each line on its line. */
function docstringsOf(text: string): string {
  return text.replaceAll(/^(?!\s*\* ?).*$/gm, '').replaceAll(/^\s*\* ?/gm, '')
}

function snippetsOf(path: string, text: string): Snippet[] {
  const fences = fencesOf(text)
  const files = new Map(fences.filter((f) => f.language !== 'ts' && f.info !== '').map((f) => [f.info, f.code]))
  return fences
    .filter((fence) => fence.language === 'ts')
    .map(({ line, code, info }) => ({ where: `${path}:${line}`, line, code, mark: info, files }))
}

function exampleOf(where: string, code: string): Snippet {
  const mark = /^\/\/ .*\bneeds the fork server\b/m.test(code) ? 'needs the fork server' : ''
  return { where, line: 1, code, mark, files: new Map() }
}

const snippets: readonly Snippet[] = [
  ...pages.flatMap((path) => snippetsOf(path, read(path))),
  ...sources.flatMap(({ path, text }) => snippetsOf(`src/${path}`, docstringsOf(text))),
  ...examples.map((path) => exampleOf(path, read(path))),
]
const runnable = snippets.filter((snippet) => !snippet.mark.startsWith('ignore'))

// ── running ──

/** The entry points of the package, and the sources behind them. */
const doors = [
  ['pagent', 'src/index.ts'],
  ['pagent/config', 'src/control/config/typed/index.ts'],
  ['pagent/framing', 'src/framing/index.ts'],
  ['pagent/worker', 'src/sdk/index.ts'],
  ['pagent/otel', 'src/control/otel/index.ts'],
  ['pagent/mcp', 'src/mcp/index.ts'],
  ['pagent/lsp', 'src/lsp/index.ts'],
] as const
/** What the programs of the documentation use beside it. */
const borrowed = [
  '@modelcontextprotocol/client',
  '@opentelemetry/api',
  'fast-png',
  'typescript5',
  'vscode-jsonrpc',
  'zod',
]

const workshop = mkdtempSync(join(tmpdir(), 'pagent-docs-'))
after(() => rmSync(workshop, { recursive: true, force: true }))
installSources()
for (const snippet of runnable) layOut(snippet)

/** A package whose entry points are the sources, so that nothing has to be built. */
function installSources(): void {
  const folder = join(workshop, 'node_modules/pagent')
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(root, 'src'), join(folder, 'src'))
  const exports = Object.fromEntries(doors.map(([door, source]) => [door.replace('pagent', '.'), `./${source}`]))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'pagent', type: 'module', exports }))
  for (const name of borrowed) {
    mkdirSync(dirname(join(workshop, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(workshop, 'node_modules', name))
  }
}

function folderOf(snippet: Snippet): string {
  return join(workshop, snippet.where.replaceAll(/[^\w.-]/g, '-'))
}

/** Pads the program, so that an error names the line of the page. */
function layOut(snippet: Snippet): void {
  const folder = folderOf(snippet)
  mkdirSync(folder)
  for (const [name, code] of snippet.files) writeFileSync(join(folder, name), code)
  writeFileSync(join(folder, 'main.mts'), '\n'.repeat(snippet.line - 1) + snippet.code)
}

function run(file: string, args: readonly string[], cwd: string): Promise<Result> {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, NODE_TEST_CONTEXT: ___, ...inherited } = process.env
  const PATH = [dirname(process.execPath), join(root, 'node_modules/.bin'), inherited['PATH'] ?? ''].join(delimiter)
  const env = {
    ...inherited,
    PATH,
    NO_COLOR: '1',
    NODE_COMPILE_CACHE: join(workshop, 'cache'),
    PYTHONPATH: join(root, 'sdks/python'),
  }
  return new Promise((settle) => {
    const child = execFile(file, args, { cwd, env, timeout: 60_000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      settle({ exitCode, stdout, stderr })
    })
    // A worker lives until nobody will say any more.
    child.stdin?.end()
  })
}

/** What the program says it prints; `…` stands for any text. */
function announced(code: string, comment = '// →'): string[] {
  return code
    .split('\n')
    .filter((line) => line.includes(comment))
    .map((line) => line.slice(line.indexOf(comment) + comment.length).trim())
}

function assertPrinted({ stdout, stderr }: Result, expected: readonly string[]): void {
  const printed = stdout.split('\n').map((line) => line.trim())
  if (printed.at(-1) === '') printed.pop()
  const same = printed.length === expected.length && expected.every((text, i) => matches(printed[i] ?? '', text))
  if (!same) assert.deepEqual(printed, expected, `it printed something else; its stderr:\n${stderr}`)
}

function matches(line: string, pattern: string): boolean {
  const parts = pattern.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(line)
}

// ── the snippets ──

test('every fence has a mark this test knows', () => {
  for (const { where, mark } of snippets) {
    assert.match(
      mark,
      /^(throws|needs the fork server|ignore \S.*)?$/,
      `${where}: the mark ${JSON.stringify(mark)} is unknown, or lacks its reason`,
    )
  }
})

test('what a page shows of an example stands there', () => {
  for (const { where, mark, code } of snippets) {
    const [, example = ''] = /^ignore from (\S+)$/.exec(mark) ?? []
    if (example !== '') assert.ok(read(example).includes(code), `${where} shows what is not in ${example}`)
  }
})

test('every snippet type-checks', async () => {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [join(root, 'node_modules/@types')],
      paths: Object.fromEntries(doors.map(([door, source]) => [door, [join(root, source)]])),
    },
    include: ['*/main.mts'],
  }
  writeFileSync(join(workshop, 'tsconfig.json'), JSON.stringify(config))
  const { exitCode, stdout } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', workshop], workshop)
  assert.equal(exitCode, 0, stdout)
})

describe('a snippet prints what it says', { concurrency: 2 }, () => {
  for (const snippet of runnable) {
    test(snippet.where, { skip: whyNotRun(snippet) }, async () => {
      const result = await run(process.execPath, ['main.mts'], folderOf(snippet))
      const failed = result.exitCode !== 0
      assert.equal(failed, snippet.mark === 'throws', `exit code ${result.exitCode}; its stderr:\n${result.stderr}`)
      assertPrinted(result, announced(snippet.code))
    })
  }
})

function whyNotRun({ code, mark }: Snippet): string | false {
  if (/^\s*await using /m.test(code) && !hasAwaitUsing) return 'await using needs Node 24'
  if (code.includes("'python3'") && needsPython !== false) return needsPython
  const isThere = hasForkServer() && process.env['PAGENT_LAUNCHER'] !== 'portable'
  return mark.startsWith('needs ') && !isThere && 'needs the fork server: npm run build, with a C compiler'
}

/** The names of files that are fleets. */
const FLEET_FILES = new Set(['pagent.yaml', 'Procfile'])

describe('a fleet of a page can be loaded', () => {
  for (const page of pages) {
    const fences = fencesOf(read(page)).filter(({ info }) => FLEET_FILES.has(info))
    for (const { code, line, info } of fences) {
      test(`${page}:${line}`, async () => {
        const folder = mkdtempSync(join(workshop, 'fleet-'))
        writeFileSync(join(folder, info), code)
        assert.notEqual((await loadFleet(folder, { env: {} })).entries.length, 0)
      })
    }
  }
  for (const snippet of runnable.filter(({ code }) => code.includes('export default defineConfig('))) {
    test(snippet.where, async () => {
      assert.notEqual((await loadFleet(join(folderOf(snippet), 'main.mts'))).entries.length, 0)
    })
  }
})

const command = join(root, 'src/cli/main.ts')

describe('a command prints what it says', () => {
  for (const page of pages) {
    for (const { code, line } of fencesOf(read(page)).filter((fence) => fence.language === 'sh')) {
      const typed = code.split('\n').filter((text) => text.startsWith('npx pagent run '))
      if (typed.length === 0) continue
      test(`${page}:${line}`, async () => {
        const script = typed.map((text) => text.replace('npx pagent', `node '${command}'`)).join('\n')
        assertPrinted(await run('/bin/sh', ['-c', script], workshop), announced(code, '# →'))
      })
    }
  }
})

// ── the pages ──

test('every relative link leads to a file, and every anchor to a heading', () => {
  for (const page of pages) {
    for (const [, target = '', anchor = ''] of withoutFences(read(page)).matchAll(/\]\(([^)#\s]*)#?([^)\s]*)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const file = target === '' ? page : relative(root, resolve(root, dirname(page), target))
      assert.ok(existsSync(join(root, file)), `${page} links to ${target}, which does not exist`)
      if (anchor !== '')
        assert.ok(anchorsOf(read(file)).has(anchor), `${page} links to ${target}#${anchor}, which does not exist`)
    }
  }
})

function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '')
}

function anchorsOf(text: string): Set<string> {
  const headings = withoutFences(text).matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test('the README is short and begins with the first example', () => {
  const readme = read('README.md')
  assert.ok(readme.split('\n').length <= 151, 'README.md is longer than 150 lines')
  const first = fencesOf(readme).find((fence) => fence.language === 'ts')
  const example = examples[0] ?? ''
  assert.equal(first?.code, read(example), `the first program of README.md is not ${example}`)
})

test('every example is a page at most', () => {
  for (const path of examples)
    assert.ok(read(path).trimEnd().split('\n').length <= 40, `${path} is longer than 40 lines`)
})

test('every page of the guide names its neighbours', () => {
  for (const page of pages.filter((path) => path.startsWith('docs/guide/'))) {
    assert.match(
      read(page).trimEnd().split('\n').at(-1) ?? '',
      /\[(Next|Previous): /,
      `${page} ends without Next or Previous`,
    )
  }
})

test('the page on endings names every kind of exit and every error code', () => {
  const page = read('docs/guide/endings.md')
  const kinds = read('src/base/exit.ts').matchAll(/readonly kind: '([\w-]+)'/g)
  const codes = read('src/base/errors.ts').matchAll(/code = '(ERR_PAGENT_\w+)'/g)
  for (const [, name] of [...kinds, ...codes])
    assert.ok(page.includes(`| \`${name}\` |`), `docs/guide/endings.md has no row for ${name}`)
})

test('the architecture page names every file, or the folder of its like, and none that is gone', () => {
  const rows = read('docs/architecture.md').matchAll(/^\| `([\w/-]+\/(?:[\w-]+\.ts|\*))` \|/gm)
  const named = new Set([...rows].map(([, path = '']) => path))
  for (const { path } of sources) {
    const isNamed = path === 'index.ts' || named.delete(path) || named.has(`${dirname(path)}/*`)
    assert.ok(isNamed, `docs/architecture.md has no line for ${path}: add what it is to the code map`)
  }
  const gone = [...named].filter((path) => !existsSync(join(root, 'src', path.replace('/*', ''))))
  assert.deepEqual(gone, [], 'docs/architecture.md names files that are gone')
})

test('the architecture page prints the floors that the house is held to', () => {
  const printed = [...read('docs/architecture.md').matchAll(/^ \d {2}\w+ +(\w+\/(?: +\w+\/)*)/gm)]
    .map(([, rooms = '']) => rooms.split('/').flatMap((room) => (room === '' ? [] : [room.trim()])))
    .toReversed()
  assert.deepEqual(printed, floors)
})
