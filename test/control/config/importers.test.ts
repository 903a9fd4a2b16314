import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WorkerEntry } from '../../../src/control/config/fleet-plan.ts'
import { importPm2 } from '../../../src/control/config/importers/pm2.ts'
import { importProcfile } from '../../../src/control/config/importers/procfile.ts'
import { planOf, readYaml } from './reading.ts'

/** The only worker of what comes out, and its comments. */
function translated(app: object): { readonly worker: WorkerEntry; readonly notes: readonly string[] } {
  const text = importPm2({ apps: [app] })
  const [worker] = planOf(readYaml(text)).entries
  assert.ok(worker?.kind === 'worker')
  return { worker, notes: [...text.matchAll(/^ +# (.*)$/gm)].map(([, note = '']) => note) }
}

/** What is said of an app, what of the worker comes of it, and a fragment of each comment. */
type Row = readonly [app: object, expected: object, notes?: readonly string[]]

const rows: Readonly<Record<string, Row>> = {
  'a script of node': [
    { script: 'dist/main.js' },
    { id: 'main', file: 'node', args: ['dist/main.js'], restart: 'permanent' },
  ],
  'a name that cannot be one': [{ name: 'api server!', script: 'a.js' }, { id: 'api-server-' }],
  'a name of digits': [{ name: '8080', script: 'a.js' }, { id: 'worker-8080' }],
  'arguments in a line': [{ script: 'a.js', args: '--port 3000 "a b"' }, { args: ['a.js', '--port', '3000', 'a b'] }],
  'arguments in a list': [{ script: 'a.js', args: ['--cost', '$5', 3] }, { args: ['a.js', '--cost', '$5', '3'] }],
  'arguments only a shell understands': [
    { script: 'a.js', args: 'a $B' },
    { args: ['a.js', 'a', '$B'] },
    ['these arguments may need another look'],
  ],
  'an interpreter with arguments': [
    { script: 'job.py', interpreter: 'python3.12', interpreter_args: '-u' },
    { file: 'python3.12', args: ['-u', 'job.py'] },
  ],
  'arguments of node': [
    { script: 'a.js', node_args: ['--inspect'] },
    { file: 'node', args: ['--inspect', 'a.js'] },
  ],
  'no interpreter': [
    { script: 'server.bin', interpreter: 'none' },
    { file: './server.bin', args: [] },
  ],
  'a program of the system': [
    { script: 'npm', args: 'run start' },
    { file: 'npm', args: ['run', 'start'] },
  ],
  'a line for a shell': [{ script: 'echo $A | cat' }, { file: 'sh', args: ['-c', 'echo $A | cat'] }],
  'a folder and variables': [
    { script: 'a.js', cwd: '/opt/a', env: { A: 1, B: { c: 2 }, C: '$x' }, env_production: { A: 2 } },
    { cwd: '/opt/a', env: { A: '1', B: '{"c":2}', C: '$x' } },
    ['not translated: env_production; put its variables into a file'],
  ],
  'instances in cluster mode': [
    { name: 'a', script: 'a.js', instances: 3, exec_mode: 'cluster' },
    { id: 'a-1', env: { PAGENT_REPLICA: '1' } },
    ['each replica listens on its own'],
  ],
  'as many as there are CPUs': [
    { name: 'a', script: 'a.js', instances: 'max' },
    { id: 'a' },
    ['instances: max is as many as there are CPUs'],
  ],
  'one instance': [{ name: 'a', script: 'a.js', instances: 1, exec_mode: 'fork' }, { id: 'a' }],
  memory: [{ script: 'a.js', max_memory_restart: '300M' }, { limits: { memory: 300 * 2 ** 20 } }],
  'memory in bytes': [{ script: 'a.js', max_memory_restart: 5_000_000 }, { limits: { memory: 5_000_000 } }],
  once: [{ script: 'a.js', autorestart: false }, { restart: 'temporary' }],
  'a cron job': [
    { script: 'a.js', autorestart: false, cron_restart: '0 3 * * *' },
    { restart: 'temporary', schedule: { cron: '0 3 * * *', timezone: undefined, overlap: 'restart' } },
  ],
  'a restart at times': [
    { script: 'a.js', cron_restart: '0 3 * * *' },
    { schedule: undefined },
    ['not translated: cron_restart: "0 3 * * *"'],
  ],
  'codes that are no failure': [{ script: 'a.js', stop_exit_codes: [0] }, { restart: 'transient' }],
  'other codes': [{ script: 'a.js', stop_exit_codes: [0, 3] }, { restart: 'transient' }, ['only 0 is no failure here']],
  'how often': [
    { script: 'a.js', max_restarts: 10, min_uptime: '5s' },
    { intensity: { restarts: 10, within: 55_000 } },
    ['about the same'],
  ],
  'a wait': [{ script: 'a.js', restart_delay: 500 }, { backoff: { min: 500, max: 500, factor: 2, jitter: 0 } }],
  'a growing wait': [
    { script: 'a.js', exp_backoff_restart_delay: 100 },
    { backoff: { min: 100, max: 15_000, factor: 1.5, jitter: 0 } },
  ],
  'how it ends': [
    { script: 'a.js', kill_timeout: 5000 },
    { shutdown: { farewell: undefined, eof: 2000, killSignal: 'SIGINT', grace: 5000 } },
  ],
  wait_ready: [
    { script: 'a.js', wait_ready: true, listen_timeout: 5000 },
    {},
    ['print a line', 'write ready_timeout: 5000ms'],
  ],
  'what has no counterpart': [
    { script: 'a.js', watch: true, error_file: 'x\n# y' },
    {},
    ['not translated: watch: true', 'not translated: error_file'],
  ],
}

describe('pm2', () => {
  for (const [name, [app, expected, wanted = []]] of Object.entries(rows)) {
    test(name, () => {
      const { worker, notes } = translated(app)
      assert.deepEqual({ ...worker, ...expected }, worker)
      assert.equal(notes.length, wanted.length, notes.join('\n'))
      for (const [i, fragment] of wanted.entries())
        assert.ok(notes[i]?.includes(fragment), `${notes[i]} has no ${fragment}`)
    })
  }

  test('several, of one name', () => {
    const text = importPm2([{ script: 'a.js' }, { script: 'b/a.js' }, { name: 'a', script: 'c.js' }])
    assert.deepEqual(
      planOf(readYaml(text)).entries.map(({ id }) => id),
      ['a', 'a.2', 'a.3'],
    )
  })

  test('what else stands in the file is named', () => {
    assert.match(importPm2({ apps: [{ script: 'a.js' }], deploy: {} }), /^# not translated: deploy$/m)
  })

  for (const wrong of [
    undefined,
    5,
    'x',
    {},
    [],
    { apps: [] },
    { apps: [{ name: 'a' }] },
    { apps: [5] },
    { apps: { a: 1 } },
  ])
    test(`${JSON.stringify(wrong)} is none`, () =>
      assert.throws(() => importPm2(wrong), { code: 'ERR_PAGENT_CONFIG', message: /expected a list of apps/ }))
})

describe('Procfile', () => {
  test('a line that needs no shell gets none', () => {
    const plan = planOf(
      readYaml(importProcfile('web: node server.js "a b"\nclock: sh run.sh -p $PORT\nx: a && b $$\n')),
    )
    const workers = plan.entries.map((entry) =>
      entry.kind === 'worker' ? [entry.id, entry.file, entry.args, entry.env] : [],
    )
    assert.deepEqual(workers, [
      ['web', 'node', ['server.js', 'a b'], {}],
      ['clock', 'sh', ['-c', 'exec sh run.sh -p $PORT'], { PORT: '5100' }],
      ['x', 'sh', ['-c', 'a && b $$'], {}],
    ])
  })

  test('is refused with its lines where it is none', () => {
    assert.throws(() => importProcfile('web: x\nnonsense\n'), {
      code: 'ERR_PAGENT_CONFIG',
      message: /Procfile:2:1: expected a line such as web: node server\.js/,
    })
    assert.throws(() => importProcfile('# nothing\n'), { code: 'ERR_PAGENT_CONFIG' })
  })
})
