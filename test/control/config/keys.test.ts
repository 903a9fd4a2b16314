/** Each key in both formats, and what comes of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EntryPlan, GroupEntry, WorkerEntry } from '../../../src/control/config/fleet-plan.ts'
import { FLEET_KEYS, GROUP_KEYS, POOL_KEYS, WORKER_KEYS } from '../../../src/control/config/keys/tables.ts'
import { spellingsOf } from '../../../src/control/config/shapes/table.ts'
import type { PoolConfig, WorkerConfig } from '../../../src/control/config/typed/index.ts'
import { entryOf, planOf, readValue, readYaml } from './reading.ts'

const DEFAULTS: WorkerEntry = {
  kind: 'worker',
  id: 'web',
  service: 'web',
  dependsOn: [],
  file: 'node',
  args: ['server.js'],
  cwd: '/srv/shop',
  env: {},
  inheritEnv: undefined,
  framing: 'lines',
  ready: { when: 'spawn' },
  readyTimeout: 30_000,
  alive: undefined,
  shutdown: { farewell: undefined, eof: 2000, killSignal: 'SIGTERM', grace: 3000 },
  limits: {},
  restart: 'permanent',
  backoff: { min: 100, max: 10_000, factor: 2, jitter: 1 },
  intensity: { restarts: 3, within: 5000 },
  autostart: true,
  schedule: undefined,
}

const http = { probe: 'http', url: 'http://localhost/' } as const
const shutdown = DEFAULTS.shutdown

/** What is written in YAML, the same in TypeScript, and what differs from the defaults. */
type Row = readonly [yaml: string, config: Partial<WorkerConfig>, expected: Partial<WorkerEntry>]

