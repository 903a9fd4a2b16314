/** pagent check, init and import, as a person uses them. */
import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, describe, test } from 'node:test'
import { type StdioOptions, spawnSync } from 'node:child_process'
import { complaint } from '../../src/cli/config/complaint.ts'
import { MAIN, environment } from './cli.ts'

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function folderWith(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'pagent-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

function pagent(cwd: string, ...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd,
    env: environment(),
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

const SHOP = `name: shop
workers:
  db:
    command: postgres -D data
    ready: { line: ready to accept }
    env: { PASSWORD: secret }
  web: { command: node server.js "a b", replicas: 2, depends_on: [db], limits: { memory: 256MiB } }
groups:
  g: { strategy: rest-for-one, workers: { a: { command: x }, b: { command: y, depends_on: [a] } } }
pools:
  calc: { command: ./calc, size: 4 }
`

const RESTLESS = `setInterval(() => {}, 1000)
console.log('from the console')
process.stdout.write('from stdout\\n')
export default { workers: { web: { command: 'x', replicas: 500 } } }
`

describe('a configuration that is a program', () => {
  test('keeps no command that is done, and prints to stderr', (t) => {
    const { code, stdout, stderr } = pagent(folderWith(t, { 'pagent.config.mjs': RESTLESS }), 'check', '-o', 'json')
    assert.deepEqual([code, stderr], [0, 'from the console\nfrom stdout\n'])
    assert.equal((JSON.parse(stdout) as { entries: unknown[] }).entries.length, 500)
  })

  test('that ends the process has failed', (t) => {
    const { code, stdout, stderr } = pagent(folderWith(t, { 'pagent.config.mjs': 'process.exit(0)' }), 'check')
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /pagent\.config\.mjs:1:9: it cannot be loaded: it calls process\.exit\(0\)/)
  })
})

describe('pagent check', () => {
  test('shows every worker in the order of start, in 80 columns, and no secrets', (t) => {
    const { code, stdout, stderr } = pagent(folderWith(t, { 'pagent.yaml': SHOP }), 'check')
    assert.deepEqual([code, stderr], [0, ''])
    assert.equal(
      stdout,
      `shop: 5 workers, 1 pool, 1 group, from pagent.yaml

START  NAME      RUNS
1      db        postgres -D data
                 restart always · ready at a line with /ready to accept/ · env
                 PASSWORD
2      web-1..2  node server.js 'a b'
                 after db · restart always · memory 256MiB · env PAGENT_REPLICA
1      calc      pool of 4: ./calc
1      g         group of 2, rest-for-one
1        a       x
                 restart always
2        b       y
                 after a · restart always
`,
    )
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
  })

  test('-o json and -o yaml hold everything; values of variables only with --reveal', (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': SHOP })
    const plan = JSON.parse(pagent(cwd, 'check', '-o', 'json').stdout) as {
      schemaVersion: number
      entries: { env?: object }[]
    }
    assert.deepEqual([plan.schemaVersion, plan.entries[0]?.env], [1, { PASSWORD: '***' }])
    assert.match(pagent(cwd, 'check', 'pagent.yaml', '-o', 'yaml').stdout, /PASSWORD: "\*\*\*"/)
    assert.match(pagent(cwd, 'check', '-f', 'pagent.yaml', '-o', 'json', '--reveal').stdout, /"PASSWORD": "secret"/)
    assert.match(pagent(cwd, 'check', '--reveal').stdout, /PASSWORD=secret/)
  })

  test('tells everything that is wrong, with exit code 2 and nothing on stdout', (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': 'workers:\n  web: { comand: x, limits: { memry: 1 } }\n' })
    const { code, stdout, stderr } = pagent(cwd, 'check')
    assert.deepEqual([code, stdout], [2, ''])
    assert.equal(
      stderr,
      `pagent: Cannot use pagent.yaml: 2 things are wrong with it
  pagent.yaml:2:10 workers.web.comand: there is no key "comand"; did you mean "command"?
  pagent.yaml:2:31 workers.web.limits.memry: there is no key "memry"; did you mean "memory"?
`,
    )
  })

  test('a wrong command line is refused with exit code 2', (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': SHOP })
    assert.match(pagent(cwd, 'check', 'a', 'b').stderr, /too many arguments/)
    assert.match(pagent(cwd, 'check', 'a', '-f', 'b').stderr, /named twice/)
    assert.equal(pagent(cwd, 'check', '-o', 'xml').code, 2)
    assert.deepEqual([pagent(cwd, 'check', 'none.yaml').code, pagent(folderWith(t), 'check').code], [2, 2])
  })

  test('replicas that are waited for are one name, and nothing moves the cursor of the terminal', (t) => {
    const yaml =
      'workers: { db: { command: x, replicas: 3 }, one-1: { command: x }, web: { command: ["a\\e[31m"], env: { "E\\e": 1 }, depends_on: [db, one-1] } }'
    const { stdout } = pagent(folderWith(t, { 'pagent.yaml': yaml }), 'check')
    assert.match(stdout, /^2 {6}web {6}'a\?\[31m'\n +after db-1\.\.3, one-1 · restart always · env E\?$/m)
  })

  test('long names and commands are broken between words', (t) => {
    const name = 'a-worker-with-a-name-that-does-not-fit'
    const words = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ')
    const { stdout } = pagent(folderWith(t, { 'pagent.yaml': `workers: { ${name}: { command: ${words} } }` }), 'check')
    assert.match(stdout, new RegExp(`^1 {6}${name}$`, 'm'))
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line)
  })
})

