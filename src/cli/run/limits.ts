import { Option } from 'commander'
import type { Enforcer, Exit, LimitBreak, LimitName } from '../../base/exit.ts'
import { formatBytes, formatMillis } from '../../base/units.ts'
import { exactBytes, exactMillis, readBytes, readCount, readCpus, readLimit } from './values.ts'

/** In milliseconds, bytes and counts. */
export type RunLimits = { readonly [L in LimitName]?: number }

/** A kind of limit: how its value is read, pasted, and shown to people. */
interface Kind {
  readonly value: string
  readonly read: (value: string) => number
  readonly exactly: (max: number) => string
  readonly show: (amount: number) => string
}

const TIME: Kind = { value: '<duration>', read: readLimit, exactly: exactMillis, show: formatMillis }
const SIZE: Kind = { value: '<size>', read: readBytes, exactly: exactBytes, show: formatBytes }
const COUNT: Kind = { value: '<n>', read: readCount, exactly: String, show: String }
const SHARE: Kind = { ...COUNT, read: readCpus }

interface LimitOption {
  readonly flag: string
  readonly kind: Kind
  readonly description: string
  /** What was seen, as in `it had used 10s of CPU time`. */
  readonly seen: (amount: string) => string
}

const OPTIONS: Readonly<Record<LimitName, LimitOption>> = {
  wallTime: {
    flag: '--wall-time',
    kind: TIME,
    description: 'the longest that one life of it may take',
    seen: (amount) => `had run for ${amount}`,
  },
  idle: {
    flag: '--idle',
    kind: TIME,
    description: 'the longest it may write nothing',
    seen: (amount) => `had written nothing for ${amount}`,
  },
  cpuTime: {
    flag: '--cpu-time',
    kind: TIME,
    description: 'CPU time, with all it starts',
    seen: (amount) => `had used ${amount} of CPU time`,
  },
  memory: {
    flag: '--memory',
    kind: SIZE,
    description: 'memory, with all it starts',
    seen: (amount) => `had come to ${amount} of memory`,
  },
  processes: {
    flag: '--processes',
    kind: COUNT,
    description: 'processes at a time (in a cgroup, threads)',
    seen: (amount) => `had come to ${amount} processes`,
  },
  output: {
    flag: '--output-limit',
    kind: SIZE,
    description: 'what it may write to stdout and stderr',
    seen: (amount) => `had written ${amount}`,
  },
  fileSize: {
    flag: '--file-size',
    kind: SIZE,
    description: 'the size of each file it writes',
    seen: (amount) => `wanted more than ${amount} in a file`,
  },
  cpus: {
    flag: '--cpus',
    kind: SHARE,
    description: 'CPUs it may keep busy, such as 0.5; slows it down',
    seen: (amount) => `had used ${amount} CPUs`,
  },
  openFiles: {
    flag: '--open-files',
    kind: COUNT,
    description: 'open files of each process; more cannot be opened',
    seen: (amount) => `had opened ${amount} files`,
  },
}

const NAMES = Object.keys(OPTIONS) as LimitName[]

const TIMES: ReadonlySet<LimitName> = new Set(NAMES.filter((name) => OPTIONS[name].kind === TIME))

/** Whether it is time that ran out, and not an amount of something. */
export function isTime(limit: LimitName): boolean {
  return TIMES.has(limit)
}

/** Limits that nobody can see unless the output passes through us. */
const HEARD: readonly LimitName[] = ['idle', 'output']

export function mustHear(limits: RunLimits): boolean {
  return HEARD.some((name) => limits[name] !== undefined)
}

/** One for each limit. */
export function limitOptions(): Option[] {
  return NAMES.map((name) => {
    const { flag, kind, description } = OPTIONS[name]
    return new Option(`${flag} ${kind.value}`, description).argParser(kind.read)
  })
}

/** What was given, as commander names it. */
export type GivenLimits = Omit<RunLimits, 'output'> & { readonly outputLimit?: number }

export function limitsOf({ outputLimit, ...given }: GivenLimits): RunLimits {
  const all: RunLimits = { ...given, ...(outputLimit === undefined ? {} : { output: outputLimit }) }
  return Object.fromEntries(NAMES.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])))
}

/** The options that give these limits, as words of a command line. */
export function pasted(limits: RunLimits): string[] {
  return NAMES.flatMap((name) => {
    const max = limits[name]
    return max === undefined ? [] : [OPTIONS[name].flag, OPTIONS[name].kind.exactly(max)]
  })
}

/** One sentence without the name: which limit it was. */
export function endedAt({ limit, max, uptime }: Exit & LimitBreak): string {
  const { flag, kind } = OPTIONS[limit]
  return `was ended after ${formatMillis(uptime)}, because its ${flag} is ${kind.show(max)}`
}

/** What was seen, who saw it, and what to do. */
export function explainLimit({ limit, max, observed, enforcedBy }: LimitBreak): string {
  const { flag, kind, seen } = OPTIONS[limit]
  const raised = `${flag} ${kind.exactly(2 * max)}`
  return `It ${seen(kind.show(observed))}; the limit is enforced by ${ENFORCERS[enforcedBy]}. If it needs more, raise it, for example: ${raised}`
}

const ENFORCERS: Readonly<Record<Enforcer, string>> = {
  cgroup2: 'the kernel (cgroup2, exact)',
  cgroup1: 'the kernel (cgroup1, exact)',
  rlimit: 'the kernel (rlimit, exact)',
  sampling: 'looking now and then (sampling, not exact)',
  master: 'pagent itself (master, exact)',
}

/** The option that nobody here can enforce. */
export function flagOf(limit: string): string {
  return limit in OPTIONS ? OPTIONS[limit as LimitName].flag : limit
}