const WORKER_ROWS: Readonly<Record<keyof WorkerConfig, readonly Row[]>> = {
  command: [
    ['command: python3 -u "a b.py"', { command: 'python3 -u "a b.py"' }, { file: 'python3', args: ['-u', 'a b.py'] }],
    ['command: [sleep, 10]', { command: ['sleep', 10] }, { file: 'sleep', args: ['10'] }],
  ],
  args: [['args: [-p, 80, 3.10]', { args: ['-p', 80, '3.10'] }, { args: ['server.js', '-p', '80', '3.10'] }]],
  cwd: [
    ['cwd: sub', { cwd: 'sub' }, { cwd: '/srv/shop/sub' }],
    ['working_dir: /tmp', { cwd: new URL('file:///tmp') }, { cwd: '/tmp' }],
  ],
  env: [
    [
      'env: { A: 1, VERSION: "3.10", B: true, C: null }',
      { env: { A: 1, VERSION: '3.10', B: true, C: undefined } },
      { env: { A: '1', VERSION: '3.10', B: 'true', C: null } },
    ],
    [
      'environment: [A=b=c, HOME, NOT_THERE]',
      { env: ['A=b=c', 'HOME', 'NOT_THERE'] },
      { env: { A: 'b=c', HOME: '/home/me' } },
    ],
  ],
  inheritEnv: [
    ['inherit_env: [PATH, HOME]', { inheritEnv: ['PATH', 'HOME'] }, { inheritEnv: ['PATH', 'HOME'] }],
    ['inherit_env: []', { inheritEnv: [] }, { inheritEnv: [] }],
  ],
  envFile: [
    [
      'env_file: { path: not-there, required: false }',
      { envFile: { path: 'not-there', required: false } },
      { env: {} },
    ],
  ],
  dependsOn: [
    ['depends_on: [db]', { dependsOn: ['db'] }, { dependsOn: ['db-1', 'db-2'] }],
    ['depends_on: [db-2]', { dependsOn: ['db-2'] }, { dependsOn: ['db-2'] }],
    [
      'depends_on: { db: { condition: started } }',
      { dependsOn: { db: { condition: 'started' } } },
      { dependsOn: [], startsAfter: ['db-1', 'db-2'] },
    ],
  ],
  ready: [
    ['ready: first-message', { ready: 'first-message' }, { ready: { when: 'first-message' } }],
    ["ready: { line: 'on \\d+' }", { ready: /on \d+/ }, { ready: { when: 'line', pattern: String.raw`on \d+` } }],
    [
      'ready: { tcp: 80 }',
      { ready: { tcp: 80 } },
      { ready: { when: 'probe', every: 1000, probe: 'tcp', host: 'localhost', port: 80 } },
    ],
    [
      'ready: { tcp: "[::1]:80" }',
      { ready: { tcp: '[::1]:80' } },
      { ready: { when: 'probe', every: 1000, probe: 'tcp', host: '::1', port: 80 } },
    ],
    [
      'ready: { command: ./check -q, every: 5s }',
      { ready: { command: ['./check', '-q'], every: 5000 } },
      { ready: { when: 'probe', every: 5000, probe: 'command', file: './check', args: ['-q'] } },
    ],
  ],
  readyTimeout: [['ready_timeout: 1m30s', { readyTimeout: 90_000 }, { readyTimeout: 90_000 }]],
  healthcheck: [
    [
      'healthcheck: { http: http://localhost/ }',
      { healthcheck: { http: 'http://localhost/' } },
      {
        alive: { ...http, every: 30_000, timeout: 30_000, retries: 3 },
        ready: { when: 'probe', every: 1000, ...http },
      },
    ],
    [
      'healthcheck: { test: "curl x || exit 1", interval: 10s, timeout: 5s, retries: 2, start_period: 40s, start_interval: 2s }',
      {
        healthcheck: {
          test: ['CMD-SHELL', 'curl x || exit 1'],
          interval: 10_000,
          timeout: '5s',
          retries: 2,
          startPeriod: '40s',
          startInterval: '2s',
        },
      },
      {
        alive: {
          probe: 'command',
          file: 'sh',
          args: ['-c', 'curl x || exit 1'],
          every: 10_000,
          timeout: 5000,
          retries: 2,
        },
        ready: { when: 'probe', every: 2000, probe: 'command', file: 'sh', args: ['-c', 'curl x || exit 1'] },
        readyTimeout: 60_000,
      },
    ],
    ['healthcheck: { test: [NONE] }', { healthcheck: { disable: true } }, {}],
    [
      'alive: { tcp: 1, interval: 500ms }\nready: spawn',
      { healthcheck: { tcp: '1', interval: 500 }, ready: 'spawn' },
      { alive: { probe: 'tcp', host: 'localhost', port: 1, every: 500, timeout: 30_000, retries: 3 } },
    ],
  ],
  limits: [
    [
      'limits: { memory: 256MiB, cpu_time: 10s, cpus: 0.5, wall_time: 1h, idle: 1m, output: 1MB, processes: 10, open_files: 64, file_size: 1GiB, enforce: exact }',
      {
        limits: {
          memory: 2 ** 28,
          cpuTime: 10_000,
          cpus: 0.5,
          wallTime: '1h',
          idle: '1m',
          output: '1MB',
          processes: 10,
          openFiles: 64,
          fileSize: '1GiB',
          enforce: 'exact',
        },
      },
      {
        limits: {
          memory: 2 ** 28,
          cpuTime: 10_000,
          cpus: 0.5,
          wallTime: 3_600_000,
          idle: 60_000,
          output: 1_000_000,
          processes: 10,
          openFiles: 64,
          fileSize: 2 ** 30,
          enforce: 'exact',
        },
      },
    ],
  ],
  shutdown: [
    [
      'shutdown: { farewell: bye, eof: 0, kill_signal: SIGINT, grace: 1s }',
      { shutdown: { farewell: 'bye', eof: 0, killSignal: 'SIGINT', grace: '1s' } },
      { shutdown: { farewell: 'bye', eof: 0, killSignal: 'SIGINT', grace: 1000 } },
    ],
    [
      'framing: json\nshutdown: { farewell: { method: exit, list: [1, null] } }',
      { framing: 'json', shutdown: { farewell: { method: 'exit', list: [1, null] } } },
      { framing: 'json', shutdown: { ...shutdown, farewell: { method: 'exit', list: [1, null] } } },
    ],
  ],
  stopGracePeriod: [
    ['stop_grace_period: 10s', { stopGracePeriod: '10s' }, { shutdown: { ...shutdown, grace: 10_000 } }],
  ],
  stopSignal: [['stop_signal: SIGINT', { stopSignal: 'SIGINT' }, { shutdown: { ...shutdown, killSignal: 'SIGINT' } }]],
  restart: [
    ['restart: no', { restart: 'no' }, { restart: 'temporary' }],
    ['restart: on-failure', { restart: 'transient' }, { restart: 'transient' }],
    ['restart: unless-stopped', { restart: 'permanent' }, {}],
  ],
  replicas: [['replicas: 1', { replicas: 1 }, { id: 'web-1', env: { PAGENT_REPLICA: '1' } }]],
  backoff: [
    [
      'backoff: { min: 1s, jitter: 0 }',
      { backoff: { min: 1000, jitter: 0 } },
      { backoff: { min: 1000, max: 10_000, factor: 2, jitter: 0 } },
    ],
  ],
  intensity: [
    ['intensity: 5/1m', { intensity: '5/1m' }, { intensity: { restarts: 5, within: 60_000 } }],
    ['intensity: { restarts: 0 }', { intensity: { restarts: 0 } }, { intensity: { restarts: 0, within: 5000 } }],
  ],
  schedule: [
    [
      'schedule: 0 3 * * *',
      { schedule: '0 3 * * *' },
      { restart: 'temporary', schedule: { cron: '0 3 * * *', timezone: undefined, overlap: 'skip' } },
    ],
    [
      'schedule: { cron: "@daily", timezone: UTC, overlap: restart }\nrestart: on-failure',
      { schedule: { cron: '@daily', timezone: 'UTC', overlap: 'restart' }, restart: 'on-failure' },
      { restart: 'transient', schedule: { cron: '@daily', timezone: 'UTC', overlap: 'restart' } },
    ],
  ],
  autostart: [['autostart: false', { autostart: false }, { autostart: false }]],
  framing: [['framing: json-rpc', { framing: 'json-rpc' }, { framing: 'json-rpc' }]],
}