test('on a terminal many problems are broken between words, elsewhere each is one line', () => {
  const message = `Cannot use a: 2 things are wrong with it\n  a:1:1 workers.web: ${'word '.repeat(20).trim()}\n  a:2:1 short`
  assert.equal(complaint(message, Infinity), message)
  assert.equal(
    complaint(message, 60),
    `Cannot use a: 2 things are wrong with it
  a:1:1 workers.web: word word word word word word word
      word word word word word word word word word word word
      word word
  a:2:1 short`,
  )
})

describe('pagent init', () => {
  for (const [args, config] of [
    [[], 'pagent.yaml'],
    [['--ts'], 'pagent.config.ts'],
  ] as const) {
    test(`writes ${config} and a worker, which are found good`, (t) => {
      const cwd = folderWith(t)
      const { code, stderr } = pagent(cwd, 'init', ...args)
      assert.equal(code, 0, stderr)
      assert.match(stderr, new RegExp(`wrote ${config} and hello.mjs. Next: pagent up`))
      assert.deepEqual(readdirSync(cwd).toSorted(), ['hello.mjs', config].toSorted())
      assert.match(pagent(cwd, 'check').stdout, /1 {6}hello {2}node hello\.mjs/)
    })
  }

  test('the worker answers, crashes when it is asked to, and ends with its stdin', (t) => {
    const cwd = folderWith(t)
    pagent(cwd, 'init')
    const run = (input: string): [number | null, string] => {
      const { status, stdout } = spawnSync(process.execPath, ['hello.mjs'], {
        cwd,
        input,
        encoding: 'utf8',
        env: environment(),
      })
      return [status, stdout]
    }
    assert.deepEqual(run('world\n'), [0, 'hello is listening; try: pagent send hello world\nhello, world\n'])
    assert.equal(run('crash\n')[0], 1)
  })

  test('never overwrites, and then writes nothing at all', (t) => {
    for (const name of ['pagent.yaml', 'pagent.config.mjs', 'hello.mjs']) {
      const cwd = folderWith(t, { [name]: 'mine' })
      const { code, stderr } = pagent(cwd, 'init')
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`${name} is here already; nothing was written`))
      assert.deepEqual([readdirSync(cwd), readFileSync(join(cwd, name), 'utf8')], [[name], 'mine'])
    }
  })
})

