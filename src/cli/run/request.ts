import { basename } from 'node:path'
import { raw } from '../../framing/raw.ts'
import type { Restart } from '../../supervisor/child.ts'
import type { Intensity } from '../../supervisor/restart-policy.ts'
import type { WorkerSpec } from '../../worker/spec.ts'

/** What the user asked `pagent run` to do; durations in milliseconds. */
export interface RunRequest {
  readonly file: string
  readonly args: readonly string[]
  readonly restart: Restart
  readonly intensity: Intensity
  readonly ready?: RegExp
  readonly readyTimeout: number
  readonly grace: number
  readonly wallTime?: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** `matched` resolves when the current life has written what `--ready` waits for. */
export function specOf(request: RunRequest, matched: () => Promise<void>): WorkerSpec<any, any> {
  const { restart, intensity, grace, wallTime, cwd, env } = request
  return {
    restart,
    intensity,
    // The end of an inherited stdin is not ours to bring about.
    shutdown: { eof: 0, grace },
    ...(wallTime === undefined ? {} : { limits: { wallTime } }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    stdin: 'inherit',
    ...(request.ready === undefined ? INHERITED : { ...WATCHED, ready: matched, readyTimeout: request.readyTimeout }),
  }
}

const INHERITED = { stdout: 'inherit', stderr: 'inherit' } as const
/** The launcher has passed the bytes on already. */
const WATCHED = { framing: raw(), onMessage: (): void => {} } as const

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
