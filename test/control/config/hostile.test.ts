/** Whatever a file holds, it ends in a plan or in problems: nothing is thrown, and nothing takes for ever. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { cpuTime, least } from '../../support/cpu-time.ts'
import { planOf, readYaml, told } from './reading.ts'

const letters = 'abcdefghij'.split('')

const bombs: Readonly<Record<string, readonly [text: string, expected: RegExp]>> = {
  'a billion laughs': [
    `x-a: &a [1,1,1,1,1,1,1,1,1]\n${letters
      .slice(1)
      .map((name, i) => `x-${name}: &${name} [${Array(9).fill(`*${letters[i]}`).join(',')}]`)
      .join('\n')}`,
    /more than 250000 values/,
  ],
  'an alias of itself': ['x-a: &a [*a, *a]', /nested more than 40 levels deep, or in itself/],
  'a merge of itself': ['x-a: &a\n  <<: *a', /nested more than 40 levels deep, or in itself/],
  'a merge of a number': ['<<: 5', /what << merges must be a map/],
  'an alias of nothing': ['x-a: *nobody', /there is no anchor &nobody above/],
  'ten thousand brackets': ['['.repeat(10_000), /nested too deeply|flow sequence/],
  'ten thousand dashes': ['- '.repeat(10_000), /./],
  'a key twice': ['workers: {}\nworkers: {}', /^2:1 workers: the key "workers" stands here twice/],
  'a key twice, deep down': [
    'workers: { a: { command: x, command: y } }',
    /^1:29 workers.a.command: the key "command" stands here twice/,
  ],
  'a tab': ['workers:\n\tweb: 1', /^2:1 YAML is indented by spaces, not by tabs/],
  'two documents': ['workers: {}\n---\nworkers: {}', /one file holds one fleet/],
  'a tag of somebody': ['workers: !evil { a: 1 }', /unresolved tag/],
  'a map as a key': ['? { a: 1 }\n: 2', /a key must be text/],
  'a prototype': ['__proto__: { workers: 1 }', /there is no key "__proto__"/],
  'a prototype as a name': ['workers: { __proto__: { command: x } }', /"__proto__" cannot be a name/],
  'a prototype as a variable': [
    'workers: { a: { command: x, env: { __proto__: x } } }',
    /cannot be the name of an environment variable/,
  ],
  'a prototype in a farewell': [
    'workers: { a: { command: x, framing: json, shutdown: { farewell: { __proto__: 1 } } } }',
    /^$/,
  ],
  'a huge number': ['workers: { a: { command: x, replicas: 1e400 } }', /expected a whole number/],
  'a number of many digits': [
    `workers: { a: { command: x, limits: { memory: ${'9'.repeat(400)} } } }`,
    /expected a size/,
  ],
  'not a number': ['workers: { a: { command: x, limits: { cpus: .nan } } }', /expected a number/],
  'a NUL': ['workers: { a: { command: ["x\\0y"] } }', /contains a NUL character/],
  'no YAML': ['{{{', /this is no YAML/],
  'one scalar': ['hello', /expected a map that describes a fleet, not "hello"/],
}

describe('hostile files end in a message', () => {
  for (const [name, [text, expected]] of Object.entries(bombs)) {
    test(name, () => assert.match(told(readYaml(text)).join('\n'), expected))
  }
})

test('aliases that stand for little may be many', () => {
  const workers = Array.from({ length: 2000 }, (_, i) => `  w${i}: *base`).join('\n')
  assert.equal(planOf(readYaml(`x-base: &base { command: x }\nworkers:\n${workers}\n`)).entries.length, 2000)
})

test('an anchor that is named twice means the last', () => {
  const yaml = 'x-a: &a { command: first }\nx-b: *a\nx-c: &a { command: last }\nworkers: { web: *a }'
  assert.equal((planOf(readYaml(yaml)).entries[0] as { file?: string }).file, 'last')
})

const KEYS = [
  'workers',
  'web',
  'command',
  'env',
  'limits',
  'memory',
  'ready',
  'depends_on',
  'groups',
  'pools',
  'schedule',
  'restart',
  '<<',
  'x-a',
  '__proto__',
  'replicas',
  'healthcheck',
  'test',
  'size',
  'backoff',
]
const LEAVES = [
  'node',
  '10s',
  '256MiB',
  'web',
  '* * * * *',
  '${A:-b}',
  '$',
  '',
  '-',
  '&a',
  '*a',
  '5/1m',
  "'",
  '"',
  '\0',
]

test('random values, written as YAML, are never thrown at', () => {
  const leaf = fc.oneof(
    fc.constantFrom(...LEAVES),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(
        fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.string() }),
        tie('tree'),
        { maxKeys: 5 },
      ),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...KEYS), tree), (value) => settles(stringify(value))),
    { numRuns: 500 },
  )
})

test('random text is never thrown at', () => {
  const pieces = fc.array(
    fc.constantFrom(
      ...KEYS,
      ...LEAVES,
      ': ',
      '\n',
      '\n  ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '- ',
      '#',
      '|',
      '>',
      '!',
      '%',
      '? ',
      '---',
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((list) => list.join('')),
        fc.string({ unit: 'binary' }),
      ),
      settles,
    ),
    { numRuns: 2000 },
  )
})

/** A plan, or problems that say something. */
function settles(yaml: string): void {
  const read = readYaml(yaml)
  assert.equal(read.plan === undefined, read.problems.length > 0)
  for (const { message } of read.problems) assert.doesNotMatch(message, /undefined|\[object|NaN/)
}

/** An eighth of what a file may hold. */
const SIZE = 2 ** 17
const filled = (line: (index: number) => string, head = ''): string => {
  const lines = [head]
  for (let [index, length] = [0, head.length]; length < SIZE; index++)
    length += lines[lines.push(line(index)) - 1]!.length
  return lines.join('')
}

const crowds: Readonly<Record<string, readonly [text: string, first: RegExp]>> = {
  'errors of YAML': [filled(() => '[]'), /this is no YAML/],
  directives: [filled(() => '%A\n'), /unknown directive/],
  'escapes that are none': [`"${filled(() => String.raw`\q`)}"`, /invalid escape/],
  'dependencies on nobody': [
    filled((index) => ` w${index}: { command: x, depends_on: [y${index}] }\n`, 'workers:\n'),
    /there is no "y0" here to depend on; did you mean "w0"/,
  ],
  'keys that there are not': [filled((index) => ` w${index}: { comand: x }\n`, 'workers:\n'), /did you mean "command"/],
}

describe('many mistakes take little more time than as much without any', () => {
  const enough = cpuTimeOf(filled((index) => ` w${index}: { command: x }\n`, 'workers:\n'))
  for (const [name, [text, first]] of Object.entries(crowds))
    test(name, () => {
      const took = cpuTimeOf(text)
      assert.ok(took < 4 * enough, `${took} ms, where ${enough} ms are enough`)
      assert.match(told(readYaml(text))[0] ?? '', first)
    })
})

function cpuTimeOf(yaml: string): number {
  return least(3, () => {
    const spent = cpuTime()
    readYaml(yaml)
    return spent()
  })
}