/** Two of them, for those who depend on somebody. */
const DB_YAML = 'db: { command: x, replicas: 2 }'
const ENV = { HOME: '/home/me' }

describe('each key of a worker means the same in both formats', () => {
  for (const [key, rows] of Object.entries(WORKER_ROWS)) {
    for (const [yaml, config, expected] of rows) {
      test(`${key}: ${yaml}`, () => {
        const command = 'command' in config ? '' : 'command: node server.js\n    '
        const text = `workers:\n  ${DB_YAML}\n  web:\n    ${command}${yaml.replaceAll('\n', '\n    ')}\n`
        const value = { workers: { db: { command: 'x', replicas: 2 }, web: { command: 'node server.js', ...config } } }
        const wanted = { ...DEFAULTS, ...expected }
        assert.deepEqual(entryOf(planOf(readYaml(text, ENV)), wanted.id), wanted)
        assert.deepEqual(entryOf(planOf(readValue(value, ENV)), wanted.id), wanted)
      })
    }
  }
})

const POOL_DEFAULTS = {
  program: {
    ...programOf(DEFAULTS),
    file: '/srv/shop/calc.ts',
    args: [],
    ready: { when: 'first-message' },
    framing: 'json-rpc',
  },
  kind: 'pool',
  id: 'calc',
  dependsOn: [],
  module: '/srv/shop/calc.ts',
  size: { min: 1, max: 1 },
  spares: 0,
  concurrency: 1,
  maxQueue: 10_000,
  idle: undefined,
  backoff: DEFAULTS.backoff,
  intensity: DEFAULTS.intensity,
  recycle: {},
  call: {},
}

function programOf({
  file,
  args,
  cwd,
  env,
  inheritEnv,
  framing,
  ready,
  readyTimeout,
  alive,
  shutdown: ladder,
  limits,
}: WorkerEntry): object {
  return { file, args, cwd, env, inheritEnv, framing, ready, readyTimeout, alive, shutdown: ladder, limits }
}

type PoolRow = readonly [yaml: string, config: PoolConfig, expected: object]
type OwnPoolKey = Exclude<keyof PoolConfig, keyof WorkerConfig> | 'command' | 'limits' | 'backoff' | 'intensity'

const POOL_ROWS: Readonly<Record<OwnPoolKey, readonly PoolRow[]>> = {
  module: [['module: ./calc.ts', { module: './calc.ts' }, {}]],
  command: [
    [
      'command: ./calc --fast',
      { command: ['./calc', '--fast'] },
      { module: undefined, program: { ...programOf(DEFAULTS), file: './calc', args: ['--fast'], framing: 'json-rpc' } },
    ],
  ],
  limits: [
    [
      'module: ./calc.ts\nlimits: { memory: 64MiB }',
      { module: './calc.ts', limits: { memory: '64MiB' } },
      { program: { ...POOL_DEFAULTS.program, limits: { memory: 2 ** 26 } } },
    ],
  ],
  size: [
    [
      'module: ./calc.ts\nsize: { min: 1, max: 3 }',
      { module: './calc.ts', size: { min: 1, max: 3 } },
      { size: { min: 1, max: 3 } },
    ],
  ],
  spares: [['module: ./calc.ts\nspares: 2', { module: './calc.ts', spares: 2 }, { spares: 2 }]],
  concurrency: [['module: ./calc.ts\nconcurrency: 2', { module: './calc.ts', concurrency: 2 }, { concurrency: 2 }]],
  maxQueue: [['module: ./calc.ts\nmax_queue: 0', { module: './calc.ts', maxQueue: 0 }, { maxQueue: 0 }]],
  idle: [['module: ./calc.ts\nidle: 1m', { module: './calc.ts', idle: '1m' }, { idle: 60_000 }]],
  backoff: [
    [
      'module: ./calc.ts\nbackoff: { min: 1s, factor: 3 }',
      { module: './calc.ts', backoff: { min: '1s', factor: 3 } },
      { backoff: { min: 1000, max: 10_000, factor: 3, jitter: 1 } },
    ],
  ],
  intensity: [
    [
      'module: ./calc.ts\nintensity: 5/1m',
      { module: './calc.ts', intensity: '5/1m' },
      { intensity: { restarts: 5, within: 60_000 } },
    ],
  ],
  recycle: [
    [
      'module: ./calc.ts\nrecycle: { calls: 10, age: 1h, memory: 1MiB, jitter: 0 }',
      { module: './calc.ts', recycle: { calls: 10, age: '1h', memory: '1MiB', jitter: 0 } },
      { recycle: { calls: 10, age: 3_600_000, memory: 2 ** 20, jitter: 0 } },
    ],
  ],
  call: [
    [
      'module: ./calc.ts\ncall: { timeout: 1s, cpu_time: 2s, memory: 1MiB }',
      { module: './calc.ts', call: { timeout: '1s', cpuTime: '2s', memory: '1MiB' } },
      { call: { timeout: 1000, cpuTime: 2000, memory: 2 ** 20 } },
    ],
  ],
}