describe('pagent import', () => {
  const ECOSYSTEM = "module.exports = { apps: [{ name: 'a', script: 'a.js', watch: true }] }"

  test('pm2 to stdout, with what could not be translated as comments', (t) => {
    for (const file of ['ecosystem.config.js', 'ecosystem.config.cjs', 'mine.cjs']) {
      const cwd = folderWith(t, { [file]: ECOSYSTEM })
      const { code, stdout, stderr } = pagent(cwd, 'import', 'pm2', ...(file === 'mine.cjs' ? [file] : []))
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^ {2}# not translated: watch: true\n {2}a:\n {4}command: \[ node, a\.js \]/m)
      assert.match(stderr, /1 thing needs your attention/)
      assert.equal(existsSync(join(cwd, 'pagent.yaml')), false)
      writeFileSync(join(cwd, 'pagent.yaml'), stdout)
      assert.equal(pagent(cwd, 'check').code, 0)
    }
  })

  test('pm2 from JSON, a Procfile', (t) => {
    const cwd = folderWith(t, { 'ecosystem.json': '{"apps":[{"script":"a.js"}]}', Procfile: 'web: node x' })
    assert.match(pagent(cwd, 'import', 'pm2').stdout, /command: \[ node, a\.js \]/)
    assert.match(pagent(cwd, 'import', 'procfile').stdout, /command: node x/)
  })

  test('what cannot be read is told, with exit code 2', (t) => {
    const cwd = folderWith(t, { 'a.json': '{', 'b.cjs': 'throw new Error("no")', 'c.json': '{}', Procfile: 'x' })
    const told = (...args: string[]): string => {
      const { code, stdout, stderr } = pagent(cwd, 'import', ...args)
      assert.deepEqual([code, stdout], [2, ''])
      return stderr
    }
    assert.match(told('pm2'), /there is none here: looked for ecosystem\.config\.js/)
    assert.match(told('pm2', 'none.js'), /none\.js: it does not exist/)
    assert.match(told('pm2', 'a.json'), /neither JSON nor YAML/)
    assert.match(told('pm2', 'b.cjs'), /it cannot be loaded: no/)
    assert.match(told('pm2', 'c.json'), /expected a list of apps/)
    assert.match(told('procfile'), /Procfile:1:1: expected a line/)
    assert.match(told('compose'), /Allowed choices are pm2, procfile/)
  })
})

const needsFull = !existsSync('/dev/full') && 'needs /dev/full, a disk without room'

describe('output that cannot be written', () => {
  const commands = [
    'check',
    'check -o json',
    'doctor',
    'completion bash',
    'fleets -o json',
    '--help',
    'help ps',
    'import procfile',
    'run --idle 1m -- echo important',
    'run --output-limit 1MiB -- echo important',
    'run --ready important -- echo important',
  ]
  for (const command of commands)
    test(`is an error, with exit code 1: ${command}`, { skip: needsFull }, (t) => {
      const cwd = folderWith(t, { 'pagent.yaml': SHOP, Procfile: 'web: sleep 1' })
      const full = openSync('/dev/full', 'w')
      const stdio: StdioOptions = ['ignore', full, 'pipe']
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...command.split(' ')], {
        cwd,
        env: environment(),
        encoding: 'utf8',
        stdio,
      })
      closeSync(full)
      assert.deepEqual([status, stderr], [1, 'pagent: Cannot write the output: no space left on device (ENOSPC)\n'])
    })

  test('since its reader has left is no word of anybody', (t) => {
    const cwd = folderWith(t, { 'pagent.yaml': SHOP })
    const pipeline = `"${process.execPath}" "${MAIN}" check | :`
    const { status, stderr } = spawnSync('sh', ['-c', pipeline], { cwd, env: environment(), encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
  })
})
