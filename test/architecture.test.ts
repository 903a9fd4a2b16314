import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { floors, furnished, whyNot } from './support/floors.ts'
import { type Source, importsOf, resolveImport, source, sourcesBelow } from './support/source.ts'

/** What a file must not contain, where it may all the same, and why. */
interface Absence {
  readonly what: RegExp
  readonly allowed?: (path: string) => boolean
  readonly why: string
}

const absences: readonly Absence[] = [
  {
    what: /(?<![.\w#])(?:Date\.now|performance\.now|process\.hrtime|set(?:Timeout|Interval|Immediate)|AbortSignal\.timeout)\b|new Date\(\)/,
    // The demo's programs stand for other people's, in processes of their own.
    allowed: (path) => path === 'base/clock.ts' || path.startsWith('cli/demo/programs/'),
    why: 'one file knows the time: take a Clock',
  },
  { what: /\bexport default\b/, why: 'a name is the same wherever it is imported' },
  {
    what: /^\s*(?:export )?(?:declare )?(?:const )?enum \w+/m,
    why: 'closed string unions can be stripped, enums cannot',
  },
  { what: /^\s*(?:await )?using \w+ = /m, why: 'Node 22 cannot read it: take try and finally' },
  { what: /^\s*(?:export )?(?:declare )?namespace \w+/m, why: 'files are the modules' },
]

/** One sentence for everything in the tree that breaks a rule. */
function complaints(tree: readonly Source[]): string[] {
  return [...tree.flatMap((file) => [...badImports(file), ...badWords(file), ...badShape(file)]), ...fullFolders(tree)]
}

function badImports(file: Source): string[] {
  return importsOf(file).flatMap((specifier) => {
    const why = specifier.startsWith('.')
      ? whyNot(file.path, resolveImport(file.path, specifier))
      : whyNotFromOutside(file.path, specifier)
    return why === undefined ? [] : [`src/${file.path} must not import ${specifier}: ${why}`]
  })
}

function whyNotFromOutside(path: string, specifier: string): string | undefined {
  const room = path.split('/', 1)[0] ?? ''
  if (specifier.startsWith('node:timers')) return 'one file knows the time: take a Clock'
  if (specifier === 'node:child_process' && room !== 'process') return 'only process/ starts processes'
  if (specifier.startsWith('node:')) return room === 'framing' ? 'framing is pure and runs anywhere' : undefined
  return furnished.includes(room) ? undefined : 'the library has no runtime dependency'
}

function badWords(file: Source): string[] {
  const found = absences.flatMap(({ what, allowed, why }) => {
    const match = what.exec(file.code)
    if (match === null || allowed?.(file.path) === true) return []
    return [`src/${file.path}:${lineOf(file, match.index)} must not use ${match[0].trim()}: ${why}`]
  })
  return [...found, ...signals(file)]
}

/** `process.kill` is a signal to the system, unless it takes one argument and the file has a `process` of its own. */
function signals(file: Source): string[] {
  if (file.path.startsWith('process/')) return []
  const isShadowed = /\b(?:const|let) process\b|[(,{] *process *[:,)}]/.test(file.code)
  return [...file.code.matchAll(/(?<![.\w#])process\.kill\((?<args>[^)]*)/g)]
    .filter(({ groups }) => !isShadowed || groups?.['args']?.includes(','))
    .map(({ index }) => `src/${file.path}:${lineOf(file, index)} must not send a signal: only process/ does`)
}

function badShape({ path, text }: Source): string[] {
  const length = text.split('\n').length - 1
  const name = path.split('/').at(-1) ?? path
  return [
    ...(length > 400 ? [`src/${path} has ${length} lines: 400 are the most, 250 are plenty`] : []),
    ...(/^[a-z0-9]+(?:-[a-z0-9]+)*\.ts$/.test(name) ? [] : [`src/${path} is not named in kebab-case`]),
    ...(/\b(?:utils?|helpers?)\b/.test(path) ? [`src/${path} is named for nothing: say what it is about`] : []),
  ]
}

function fullFolders(tree: readonly Source[]): string[] {
  const folders = Map.groupBy(tree, ({ path }) => path.split('/').slice(0, -1).join('/'))
  return [...folders]
    .filter(([, files]) => files.length > 10)
    .map(([folder, files]) => `src/${folder} has ${files.length} files: ten are the most`)
}

/** `file:line name, n lines` of every function that is too long to be read at a glance. Trusts the formatter's indents. */
function longFunctions({ path, code }: Source): string[] {
  const lines = code.split('\n')
  return lines.flatMap((line, start) => {
    const isHead = /(?:\)(?:: .+)?|=>) \{$/.test(line) && !/^\s*(?:\} )?(?:if|else|for|while|switch|catch)\b/.test(line)
    const indent = /^\s*/.exec(line)?.[0] ?? ''
    const length = isHead ? lines.slice(start).findIndex((later) => later.startsWith(`${indent}}`)) + 1 : 0
    return length > 40 ? [`src/${path}:${start + 1} ${line.trim().slice(0, 60)} ${length} lines`] : []
  })
}

function lineOf({ code }: Source, index: number): number {
  return code.slice(0, index).split('\n').length
}

const house = sourcesBelow(fileURLToPath(new URL('../src', import.meta.url)))

test('every file imports from its own folder or from a lower floor, and the house keeps its other rules', (t) => {
  for (const { path, text } of house.filter((file) => file.text.split('\n').length - 1 > 250))
    t.diagnostic(`long file: src/${path} ${text.split('\n').length - 1} lines`)
  for (const long of house.flatMap(longFunctions)) t.diagnostic(`long function: ${long}`)
  const found = complaints(house)
  assert.ok(found.length === 0, `\n${found.join('\n')}`)
})

/** Bad trees, and the sentence each must be met with. */
const bad: Record<string, readonly [path: string, text: string]> = {
  'src/supervisor/x.ts must not import ../rpc/peer.ts: rpc is beside supervisor, not below it': [
    'supervisor/x.ts',
    `import { peer } from '../rpc/peer.ts'`,
  ],
  'src/process/limits/x.ts must not import ../../worker/worker.ts: worker is above process': [
    'process/limits/x.ts',
    `export type { Worker } from '../../worker/worker.ts'`,
  ],
  'src/base/x.ts must not import ../attic/x.ts: attic is on no floor (test/support/floors.ts)': [
    'base/x.ts',
    `await import('../attic/x.ts')`,
  ],
  'src/index.ts must not import ./cli/main.ts: the library does not know its command': [
    'index.ts',
    `import './cli/main.ts'`,
  ],
  'src/pool/x.ts must not import ../index.ts: only cli comes in through the front door': [
    'pool/x.ts',
    `import { Master } from '../index.ts'`,
  ],
  'src/framing/x.ts must not import node:fs: framing is pure and runs anywhere': [
    'framing/x.ts',
    `import { readFileSync } from "node:fs"`,
  ],
  'src/worker/x.ts must not import commander: the library has no runtime dependency': [
    'worker/x.ts',
    `import { Command } from 'commander'`,
  ],
  'src/cli/x.ts must not import node:child_process: only process/ starts processes': [
    'cli/x.ts',
    `import { spawn } from 'node:child_process'`,
  ],
  'src/pool/x.ts:2 must not use setTimeout: one file knows the time: take a Clock': [
    'pool/x.ts',
    `// setTimeout\nsetTimeout(() => {})`,
  ],
  'src/master/x.ts:1 must not send a signal: only process/ does': ['master/x.ts', `process.kill(pid)`],
  'src/base/x.ts:1 must not use export default: a name is the same wherever it is imported': [
    'base/x.ts',
    `export default 1`,
  ],
  'src/base/x.ts:1 must not use export enum Colour: closed string unions can be stripped, enums cannot': [
    'base/x.ts',
    `export enum Colour {}`,
  ],
  'src/base/x.ts has 401 lines: 400 are the most, 250 are plenty': ['base/x.ts', '\n'.repeat(401)],
  'src/base/someThing.ts is not named in kebab-case': ['base/someThing.ts', ''],
  'src/base/utils.ts is named for nothing: say what it is about': ['base/utils.ts', ''],
}

test('a tree that breaks a rule is met with a sentence that names the file and the reason', () => {
  for (const [sentence, [path, text]] of Object.entries(bad))
    assert.deepEqual(complaints([source(path, text)]), [sentence])
  const crowd = Array.from({ length: 11 }, (_, index) => source(`base/x-${index}.ts`, ''))
  assert.deepEqual(complaints(crowd), ['src/base has 11 files: ten are the most'])
})

test('a tree that keeps the rules is left alone, whatever its comments and templates say', () => {
  const good = [
    source('cli/x.ts', `import { serve } from '../control/serve.ts'\nimport { Command } from 'commander'`),
    source('cli/y.ts', 'export const page = `import x from "left-pad"\nsetTimeout(${1})` // Date.now()'),
    source('cli/z.ts', `export const program = "import('readline'); setInterval(() => {}, 1000)"`),
    source('worker/x.ts', `import { a } from './y.ts'\nimport { b } from '../process/a/b.ts'\nsocket.setTimeout(0)`),
    source('worker/z.ts', `export const end = (process: Running): void => process.kill('SIGTERM')`),
    source('base/clock.ts', `/** import { x } from 'left-pad' */\nexport const now = (): number => Date.now()`),
  ]
  assert.deepEqual(complaints(good), [])
})

test('every folder of the house is on a floor', () => {
  const rooms = new Set(house.map(({ path }) => path.split('/', 1)[0] ?? ''))
  assert.deepEqual(
    [...rooms].filter((room) => room !== 'index.ts' && !floors.flat().includes(room)),
    [],
  )
})
