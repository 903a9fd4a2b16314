/** Everything that is wrong is told at once, with its place, in words that help. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '../../../src/control/config/config-error.ts'
import { nearestOf } from '../../../src/control/config/shapes/suggest.ts'
import { entryOf, planOf, readValue, readYaml, told } from './reading.ts'

test('all problems of a file, in its order, with line and column', () => {
  const read = readYaml(`workers:
  web:
    comand: node
    limits: { memry: 10x, cpuTime: 10parsecs }
    depends_on: [wbe, api]
    restart: alwys
    working_dir: a
    cwd: b
  api:
    command: a | b
    environment: { A: , B: $NOPE }
  all: { command: x }
`)
  assert.deepEqual(told(read), [
    '3:5 workers.web.comand: there is no key "comand"; did you mean "command"?',
    '4:15 workers.web.limits.memry: there is no key "memry"; did you mean "memory"?',
    '4:36 workers.web.limits.cpuTime: expected a duration above 0 such as 500ms, 10s or 1m30s, or milliseconds, not "10parsecs"',
    '5:18 workers.web.depends_on[0]: there is no "wbe" here to depend on; did you mean "web"?',
    '6:14 workers.web.restart: expected always, unless-stopped, on-failure, no, permanent, transient or temporary, not "alwys"; did you mean "always"?',
    '8:5 workers.web.cwd: cwd says the same as working_dir in line 7; leave one out',
    '10:14 workers.api.command: "a | b" is no command: only a shell understands |: quote it, or run one by ["sh", "-c", "…"]',
    '11:20 workers.api.environment.A: this variable has no value; write "" for an empty one, null to remove it, or leave it out to inherit it',
    '11:28 workers.api.environment.B: the variable NOPE is not set; set it, or give a default: ${NOPE:-}',
    '12:3 workers.all: "all" means all of them, and cannot be the name of one',
  ])
})

test('a module has no lines, but paths', () => {
  const read = readValue({
    workers: {
      web: { command: 'x', limits: { memry: 5 }, ready: /x/i, env: { A: new Date(0) } },
      'a b': { command: 'x' },
    },
    groups: { g: { workers: { c: { command: ['x', undefined] } } } },
  })
  assert.deepEqual(told(read).toSorted(), [
    'groups.g.workers.c.command[1]: expected text or a number, not nothing',
    'workers."a b": "a b" cannot be a name: expected letters, digits, dots, dashes and underscores, 100 at most',
    'workers.web.env.A: expected text or a number, not a Date',
    'workers.web.limits.memry: there is no key "memry"; did you mean "memory"?',
    'workers.web.ready: a regular expression has no flags here, not /x/i; write (?i:…) for i',
  ])
})

describe('what a module may export, and what not', () => {
  const loop: Record<string, unknown> = { command: 'x' }
  loop['x-self'] = loop
  const cases: readonly (readonly [name: string, value: unknown, expected: RegExp])[] = [
    ['a number', 5, /expected a map that describes a fleet, not 5/],
    ['nothing', undefined, /not nothing/],
    ['a class', new Map(), /not a Map/],
    ['a function', { workers: { web: () => {} } }, /not a function/],
    ['itself', { workers: { web: loop } }, /nested more than 40 levels deep, or in itself/],
    [
      'a getter that throws',
      {
        get workers() {
          throw new Error('no')
        },
      },
      /this cannot be read: Error: no/,
    ],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no')
          },
        },
      ),
      /this cannot be read: Error: no/,
    ],
    ['a symbol', { name: Symbol('x'), workers: { a: { command: 'x' } } }, /not a symbol/],
    ['a bigint', { workers: { a: { command: 'x', replicas: 1n } } }, /not a bigint/],
    ['an endless list', { 'x-list': Array.from({ length: 250_001 }, () => 1) }, /more than 250000 values/],
  ]
  for (const [name, value, expected] of cases)
    test(name, () => assert.match(told(readValue(value)).join('\n'), expected))
})

test('undefined is as good as not there', () => {
  const worker = { command: 'x', cwd: undefined, limits: { memory: undefined }, ready: undefined }
  const plan = planOf(readValue({ name: undefined, workers: { web: worker, off: undefined } }))
  assert.deepEqual(plan, planOf(readYaml('workers: { web: { command: x } }')))
})

const order = (yaml: string): string[] => planOf(readYaml(yaml)).entries.map(({ id }) => id)

describe('dependencies', () => {
  test('nothing starts before whom it depends on, and the rest as in the file', () => {
    assert.deepEqual(
      order(
        'workers: { d: { command: x, depends_on: [b, c] }, c: { command: x, depends_on: [a] }, b: { command: x }, a: { command: x }, e: { command: x } }',
      ),
      ['b', 'a', 'c', 'd', 'e'],
    )
  })

  test('a circle is named as a path, once', () => {
    const read = readYaml(
      'workers: { a: { command: x, depends_on: [b] }, b: { command: x, depends_on: [c] }, c: { command: x, depends_on: [a] }, d: { command: x, depends_on: [a] } }',
    )
    assert.deepEqual(told(read), [
      '1:114 workers.c.depends_on[0]: these depend on each other in a circle: a → b → c → a',
    ])
  })

  test('a worker outside the group cannot be depended on from inside, but a group can depend on it', () => {
    const inside = readYaml(
      'workers: { db: { command: x } }\ngroups: { g: { workers: { a: { command: x, depends_on: [db] } } } }',
    )
    assert.match(told(inside).join('\n'), /^2:57 .* db is of another level/)
    const group = readYaml(
      'workers: { db: { command: x } }\ngroups: { g: { depends_on: [db], workers: { a: { command: x } } } }',
    )
    assert.deepEqual(entryOf(planOf(group), 'g').dependsOn, ['db'])
  })

  test('a chain of ten thousand is no problem', () => {
    const workers = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`w${i}`, { command: 'x', dependsOn: i < 9999 ? [`w${i + 1}`] : [] }]),
    )
    assert.equal(planOf(readValue({ workers })).entries[0]?.id, 'w9999')
  })
})

describe('names are unique in the fleet', () => {
  const cases: readonly (readonly [yaml: string, expected: RegExp])[] = [
    [
      'workers: { a: { command: x } }\npools: { a: { command: x } }',
      /^2:10 pools.a: the name a is taken by workers.a in line 1/,
    ],
    ['workers: { a: { command: x, replicas: 2 }, a-2: { command: x } }', /the name a-2 is taken by workers.a/],
    [
      'groups: { g: { workers: { a: { command: x } } }, h: { workers: { a: { command: x } } } }',
      /the name a is taken by groups.g.workers.a/,
    ],
  ]
  for (const [yaml, expected] of cases) test(yaml, () => assert.match(told(readYaml(yaml)).join('\n'), expected))
})

test('the message of the error begins with what it is about, a line for each problem, and not thousands', () => {
  const one = new ConfigError('/x/pagent.yaml', 'pagent.yaml', [
    { path: 'workers.a', line: 3, column: 5, message: 'no' },
  ])
  assert.equal(one.message, 'Cannot use pagent.yaml:3:5 workers.a: no')
  assert.deepEqual([one.code, one.name, one.file], ['ERR_PAGENT_CONFIG', 'ConfigError', '/x/pagent.yaml'])
  const many = new ConfigError(
    undefined,
    'f',
    Array.from({ length: 1000 }, (_, i) => ({ path: `p${i}`, message: 'no' })),
  )
  assert.equal(many.problems.length, 1000)
  assert.deepEqual(many.message.split('\n').slice(0, 2), ['Cannot use f: 1000 things are wrong with it', '  f p0: no'])
  assert.equal(many.message.split('\n').at(-1), '  … and 950 more')
})

test('nothing in a message moves the cursor of a terminal, and each problem is one line', () => {
  const { message } = new ConfigError(undefined, 'a\u001b[31m', [{ path: 'b\u0007', message: 'first\n  second\u009b' }])
  assert.equal(message, 'Cannot use a?[31m b?: first second?')
})

test('the nearest word is suggested, and a far one is not', () => {
  const words = ['memory', 'cpu_time', 'cpus', 'wall_time', 'open_files']
  const cases: Readonly<Record<string, string | undefined>> = {
    memry: 'memory',
    Memory: 'memory',
    cpuTime: 'cpu_time',
    'cpu-time': 'cpu_time',
    mmeory: 'memory',
    openfile: 'open_files',
    files: 'open_files',
    x: undefined,
    '': undefined,
    restart: undefined,
    ['m'.repeat(100_000)]: undefined,
  }
  for (const [written, expected] of Object.entries(cases))
    assert.equal(nearestOf(written, words), expected, written.slice(0, 20))
})

test('what cannot be read is told once, and nothing is missed where it stands', () => {
  const unset = 'the variable NOT is not set; set it, or give a default: ${NOT:-}'
  for (const [yaml, expected] of [
    ['workers: { web: { command: $NOT } }', `1:28 workers.web.command: ${unset}`],
    ['workers: { web: { command: [$NOT] } }', `1:29 workers.web.command[0]: ${unset}`],
    ['workers: { web: { command: *x } }', '1:28 workers.web.command: there is no anchor &x above'],
    ['pools: { web: { module: $NOT } }', `1:25 pools.web.module: ${unset}`],
    ['workers: $NOT', `1:10 workers: ${unset}`],
    ['workers: { web: { command: x, ready: { command: $NOT } } }', `1:49 workers.web.ready.command: ${unset}`],
    ['workers: { web: { command: x, env_file: { path: $NOT } } }', `1:49 workers.web.env_file.path: ${unset}`],
    ['workers: { web: { command: x, schedule: { cron: $NOT } } }', `1:49 workers.web.schedule.cron: ${unset}`],
    [
      'workers: { web: { command: x, shutdown: { farewell: [$NOT] } } }',
      `1:54 workers.web.shutdown.farewell[0]: ${unset}`,
    ],
    ['workers: { web: { command: x, <<: $NOT } }', `1:35 workers.web: ${unset}`],
  ] as const)
    assert.deepEqual(told(readYaml(yaml)), [expected])
})

test("what belongs to whoever writes it is nobody else's business, until it is used", () => {
  const yaml = `x-notes: "costs $5"
x-base: &base { command: [x, "$NOT"], x-more: ["\${"] }
workers:
  web: { <<: *base, command: x, x-mine: { at: $NOT } }
`
  assert.deepEqual(told(readYaml(yaml)), [])
  assert.deepEqual(told(readYaml(yaml.replace('command: x,', ''))), [
    '2:30 workers.web.command[1]: the variable NOT is not set; set it, or give a default: ${NOT:-}',
  ])
})
