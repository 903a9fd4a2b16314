import { readFile } from 'node:fs/promises'
import { getPriority, uptime } from 'node:os'

/** Milliseconds: what `sysconf(_SC_CLK_TCK)` says everywhere. */
const TICK = 10

/** What tells a process from every other that had or will have its pid. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it was started, in ticks since the boot; undefined on systems that do not tell. */
  readonly startTicks?: number
  /** Names the boot those are counted from. */
  readonly boot?: string
}

/** Who has this pid now; undefined for nobody, and for one that has ended and was not waited for. */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform !== 'linux') return exists(pid) ? { pid } : undefined
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (stat === undefined) return undefined
  // The name of the program stands in parentheses, and may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (state === 'Z' || state === 'X') return undefined
  return { pid, startTicks: Number(fields[18]), boot: await bootId() }
}

/** Whether that very process still runs. Where the system does not tell, whether there is one of its pid. */
export async function isStillRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identityOf(identity.pid)
  return now !== undefined && now.startTicks === identity.startTicks && now.boot === identity.boot
}

/** When it was started, in milliseconds since 1970, to within some hundredths of a second. 0 where the system does not tell. */
export function startDateOf({ startTicks }: ProcessIdentity, now: number): number {
  return startTicks === undefined ? 0 : now - uptime() * 1000 + startTicks * TICK
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '')).trim()
}

function exists(pid: number): boolean {
  try {
    getPriority(pid)
    return true
  } catch {
    return false
  }
}
