import { availableParallelism } from 'node:os'
import { named } from '../shapes/collections.ts'
import { FLAG, duration, decimal, scalar, size, whole, oneOf } from '../shapes/scalars.ts'
import { type Shape, forms, mapped } from '../shapes/shape.ts'
import { type Keys, type Reading, table } from '../shapes/table.ts'
import type { FleetConfig, GroupConfig, PoolConfig, WorkerConfig } from '../typed/index.ts'
import { ARGUMENTS, BACKOFF, COMMAND, INTENSITY, LIMITS, NAME, RESTART, SHUTDOWN, SIGNAL } from './basics.ts'
import { DEPENDENCIES } from './dependencies.ts'
import { ENVIRONMENT, ENV_FILES, INHERITED, PATH_TEXT } from './environment.ts'
import { FOREIGN_OF_FLEETS, FOREIGN_OF_WORKERS } from './foreign.ts'
import { HEALTHCHECK, READY } from './probes.ts'
import { SCHEDULE } from './schedule.ts'

const definitions: Record<string, Shape<unknown>> = {}

/** What stands in `#/definitions` of the schema; elsewhere is a reference. */
export const DEFINITIONS: Readonly<Record<string, Shape<unknown>>> = definitions

function defined<T>(name: string, shape: Shape<T>): Shape<T> {
  definitions[name] = shape
  return { ...shape, schema: { $ref: `#/definitions/${name}` } }
}

/** What a program is told, whoever runs it. */
export const PROGRAM_KEYS = {
  command: {
    shape: defined('command', COMMAND),
    about: 'The program and its arguments: a line, parted as a shell does without running one, or a list.',
  },
  args: { shape: defined('args', ARGUMENTS), about: 'More arguments.' },
  cwd: {
    shape: PATH_TEXT,
    about: 'Where it runs, relative to this file.',
    fallback: 'the folder of this file',
    aliases: ['workingDir'],
  },
  env: {
    shape: defined('env', ENVIRONMENT),
    about: 'Variables added to the inherited ones: a map, in which null removes one, or a list of KEY=value.',
    aliases: ['environment'],
  },
  inheritEnv: {
    shape: defined('inheritEnv', INHERITED),
    about: 'The only variables it gets of whoever starts the fleet: a list of names.',
    fallback: 'all',
  },
  envFile: { shape: defined('envFile', ENV_FILES), about: 'Files of variables; env overrides them.' },
  dependsOn: {
    shape: defined('dependsOn', DEPENDENCIES),
    about: 'Who must be ready before it starts: names of the same level, or a map to { condition: ready | started }.',
  },
  ready: {
    shape: defined('ready', READY),
    about: 'When it can be used: spawn, first-message, or a map with line, http, tcp, command or call.',
    fallback: 'the first success of healthcheck, or spawn',
  },
  readyTimeout: { shape: duration(1), about: 'By then it must be ready.', fallback: '30s' },
  healthcheck: {
    shape: defined('healthcheck', HEALTHCHECK),
    about: 'Asks again and again whether it works.',
    aliases: ['alive'],
  },
  limits: { shape: defined('limits', LIMITS), about: 'What one life of it may use, with everything it starts.' },
  shutdown: {
    shape: defined('shutdown', SHUTDOWN),
    about: 'How it is asked to end: farewell, end of stdin, signal, SIGKILL.',
  },
  stopGracePeriod: { shape: duration(), about: 'The same as grace in shutdown.', fallback: '3s' },
  stopSignal: { shape: defined('signal', SIGNAL), about: 'The same as kill_signal in shutdown.', fallback: 'SIGTERM' },
} satisfies Keys

export const WORKER_KEYS = {
  ...PROGRAM_KEYS,
  restart: {
    shape: RESTART,
    about: 'When it is started again: always, on-failure or no (permanent, transient, temporary).',
    fallback: 'always; no with a schedule',
  },
  replicas: {
    shape: whole(0, 10_000),
    about: 'So many of it: name-1, name-2, …, each with its number in PAGENT_REPLICA.',
  },
  backoff: {
    shape: defined('backoff', BACKOFF),
    about: 'The wait before a restart.',
    fallback: '100ms, doubling to 10s, full jitter',
  },
  intensity: {
    shape: defined('intensity', INTENSITY),
    about: 'More restarts than that and it has failed: 5/1m, or a map.',
    fallback: '3/5s',
  },
  schedule: {
    shape: defined('schedule', SCHEDULE),
    about: "When it runs: cron's fields, or a map with cron, timezone and overlap.",
  },
  autostart: { shape: FLAG, about: 'Whether pagent up starts it.', fallback: 'true' },
  framing: {
    shape: oneOf('lines', 'json', 'json-rpc'),
    about: 'How messages are written on its stdin and stdout.',
    fallback: 'lines',
  },
} satisfies Record<keyof WorkerConfig, Keys[string]>

const SIZE = forms<{ readonly min: number; readonly max: number }>({
  scalar: mapped(whole(1), (count) => ({ min: count, max: count })),
  map: mapped(
    table('a map with min and max', {
      min: { shape: whole(0), about: 'So many are always there.', fallback: '0' },
      max: { shape: whole(1), about: 'So many at most.', fallback: 'as many as there are CPUs' },
    }),
    (given, found, problems) => {
      const [min = 0, max = Math.max(given.get('min') ?? 1, availableParallelism())] = [
        given.get('min'),
        given.get('max'),
      ]
      if (min <= max) return { min, max }
      problems.add(found.place, `min ${min} is above max ${max}`)
      return undefined
    },
  ),
})

