import { constants } from 'node:os'
import type { Restart } from '../../../supervisor/child.ts'
import { shown } from '../found/found.ts'
import { ANYTHING, list } from '../shapes/collections.ts'
import { LOOSE_TEXT, duration, decimal, scalar, size, text, whole, word, oneOf } from '../shapes/scalars.ts'
import { type Shape, forms, mapped, orVariable } from '../shapes/shape.ts'
import { table } from '../shapes/table.ts'
import { wordsOf } from './command-line.ts'

/** How things are named: as files and as words of a command line they must be harmless. */
export const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/

const COMMAND_LINE = mapped(text('a command line'), (line, found, problems) => {
  const result = wordsOf(line)
  if ('words' in result) return result.words
  problems.add(found.place, `${shown(found)} is no command: ${result.problem}`)
  return undefined
})

/** A program and its arguments. */
export const COMMAND: Shape<readonly string[]> = mapped(
  forms({ scalar: COMMAND_LINE, list: list(LOOSE_TEXT, 'a list of words') }),
  (command, found, problems) => {
    const fault = command.length === 0 || command[0]?.trim() === '' ? 'is empty' : nulIn(command)
    if (fault === undefined) return command
    problems.add(found.place, `the command ${fault}`)
    return undefined
  },
)

export const ARGUMENTS: Shape<readonly string[]> = mapped(
  list(LOOSE_TEXT, 'a list of arguments'),
  (args, found, problems) => {
    const fault = nulIn(args)
    if (fault === undefined) return args
    problems.add(found.place, `an argument ${fault}`)
    return undefined
  },
)

function nulIn(texts: readonly string[]): string | undefined {
  return texts.some((each) => each.includes('\0'))
    ? 'contains a NUL character, which no program can be given'
    : undefined
}

/** Compose's words, and OTP's. */
export const RESTART: Shape<Restart> = word<Restart>({
  always: 'permanent',
  'unless-stopped': 'permanent',
  'on-failure': 'transient',
  no: 'temporary',
  permanent: 'permanent',
  transient: 'transient',
  temporary: 'temporary',
})

export const BACKOFF_KEYS = {
  min: { shape: duration(), about: 'The first wait.', fallback: '100ms' },
  max: { shape: duration(), about: 'The longest wait.', fallback: '10s' },
  factor: { shape: decimal(1, Infinity), about: 'By how much each wait is longer than the one before.', fallback: '2' },
  jitter: {
    shape: decimal(0, 1),
    about: 'The random share of a wait: 0 is none, 1 is anything up to it.',
    fallback: '1',
  },
}

export const BACKOFF = table('a map with min, max, factor and jitter', BACKOFF_KEYS)

export const INTENSITY_KEYS = {
  restarts: { shape: whole(0), about: 'How many restarts are borne.', fallback: '3' },
  within: { shape: duration(1), about: 'Within how long.', fallback: '5s' },
}

export interface IntensityGiven {
  readonly restarts: number
  readonly within: number
}

const SHORT = /^\s*(\d+)\s*\/\s*(\S+)\s*$/

/** `5/1m`, as `pagent run --max-restarts` takes it. */
const SHORT_INTENSITY: Shape<IntensityGiven> = {
  expected: 'restarts and a duration such as 5/1m',
  schema: orVariable({ type: 'string', pattern: String.raw`^\s*\d+\s*/\s*((\d+(\.\d+)?(ms|s|m|h|d))+|\d+)\s*$` }),
  read: (found, problems) => {
    const [, restarts = '', within = ''] =
      (found.kind === 'scalar' && typeof found.value === 'string' && SHORT.exec(found.value)) || []
    if (found.kind !== 'scalar' || restarts === '')
      return scalar(SHORT_INTENSITY.expected, {}, () => undefined).read(found, problems)
    const wait = duration(1).read({ ...found, value: within, text: within }, problems)
    return wait === undefined ? undefined : { restarts: Number(restarts), within: wait }
  },
}

export const INTENSITY: Shape<IntensityGiven> = forms({
  scalar: SHORT_INTENSITY,
  map: mapped(table('a map with restarts and within', INTENSITY_KEYS), (given) => ({
    restarts: given.get('restarts') ?? 3,
    within: given.get('within') ?? 5000,
  })),
})

export const SIGNAL: Shape<NodeJS.Signals> = oneOf(...(Object.keys(constants.signals) as NodeJS.Signals[]))

export const SHUTDOWN_KEYS = {
  farewell: { shape: ANYTHING, about: 'A message that asks it to end.', fallback: 'none' },
  eof: { shape: duration(), about: 'How long it may take after the end of its stdin; 0 skips that.', fallback: '2s' },
  killSignal: { shape: SIGNAL, about: 'The signal that asks it to end.', fallback: 'SIGTERM', aliases: ['signal'] },
  grace: {
    shape: duration(),
    about: 'How long it may take after that signal, before SIGKILL; 0 skips it.',
    fallback: '3s',
  },
}

export const SHUTDOWN = table('a map with farewell, eof, kill_signal and grace', SHUTDOWN_KEYS)

export const LIMIT_KEYS = {
  memory: { shape: size(4096), about: 'Memory of the whole process tree.' },
  cpuTime: { shape: duration(1), about: 'CPU time of the whole process tree.' },
  cpus: { shape: decimal(0.01, 100_000), about: 'How many CPUs it may keep busy; slows it down.' },
  wallTime: { shape: duration(1), about: 'Time since its start.' },
  idle: { shape: duration(1), about: 'Time without any output.' },
  output: { shape: size(1), about: 'What it may write to stdout and stderr together.' },
  processes: { shape: whole(1), about: 'Processes at a time; in a cgroup, threads.' },
  openFiles: { shape: whole(1), about: 'Open files of each of its processes.' },
  fileSize: { shape: size(1), about: 'The size of each file it writes.' },
  enforce: {
    shape: oneOf('best', 'exact'),
    about: 'exact refuses a limit that could only be watched.',
    fallback: 'best',
  },
}

export const LIMITS = table('a map of limits', LIMIT_KEYS, {
  mem: '; write memory',
  mem_limit: '; write memory',
  pids: '; write processes',
  pids_limit: '; write processes',
  timeout: '; write wall_time',
  nofile: '; write open_files',
  cpu: '; write cpus for how many it may keep busy, or cpu_time for how much in all',
})

export const LIMIT_NAMES = Object.keys(LIMIT_KEYS) as (keyof typeof LIMIT_KEYS)[]
