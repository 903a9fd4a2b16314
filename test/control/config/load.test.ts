/** Files: which one is meant, how it is read, and what is said where it cannot be. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import { ConfigError } from '../../../src/control/config/config-error.ts'
import type { FleetPlan, WorkerEntry } from '../../../src/control/config/fleet-plan.ts'
import { loadFleet } from '../../../src/control/config/load.ts'
import { FakeClock } from '../../support/fake-clock.ts'

type Files = Readonly<Record<string, string | Buffer>>

/** A folder of its own with these files. */
function folderWith(t: TestContext, files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-config-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

async function refusal(cwd: string, path?: string): Promise<ConfigError> {
  const error: unknown = await loadFleet(path, { cwd, env: {} }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ConfigError, `it was not refused: ${String(error)}`)
  return error
}

const workersOf = ({ entries }: FleetPlan): readonly WorkerEntry[] => entries.filter((entry) => entry.kind === 'worker')
const YAML = 'workers: { web: { command: x } }'
const MODULE = 'export default { workers: { web: { command: "x" } } }'

describe('which file is meant', () => {
  for (const name of [
    'pagent.yaml',
    'pagent.yml',
    'pagent.config.ts',
    'pagent.config.mts',
    'pagent.config.js',
    'pagent.config.mjs',
    'Procfile',
  ]) {
    test(name, async (t) => {
      const text = name === 'Procfile' ? 'web: x' : name.includes('config') ? MODULE : YAML
      const cwd = folderWith(t, { [name]: text, 'package.json': '{ "type": "module" }' })
      const plan = await loadFleet(undefined, { cwd })
      assert.deepEqual([plan.file, plan.folder, workersOf(plan)[0]?.cwd], [join(cwd, name), cwd, cwd])
    })
  }

  test('none: it says what was looked for, and what to do', async (t) => {
    const cwd = folderWith(t, { 'other.yaml': YAML })
    const { message, problems } = await refusal(cwd)
    assert.match(
      message,
      /looked for pagent\.config\.ts \(\.mts, \.js, \.mjs\), pagent\.yaml \(\.yml\) and Procfile; make one by pagent init, or name one by -f/,
    )
    assert.equal(problems.length, 1)
  })

  test('two: it says which', async (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': YAML, 'pagent.config.ts': MODULE })
    assert.match(
      (await refusal(cwd)).message,
      /there are 2 of them: pagent\.config\.ts and pagent\.yaml; keep one, or choose by -f/,
    )
    assert.equal((await loadFleet('pagent.yaml', { cwd })).file, join(cwd, 'pagent.yaml'))
  })

  test('a Procfile counts where there is none of ours', async (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': YAML, Procfile: 'web: y' })
    assert.equal((await loadFleet(undefined, { cwd })).file, join(cwd, 'pagent.yaml'))
  })

  test('a folder above is not looked into', async (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': YAML })
    mkdirSync(join(cwd, 'sub'))
    await refusal(join(cwd, 'sub'))
  })

  test('a file or a folder can be named', async (t) => {
    const cwd = folderWith(t, {
      'pagent.yaml': YAML,
      'dev.yml': YAML,
      'Procfile.dev': 'web: y',
      'x.json': '{"workers":{"a":{"command":"x"}}}',
    })
    for (const name of ['dev.yml', 'Procfile.dev', 'x.json', join(cwd, 'pagent.yaml')]) await loadFleet(name, { cwd })
    assert.equal((await loadFleet(cwd, { cwd: '/' })).file, join(cwd, 'pagent.yaml'))
  })

  test('a link is where it lies', async (t) => {
    const cwd = folderWith(t, { 'real.yaml': YAML })
    symlinkSync('real.yaml', join(cwd, 'pagent.yaml'))
    assert.equal((await loadFleet(undefined, { cwd })).file, join(cwd, 'pagent.yaml'))
  })
})

describe('what cannot be read', () => {
  const cases: Readonly<Record<string, readonly [path: string, files: Files, expected: RegExp]>> = {
    'what is not there': ['none.yaml', {}, /none\.yaml: it does not exist/],
    'a name that says nothing': ['fleet.toml', { 'fleet.toml': '' }, /its name does not say what it is/],
    'invalid UTF-8': [
      'a.yaml',
      { 'a.yaml': Buffer.from('# ok\nworkers: "\xff"\n', 'latin1') },
      /it is not UTF-8 from line 2 on/,
    ],
    '50 MB': ['a.yaml', { 'a.yaml': Buffer.alloc(50_000_000, 'a') }, /it has 47\.7MiB; 1MiB are the most/],
    'a module of 50 MB': ['a.ts', { 'a.ts': Buffer.alloc(50_000_000, '/') }, /it has 47\.7MiB/],
    'a .env that is no text': [
      'a.yaml',
      { 'a.yaml': YAML, '.env': Buffer.from([0xff]) },
      /\.env cannot be read: it is not UTF-8/,
    ],
  }
  for (const [name, [path, files, expected]] of Object.entries(cases)) {
    test(name, async (t) => assert.match((await refusal(folderWith(t, files), path)).message, expected))
  }

  test('a pipe', async (t) => {
    const cwd = folderWith(t, {})
    execFileSync('mkfifo', [join(cwd, 'pagent.yaml')])
    assert.match((await refusal(cwd)).message, /it is no regular file/)
  })

  test('a file that may not be read', { skip: process.getuid?.() === 0 && 'root may read everything' }, async (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': YAML })
    chmodSync(join(cwd, 'pagent.yaml'), 0)
    assert.match((await refusal(cwd)).message, /it may not be read/)
  })

  test('a byte order mark is no part of the text', async (t) => {
    await loadFleet(undefined, { cwd: folderWith(t, { 'pagent.yaml': `\uFEFF${YAML}` }) })
  })
})

/** A module with that text. */
const load = (t: TestContext, text: string): Promise<FleetPlan> =>
  loadFleet(undefined, { cwd: folderWith(t, { 'pagent.config.ts': text }) })

describe('a module', () => {
  test('with defineConfig, which needs no installed package', async (t) => {
    const plan = await load(
      t,
      `import { defineConfig } from 'pagent/config'\nexport default defineConfig({ workers: { web: { command: 'x' as string } } })`,
    )
    assert.equal(plan.entries[0]?.id, 'web')
  })

  test('with a function, a promise, or a function that makes one', async (t) => {
    const value = '{ workers: { web: { command: "x" } } }'
    for (const exported of [`() => (${value})`, `Promise.resolve(${value})`, `async () => (${value})`])
      assert.equal((await load(t, `export default ${exported}`)).entries.length, 1)
  })

  test('is read anew each time', async (t) => {
    const cwd = folderWith(t, { 'pagent.config.ts': MODULE })
    await loadFleet(undefined, { cwd })
    writeFileSync(join(cwd, 'pagent.config.ts'), MODULE.replace('web', 'api'))
    assert.equal((await loadFleet(undefined, { cwd })).entries[0]?.id, 'api')
  })

  const cases: Readonly<Record<string, readonly [text: string, expected: RegExp]>> = {
    'without a default export': [
      'export const config = {}',
      /it exports config, but no default; write: export default defineConfig/,
    ],
    'that exports nothing': ['export {}', /it exports nothing/],
    'that throws': ['\nthrow new Error("as you wish")', /pagent\.config\.ts:2:7: it cannot be loaded: as you wish/],
    'that throws no error': ['throw undefined', /it cannot be loaded: undefined/],
    'that is no TypeScript': ['export default {', /it cannot be loaded/],
    'with an enum': ['enum A { B }\nexport default {}', /no enum, no namespace/],
    'that imports what is not there': ['import "./none.ts"', /it cannot be loaded: Cannot find module/],
    'that ends the process': [
      '\nprocess.exit(0)',
      /pagent\.config\.ts:2:9: it cannot be loaded: it calls process\.exit\(0\); throw an error instead/,
    ],
    'that ends the process where nobody looks': [
      'try { process.exit() } catch {}\nexport default new Promise(() => {})',
      /pagent\.config\.ts:1:15: it cannot be loaded: it calls process\.exit\(0\)/,
    ],
    'that rejects': ['export default Promise.reject(new Error("later"))', /it cannot be loaded: later/],
  }
  for (const [name, [text, expected]] of Object.entries(cases)) {
    test(name, async (t) => {
      const error = await refusal(folderWith(t, { 'pagent.config.ts': text }))
      assert.match(error.message, expected)
      assert.ok(error.cause instanceof Error)
    })
  }

  test('that awaits for ever is given up', async (t) => {
    const cwd = folderWith(t, { 'pagent.config.ts': 'globalThis.isAwaited?.()\nexport default new Promise(() => {})' })
    const clock = new FakeClock()
    const awaited = new Promise<void>((resolve) => Object.assign(globalThis, { isAwaited: resolve }))
    const loading = assert.rejects(loadFleet(undefined, { cwd, clock }), /it was not read within 10s/)
    await awaited
    clock.advance(10_000)
    await loading
  })

  test('keeps nothing of its way to find pagent/config', async (t) => {
    await load(t, `import 'pagent/config'\n${MODULE}`)
    await assert.rejects(
      import(join(folderWith(t, { 'x.mjs': `import 'pagent/config-that-is-not'` }), 'x.mjs')),
      /Cannot find package/,
    )
  })
})

describe('files of variables', () => {
  test('.env beside pagent.yaml fills in variables, and the environment overrides it', async (t) => {
    const cwd = folderWith(t, {
      'pagent.yaml': 'workers: { web: { command: [x, "${A}", "${B}"] } }',
      '.env': 'A=from-file\nB=from-file\n',
    })
    const plan = await loadFleet(undefined, { cwd, env: { B: 'from-outside' } })
    assert.deepEqual(workersOf(plan)[0]?.args, ['from-file', 'from-outside'])
    assert.deepEqual(workersOf(plan)[0]?.env, {})
  })

  test('env_file, several of them, and env over all', async (t) => {
    const cwd = folderWith(t, {
      'pagent.yaml':
        'workers: { web: { command: x, env_file: [a.env, b.env, { path: c.env, required: false }], env: { C: own } } }',
      'a.env': 'A=a\nB=a\nC=a\n# comment\nexport D="with \\"quotes\\""\n',
      'b.env': 'B=b\n',
    })
    assert.deepEqual(workersOf(await loadFleet(undefined, { cwd }))[0]?.env, { A: 'a', B: 'b', C: 'own', D: 'with \\' })
  })

  test('one that is missing is a problem where it is named', async (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': 'workers:\n  web:\n    command: x\n    env_file: [a.env]\n' })
    assert.match(
      (await refusal(cwd)).message,
      /pagent\.yaml:4:16 workers\.web\.env_file\[0\]: the file of variables .*a\.env cannot be read: it does not exist/,
    )
  })
})

describe('a Procfile', () => {
  test('is run by a shell, with .env and a port for each', async (t) => {
    const cwd = folderWith(t, {
      Procfile: '# all\nweb: node x -p $PORT\n\nclock:  a && b  \r\n',
      '.env': 'A=1\nPORT=3000\n',
    })
    const plan = await loadFleet(undefined, { cwd })
    assert.deepEqual(
      workersOf(plan).map(({ id, file, args, env, restart }) => ({ id, file, args, env, restart })),
      [
        {
          id: 'web',
          file: 'sh',
          args: ['-c', 'exec node x -p $PORT'],
          env: { A: '1', PORT: '3000' },
          restart: 'permanent',
        },
        { id: 'clock', file: 'sh', args: ['-c', 'a && b'], env: { A: '1', PORT: '3100' }, restart: 'permanent' },
      ],
    )
  })

  const cases: Readonly<Record<string, RegExp>> = {
    '': /there is nothing to run/,
    'web x': /Procfile:1:1: expected a line such as web: node server\.js, not "web x"/,
    'web: x\nweb: y':
      /^Cannot use Procfile:2:1 workers\.web: the name web is taken by workers\.web in line 1; names are unique in the fleet$/,
    'all: x': /"all" means all of them/,
  }
  for (const [text, expected] of Object.entries(cases))
    test(JSON.stringify(text), async (t) =>
      assert.match((await refusal(folderWith(t, { Procfile: text }))).message, expected),
    )
})