export const RECYCLE_KEYS = {
  calls: { shape: whole(1), about: 'After so many calls.' },
  age: { shape: duration(1), about: 'After so long.' },
  memory: { shape: size(1), about: 'When it uses so much between two calls.' },
  jitter: { shape: decimal(0, 0.99), about: 'By so much less at random.', fallback: '0.1' },
}

export const CALL_KEYS = {
  timeout: { shape: duration(1), about: 'How long a call may take.' },
  cpuTime: { shape: duration(1), about: 'How much CPU time it may use.' },
  memory: { shape: size(1), about: 'How much memory it may use.' },
}

export const POOL_KEYS = {
  module: {
    shape: PATH_TEXT,
    about: 'A module, relative to this file: each function it exports can be called. Instead of command.',
  },
  ...PROGRAM_KEYS,
  size: {
    shape: SIZE,
    about: 'How many workers: a number, or a map with min and max.',
    fallback: 'from 0 to as many as there are CPUs',
  },
  spares: { shape: whole(0), about: 'How many more are kept ready.', fallback: '0' },
  concurrency: { shape: whole(1), about: 'Calls that one worker does at a time.', fallback: '1' },
  maxQueue: { shape: whole(0), about: 'Calls that wait; more are refused.', fallback: '10000' },
  idle: {
    shape: duration(1),
    about: 'A worker above the minimum that had nothing to do for so long is stopped.',
    fallback: 'never',
  },
  backoff: {
    shape: defined('backoff', BACKOFF),
    about: 'The wait before the next start, where one has failed.',
    fallback: '100ms, doubling to 10s, full jitter',
  },
  intensity: {
    shape: defined('intensity', INTENSITY),
    about: 'More failed starts than that and its calls fail with the reason: 5/1m, or a map.',
    fallback: '3/5s',
  },
  recycle: {
    shape: table('a map with calls, age, memory and jitter', RECYCLE_KEYS),
    about: 'When a worker is replaced although nothing is wrong with it.',
  },
  call: {
    shape: table('a map with timeout, cpu_time and memory', CALL_KEYS),
    about: 'What each call may take.',
  },
} satisfies Record<keyof PoolConfig, Keys[string]>

const WORKER = needing([['command']], table('a map that describes a worker', WORKER_KEYS, FOREIGN_OF_WORKERS))
const POOL = needing([['command'], ['module']], table('a map that describes a pool', POOL_KEYS, FOREIGN_OF_WORKERS))

/** For the schema only: the loader says it in better words. */
function needing<T>(oneOfThese: readonly (readonly string[])[], shape: Shape<T>): Shape<T> {
  return { ...shape, schema: { ...shape.schema, anyOf: oneOfThese.map((required) => ({ required })) } }
}

/** A group holds groups. */
export type GroupReading = Reading<typeof MEMBER_KEYS & typeof GROUP_OWN_KEYS>

const GROUP: Shape<GroupReading> = {
  expected: 'a map that describes a group',
  schema: { $ref: '#/definitions/group' },
  read: (found, problems) => GROUP_TABLE.read(found, problems),
}

export const MEMBER_KEYS = {
  workers: {
    shape: named(defined('worker', WORKER), 'a map of workers by their names', NAME),
    about: 'Programs, by their names.',
    aliases: ['services'],
  },
  pools: {
    shape: named(defined('pool', POOL), 'a map of pools by their names', NAME),
    about: 'Workers that are alike, for calls.',
  },
  groups: {
    shape: named(GROUP, 'a map of groups by their names', NAME),
    about: 'Workers under a supervisor of their own; they may nest.',
  },
}

const GROUP_OWN_KEYS = {
  strategy: {
    shape: oneOf('one-for-one', 'one-for-all', 'rest-for-one'),
    about: 'Who is restarted with one that ends: nobody, all, or those behind it.',
    fallback: 'one-for-one',
  },
  stop: {
    shape: oneOf('one-by-one', 'together'),
    about: 'How they leave when the group ends: in reverse order, or all at once where each is restarted alone.',
    fallback: 'one-by-one',
  },
  intensity: {
    shape: defined('intensity', INTENSITY),
    about: 'More restarts than that and the group has failed.',
    fallback: '3/5s',
  },
  dependsOn: {
    shape: defined('dependsOn', DEPENDENCIES),
    about: 'Who must be ready before it starts: names of the same level.',
  },
}

export const GROUP_KEYS = { ...GROUP_OWN_KEYS, ...MEMBER_KEYS } satisfies Record<keyof GroupConfig, Keys[string]>

const GROUP_TABLE: Shape<GroupReading> = table('a map that describes a group', GROUP_KEYS, FOREIGN_OF_FLEETS)
defined('group', GROUP_TABLE)

export const LOG_KEYS = {
  maxSize: { shape: size(1024), about: 'A file that is larger is put aside.', fallback: '10MiB' },
  maxFiles: { shape: whole(1, 1000), about: 'So many files of each worker are kept.', fallback: '5' },
  maxAge: { shape: duration(1), about: 'Files that are older are removed.', fallback: 'never' },
}

const LOG = table('a map with max_size, max_files and max_age', LOG_KEYS)

const FLEET_NAME = scalar(
  'a name of letters, digits, dots, dashes and underscores, 63 at most',
  { anyOf: [{ type: 'string', pattern: '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$' }, { $ref: '#/definitions/variable' }] },
  ({ text: written }) => (/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(written) ? written : undefined),
)

export const FLEET_KEYS = {
  name: { shape: FLEET_NAME, about: 'What the fleet is called.', fallback: 'the name of the folder' },
  ...MEMBER_KEYS,
  log: { shape: LOG, about: 'What is kept of what the workers write.' },
} satisfies Record<keyof FleetConfig, Keys[string]>

export const FLEET = table('a map that describes a fleet', FLEET_KEYS, FOREIGN_OF_FLEETS)
