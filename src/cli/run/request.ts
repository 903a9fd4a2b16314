import { basename } from 'node:path'
import { raw } from '../../framing/raw.ts'
import type { Restart } from '../../supervisor/child.ts'
import type { Intensity } from '../../supervisor/intensity.ts'
import type { WorkerSpec } from '../../worker/spec.ts'
import { quoted } from '../show/text.ts'
import { type RunLimits, mustHear, pasted } from './limits.ts'
import { exactMillis } from './values.ts'

/** What they are when nobody says, in milliseconds. */
export const GRACE = 3000
export const READY_TIMEOUT = 30_000

/** What the user asked `pagent run` to do; durations in milliseconds. */
export interface RunRequest {
  readonly file: string
  readonly args: readonly string[]
  readonly restart: Restart
  readonly intensity: Intensity
  readonly ready?: RegExp
  readonly readyTimeout: number
  readonly grace: number
  readonly limits: RunLimits
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** `matched` resolves when the current life has written what `--ready` waits for. */
export function specOf(request: RunRequest, matched: () => Promise<void>): WorkerSpec<any, any> {
  const { restart, intensity, grace, limits, cwd, env } = request
  return {
    restart,
    intensity,
    // The end of an inherited stdin is not ours to bring about.
    shutdown: { eof: 0, grace },
    limits,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    stdin: 'inherit',
    ...(isWatched(request) ? WATCHED : INHERITED),
    ...(request.ready === undefined ? {} : { ready: matched, readyTimeout: request.readyTimeout }),
  }
}

const INHERITED = { stdout: 'inherit', stderr: 'inherit' } as const
/** The launcher has passed the bytes on already. */
const WATCHED = { framing: raw(), onMessage: (): void => {} } as const

/** Whether its output passes through us: otherwise it has our own streams, and nobody sees what it writes. */
export function isWatched({ ready, limits }: RunRequest): boolean {
  return ready !== undefined || mustHear(limits)
}

/** The worker's name: the program's, without what a name cannot hold. */
export function nameOf(file: string): string {
  const name = basename(file)
    .replaceAll(/[\0-\x1f\x7f]/g, '?')
    .slice(0, 100)
  return name === '' ? 'program' : name
}

/** The command for people, cut where it gets long. */
export function shown({ file, args }: Pick<RunRequest, 'file' | 'args'>): string {
  const text = [file, ...args].join(' ').replaceAll(/[\0-\x1f\x7f]/g, ' ')
  return args.length === 0 ? file : `"${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`
}

/**
 * The whole command line with options added, quoted for a shell; undefined where it is no help to show it: it is long,
 * more than a line, or holds variables, which may be secret.
 */
export function pasteable(request: RunRequest, added: readonly string[]): string | undefined {
  if (request.env !== undefined) return undefined
  const { ready, readyTimeout, grace, limits, cwd } = request
  const options = [
    ...(ready === undefined ? [] : ['--ready', ready.source]),
    ...(readyTimeout === READY_TIMEOUT ? [] : ['--ready-timeout', exactMillis(readyTimeout)]),
    ...(grace === GRACE ? [] : ['--grace', exactMillis(grace)]),
    ...pasted(limits),
    ...(cwd === undefined ? [] : ['--cwd', cwd]),
  ]
  const text = ['pagent', 'run', ...added, ...options, '--', request.file, ...request.args].map(quoted).join(' ')
  return text.length > 200 || /[\0-\x1f\x7f]/.test(text) ? undefined : text
}
