import type { Enforcer, LimitName } from '../../base/exit.ts'
import { defaultLauncher } from '../../process/default-launcher.ts'
import { forkServerPath, hasForkServer } from '../../process/fork-server/binary.ts'
import { forkServer } from '../../process/fork-server/fork-server.ts'
import type { Enforcement } from '../../process/limits.ts'
import { portable } from '../../process/portable/portable.ts'
import { adviceFor } from './advice.ts'
import { noteOn } from './notes.ts'
import { type Trial, tryOut } from './trial.ts'

export const LAUNCHERS = ['fork-server', 'portable'] as const
export type LauncherName = (typeof LAUNCHERS)[number]

/** Descriptors that one worker takes in the master. */
export const PER_WORKER: Readonly<Record<LauncherName, number>> = { 'fork-server': 1, portable: 3 }
/** What the rest of a program may need. */
const RESERVED = 100

/** What can be said about this machine; `-o json` prints it as it is. */
export interface Diagnosis {
  /** The launcher in use starts workers. */
  readonly works: boolean
  readonly pagent: string
  readonly node: string
  readonly system: string
  readonly launcher: { readonly name: LauncherName; readonly why: string }
  readonly launchers: Readonly<Record<LauncherName, Health>>
  readonly limits: readonly LimitRow[]
  /** The limits that control groups enforce here, by their version, and why there are not more. */
  readonly cgroups: { readonly [V in 'cgroup2' | 'cgroup1']: readonly LimitName[] } & {
    readonly reasons: readonly string[]
  }
  readonly openFiles: { readonly max: number | null; readonly workers: Readonly<Record<LauncherName, number | null>> }
  /** What to do to get more. */
  readonly advice: readonly string[]
}

export interface Health {
  readonly works: boolean
  readonly error?: string
  /** Milliseconds. */
  readonly startTime?: number
  /** Its program. */
  readonly program?: string
}

export type LimitRow = { readonly limit: LimitName; readonly note: string } & {
  readonly [L in LauncherName]: Enforcement | null
}

const LIMITS: readonly LimitName[] = [
  'memory',
  'cpuTime',
  'cpus',
  'wallTime',
  'idle',
  'output',
  'processes',
  'openFiles',
  'fileSize',
]

/**
 * Tries both launchers. `stuck` tells that somebody gave no answer and may keep this process from ending.
 *
 * @throws TypeError for a launcher that there is not.
 */
export async function examine(version: string): Promise<Diagnosis & { stuck: boolean }> {
  const name = defaultLauncher().name as LauncherName
  const [forked, plain] = await Promise.all([tryForkServer(name), tryOut(portable())])
  const trials = { 'fork-server': forked, portable: plain }
  const limits = LIMITS.map((limit) => rowOf(limit, trials))
  const facts = {
    works: trials[name].works,
    pagent: version,
    node: process.versions.node,
    system: `${process.platform}-${process.arch}`,
    launcher: { name, why: whyInUse() },
    launchers: { 'fork-server': { ...healthOf(forked), program: forkServerPath() }, portable: healthOf(plain) },
    limits,
    cgroups: {
      cgroup2: enforcedBy('cgroup2', limits),
      cgroup1: enforcedBy('cgroup1', limits),
      reasons: forked.abilities?.reasons ?? [],
    },
    openFiles: openFiles(),
  }
  return { ...facts, advice: adviceFor(facts), stuck: forked.stuck || plain.stuck }
}

async function tryForkServer(inUse: LauncherName): Promise<Trial> {
  // Where it was asked for, its own error says more.
  if (hasForkServer() || inUse === 'fork-server') return await tryOut(forkServer())
  return { works: false, error: `there is no program for ${process.platform}-${process.arch}`, stuck: false }
}

function whyInUse(): string {
  const { PAGENT_LAUNCHER = '', PAGENT_FORK_SERVER } = process.env
  if (PAGENT_LAUNCHER !== '') return `PAGENT_LAUNCHER is ${PAGENT_LAUNCHER}`
  if (!hasForkServer() && PAGENT_FORK_SERVER !== undefined)
    return 'PAGENT_FORK_SERVER names no program that may be executed'
  if (!hasForkServer()) return `there is no fork server for ${process.platform}-${process.arch}`
  if (PAGENT_FORK_SERVER !== undefined) return 'PAGENT_FORK_SERVER names its program'
  return `the default, as there is one for ${process.platform}-${process.arch}`
}

function healthOf({ works, error, startTime }: Trial): Health {
  return {
    works,
    ...(error === undefined ? {} : { error }),
    ...(startTime === undefined ? {} : { startTime: Math.round(startTime) }),
  }
}

function rowOf(limit: LimitName, trials: Readonly<Record<LauncherName, Trial>>): LimitRow {
  const by = (name: LauncherName): Enforcement | null => trials[name].abilities?.limits[limit] ?? null
  const forked = by('fork-server')
  const plain = by('portable')
  return { limit, 'fork-server': forked, portable: plain, note: noteOn(limit, forked ?? plain) }
}

function enforcedBy(enforcer: Enforcer, rows: readonly LimitRow[]): LimitName[] {
  return rows.filter((row) => row['fork-server']?.enforcedBy === enforcer).map(({ limit }) => limit)
}

/** Of this process, as Node has raised it to the hard limit when it started. */
function openFiles(): Diagnosis['openFiles'] {
  // Network interfaces may take long to be told, and nobody asks for them.
  Object.assign(process.report, { excludeNetwork: true })
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
  const soft = Number(userLimits?.open_files?.soft)
  const workers = (name: LauncherName): number | null =>
    Number.isNaN(soft) ? null : Math.max(0, Math.floor((soft - RESERVED) / PER_WORKER[name]))
  return {
    max: Number.isNaN(soft) ? null : soft,
    workers: { 'fork-server': workers('fork-server'), portable: workers('portable') },
  }
}
