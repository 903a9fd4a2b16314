import type { LimitName } from '../../base/exit.ts'
import type { Enforcement } from '../../process/limits.ts'

/** What is worth knowing about a limit as it is enforced here, in at most 36 characters. */
export function noteOn(limit: LimitName, how: Enforcement | null): string {
  if (how === null) return limit === 'cpus' ? 'needs a control group' : 'needs the fork server'
  return (how.exact ? EXACT : WATCHED)[limit] ?? ''
}

const EXACT: Readonly<Record<LimitName, string>> = {
  memory: 'its whole tree is killed at once',
  cpuTime: 'of the tree, those that ended too',
  cpus: 'slows it down, does not end it',
  wallTime: 'since its start',
  idle: 'without a byte on stdout and stderr',
  output: 'bytes on stdout and stderr together',
  processes: 'threads count, too',
  openFiles: 'for each process; does not end it',
  fileSize: 'for each file',
}

const WATCHED: Partial<Record<LimitName, string>> = {
  memory: 'measured some 50 times a second',
  cpuTime: 'measured when it may be used up',
  processes: 'counted some 50 times a second',
}