describe('each key of a pool means the same in both formats', () => {
  for (const [key, rows] of Object.entries(POOL_ROWS)) {
    for (const [yaml, config, expected] of rows) {
      test(`${key}: ${yaml}`, () => {
        const size = yaml.includes('size:') ? '' : 'size: 1\n    '
        const text = `pools:\n  calc:\n    ${size}${yaml.replaceAll('\n', '\n    ')}\n`
        const wanted = { ...POOL_DEFAULTS, ...expected }
        assert.deepEqual(planOf(readYaml(text)).entries[0], wanted)
        assert.deepEqual(planOf(readValue({ pools: { calc: { size: 1, ...config } } })).entries[0], wanted)
      })
    }
  }
})

test('every key of a pool has a row here', () => {
  const covered = new Set([...Object.keys(POOL_ROWS), ...Object.keys(WORKER_ROWS)])
  assert.deepEqual(
    Object.keys(POOL_KEYS).filter((key) => !covered.has(key)),
    [],
  )
})

test('the top of a file, and groups', () => {
  const yaml = `
name: shop
log: { max_size: 1MiB, max_files: 2, max_age: 7d }
groups:
  g:
    strategy: rest-for-one
    intensity: 1/1m
    depends_on: [web]
    workers: { a: { command: x }, b: { command: y, depends_on: [a] } }
    groups: { h: { stop: together, workers: { c: { command: z } } } }
    pools: { p: { command: q, size: 1 } }
services: { web: { command: x } }
`
  const value = {
    name: 'shop',
    log: { maxSize: '1MiB', maxFiles: 2, maxAge: '7d' },
    workers: { web: { command: 'x' } },
    groups: {
      g: {
        strategy: 'rest-for-one',
        intensity: { restarts: 1, within: 60_000 },
        dependsOn: ['web'],
        workers: { a: { command: 'x' }, b: { command: 'y', dependsOn: ['a'] } },
        groups: { h: { stop: 'together', workers: { c: { command: 'z' } } } },
        pools: { p: { command: 'q', size: 1 } },
      },
    },
  }
  const plan = planOf(readYaml(yaml))
  assert.deepEqual(planOf(readValue(value)), plan)
  assert.deepEqual([plan.name, plan.log], ['shop', { maxSize: 2 ** 20, maxFiles: 2, maxAge: 604_800_000 }])
  assert.deepEqual(outline(plan.entries), ['web', { g: ['a', 'b', 'p', { h: ['c'] }] }])
  const stops = ['g', 'h'].map((id) => (entryOf(plan, id) as GroupEntry).stop)
  assert.deepEqual(stops, ['one-by-one', 'together'])
  const { strategy, intensity, dependsOn } = entryOf(plan, 'g') as EntryPlan & { strategy: string; intensity: object }
  assert.deepEqual(
    { strategy, intensity, dependsOn },
    { strategy: 'rest-for-one', intensity: { restarts: 1, within: 60_000 }, dependsOn: ['web'] },
  )
})

function outline(entries: readonly EntryPlan[]): unknown[] {
  return entries.map((entry) => (entry.kind === 'group' ? { [entry.id]: outline(entry.children) } : entry.id))
}

test('a fleet that has no name is called as its folder', () => {
  const plan = planOf(readYaml('workers: { web: { command: x } }'))
  assert.equal(plan.name, 'shop')
  assert.deepEqual(plan.log, { maxSize: 10 * 2 ** 20, maxFiles: 5, maxAge: undefined })
})

test('every spelling of a key is taken, and no two keys share one', () => {
  for (const keys of [FLEET_KEYS, GROUP_KEYS, WORKER_KEYS, POOL_KEYS]) {
    const all = Object.entries(keys).flatMap(([name, key]) => spellingsOf(name, key))
    assert.deepEqual(all, [...new Set(all)])
  }
  assert.deepEqual(spellingsOf('cwd', WORKER_KEYS.cwd), ['cwd', 'working_dir', 'workingDir'])
})
