import { LimitUnsupportedError } from '../base/errors.ts'
import type { Enforcer, LimitName } from '../base/exit.ts'
import { checkKeys, readWhole } from '../base/options.ts'
import { type Bytes, type Millis, parseBytes, parseMillis } from '../base/units.ts'

/**
 * What a worker may use in one life, with its whole process tree. Reaching a limit ends it with `{ kind: 'limit' }`,
 * but for `cpus`, which slows it down, and `openFiles`, which makes its `open` fail. Which limits can be enforced, and by
 * which mechanism, depends on the launcher and the machine: `pagent doctor` tells.
 */
export interface Limits {
  /** Bytes of memory, shared pages counted once. */
  readonly memory?: Bytes | undefined
  /** CPU time of all its threads and processes together, those that have ended too. */
  readonly cpuTime?: Millis | undefined
  /** How many CPUs it may keep busy: 0.5 is half of one. */
  readonly cpus?: number | undefined
  /** Time since its start. */
  readonly wallTime?: Millis | undefined
  /** Time without any output. */
  readonly idle?: Millis | undefined
  /** Bytes it may write to stdout and stderr together. */
  readonly output?: Bytes | undefined
  /** Processes at a time; in a cgroup every thread counts as one. */
  readonly processes?: number | undefined
  /** Open files, for each of its processes. */
  readonly openFiles?: number | undefined
  /** Bytes, for each file it writes. */
  readonly fileSize?: Bytes | undefined
  /** `'exact'` refuses a limit that could only be watched. @default 'best' */
  readonly enforce?: 'best' | 'exact' | undefined
}

/** Who enforces a limit, and whether nothing can slip past it. */
export interface Enforcement {
  readonly enforcedBy: Enforcer
  readonly exact: boolean
}

/** A limit in force. */
export interface AppliedLimit extends Enforcement {
  readonly max: number
}

export type AppliedLimits = { readonly [L in LimitName]?: AppliedLimit }

/** The limits that need the system: a launcher enforces them, or refuses. */
export type SystemLimitName = 'memory' | 'cpuTime' | 'cpus' | 'processes' | 'openFiles' | 'fileSize'

/** What a launcher is asked to enforce: bytes, milliseconds, counts. */
export type SystemLimits = { readonly [L in SystemLimitName]?: number } & { readonly enforce?: 'best' | 'exact' }

/** What a launcher can enforce on this machine. */
export interface Abilities {
  readonly launcher: string
  /** A limit that is missing cannot be enforced at all. */
  readonly limits: { readonly [L in LimitName]?: Enforcement }
  /** Why there is not more, and what to do. */
  readonly reasons: readonly string[]
}

const BY_MASTER: Enforcement = { enforcedBy: 'master', exact: true }

/** The limits the master enforces by itself, under every launcher. */
export const MASTER_ABILITIES: Abilities['limits'] = { wallTime: BY_MASTER, idle: BY_MASTER, output: BY_MASTER }

type Reader = (value: number | string, what: string) => number

const MASTER_LIMITS: Partial<Record<LimitName, Reader>> = {
  wallTime: parseMillis,
  idle: parseMillis,
  output: parseBytes,
}

const SYSTEM_LIMITS: Record<SystemLimitName, Reader> = {
  memory: atLeast(parseBytes, 4096),
  cpuTime: parseMillis,
  cpus: readCpus,
  processes: readWholeFromOne,
  openFiles: readWholeFromOne,
  fileSize: parseBytes,
}

/** Limits whose every value was read. */
export interface LimitsPlan {
  /** Enforced by the master. */
  readonly master: AppliedLimits
  /** Enforced by the launcher, which may refuse; undefined for none. */
  readonly system: SystemLimits | undefined
}

/** One for all who have none: most. */
const UNLIMITED: LimitsPlan = { master: {}, system: undefined }

/**
 * Reads the limits.
 *
 * @throws TypeError, RangeError
 */
export function planLimits(worker: string, limits?: Limits): LimitsPlan {
  if (limits === undefined) return UNLIMITED
  const action = `Cannot start worker "${worker}"`
  checkKeys(limits, [...Object.keys(MASTER_LIMITS), ...Object.keys(SYSTEM_LIMITS), 'enforce'], `${action}: limits`)
  const { enforce = 'best', ...values } = limits
  if (enforce !== 'best' && enforce !== 'exact')
    throw new TypeError(`${action}: limits.enforce cannot be ${JSON.stringify(enforce)}; expected 'best' or 'exact'`)
  const own = readAll(values, MASTER_LIMITS)
  const system = readAll(values, SYSTEM_LIMITS)
  const master = Object.fromEntries(Object.entries(own).map(([name, max]) => [name, { max, ...BY_MASTER }]))
  return { master, system: Object.keys(system).length === 0 ? undefined : { ...system, enforce } }
}

function readAll(values: Record<string, number | string | undefined>, readers: object): Record<string, number> {
  const read: Record<string, number> = {}
  for (const [name, reader] of Object.entries(readers) as [string, Reader][]) {
    const value = values[name]
    if (value !== undefined) read[name] = reader(value, `limits.${name}`)
  }
  return read
}

/**
 * How a launcher will enforce what it is asked for.
 *
 * @throws LimitUnsupportedError for a limit that nobody here can enforce, or not as exactly as wanted, rather than to
 * ignore it.
 */
export function applyLimits(worker: string, wanted: SystemLimits | undefined, abilities: Abilities): AppliedLimits {
  const applied: { -readonly [L in LimitName]?: AppliedLimit } = {}
  const { enforce = 'best', ...limits } = wanted ?? {}
  for (const [name, max] of Object.entries(limits) as [SystemLimitName, number][]) {
    const how = abilities.limits[name]
    if (how === undefined) throw refusal(worker, name, abilities, 'cannot enforce it')
    if (enforce === 'exact' && !how.exact)
      throw refusal(worker, name, abilities, `can only watch it (${how.enforcedBy})`)
    applied[name] = { max, ...how }
  }
  return applied
}

function refusal(worker: string, name: LimitName, abilities: Abilities, why: string): LimitUnsupportedError {
  const reasons = abilities.reasons.map((reason) => `; ${reason}`).join('')
  return new LimitUnsupportedError(worker, name, `the launcher ${abilities.launcher} ${why} here${reasons}`)
}

function atLeast(read: Reader, least: number): Reader {
  return (value, what) => {
    const number = read(value, what)
    if (number >= least) return number
    throw new RangeError(`Cannot use ${String(value)} as ${what}: expected at least ${least}`)
  }
}

function readCpus(value: number | string, what: string): number {
  if (typeof value === 'number' && value >= 0.01 && value <= 100_000) return value
  throw new RangeError(`Cannot use ${String(value)} as ${what}: expected a number from 0.01, such as 0.5`)
}

function readWholeFromOne(value: number | string, what: string): number {
  return readWhole(value, what, 1)
}
