import type { LimitBreak, Usage } from '../base/exit.ts'
import type { ByteSink, ByteSource } from '../channel/bytes.ts'
import type { Abilities, AppliedLimits, SystemLimits } from './limits.ts'

/** What is to be started. */
export interface LaunchCommand {
  /** The worker's name, for errors. */
  readonly worker: string
  /** What was asked for; becomes `argv[0]`. */
  readonly file: string
  /** Absolute path of the program, or its name alone: then it is searched on the PATH of `env`. */
  readonly path: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: 'pipe' | 'inherit'
  readonly stdout: 'pipe' | 'inherit' | 'ignore'
  readonly stderr: 'pipe' | 'inherit' | 'ignore'
  /** What its tree may use. @default nothing is limited */
  readonly limits?: SystemLimits
}

/** How a process ended: by a code or by a signal, and by neither when nobody knows any more. */
export interface ProcessStatus {
  readonly exitCode: number | undefined
  readonly signalCode: NodeJS.Signals | undefined
  /** What its tree has used. @default not measured */
  readonly usage?: Usage
  /** The limit it was ended at by the launcher or the kernel. */
  readonly limit?: LimitBreak
  /** The kernel killed it because the whole system was out of memory. */
  readonly systemOom?: boolean
  /** Why nobody knows how it ended. */
  readonly lost?: Error
}

/** A process that exists, and its tree. */
export interface RunningProcess {
  readonly pid: number
  readonly stdin: ByteSink
  readonly stdout: ByteSource
  readonly stderr: ByteSource
  /** Resolves when the process itself has ended; its pipes may still be held open by others. */
  readonly exited: Promise<ProcessStatus>
  /** Who enforces the limits it was launched with. */
  readonly limits: AppliedLimits
  /** What its tree uses now. Rejects when that cannot be known; after the end with the last word. */
  measure(): Promise<Usage>
  /** Signals the whole tree. Does nothing once it is released. */
  kill(killSignal: NodeJS.Signals): void
  /** The end: kills what is left of the tree, closes what it was heard by, and forgets it. */
  release(): void
}

/**
 * How a process comes to be: the one seam between pagent and the system.
 *
 * A launcher MUST start the process as leader of a tree that `kill` reaches, MUST end that tree when this process
 * ends in whatever way, and MUST reject with a `SpawnError` when there is no process, with a `LimitUnsupportedError` for
 * a limit it cannot enforce.
 */
export interface Launcher {
  readonly name: string
  launch(command: LaunchCommand): Promise<RunningProcess>
  /** Which limits it can enforce on this machine, and how. */
  abilities(): Promise<Abilities>
  /** Ends every tree that is left, and gives back what the launcher holds. It may be used again afterwards. */
  close(): Promise<void>
}

/** @throws TypeError for what is no launcher. `action` begins the error. */
export function checkLauncher(launcher: unknown, action: string): void {
  const { launch, close } = (launcher ?? {}) as Partial<Launcher>
  if (typeof launch === 'function' && typeof close === 'function') return
  throw new TypeError(`${action}: launcher must be a launcher, such as portable() with the parentheses`)
}

/** A stream that is not ours to read. */
export const noSource: ByteSource = { start: (_onChunk, onEnd) => onEnd(), resume: () => {}, destroy: () => {} }

/** A stream that is not ours to write. */
export const noSink: ByteSink = {
  write: (_data, done) => done(new Error('stdin is inherited')),
  end: (done) => done(),
  onClose: () => {},
  destroy: () => {},
}
