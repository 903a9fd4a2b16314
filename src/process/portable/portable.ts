import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { SpawnError } from '../../base/errors.ts'
import { NO_USAGE, type Usage } from '../../base/exit.ts'
import { readableSource, writableSink } from '../../channel/bytes.ts'
import { findProgram } from '../command.ts'
import { Keeper, MARKER } from './keeper.ts'
import {
  type LaunchCommand,
  type Launcher,
  type ProcessStatus,
  type RunningProcess,
  noSink,
  noSource,
} from '../launcher.ts'
import { type Abilities, type AppliedLimits, MASTER_ABILITIES, applyLimits } from '../limits.ts'
import { explainNoInterpreter, explainShortage } from '../start-failure.ts'
import { type StdoutSource, StdoutSockets } from './stdout-socket.ts'

/**
 * Starts processes by `node:child_process`: on every POSIX system, without a compiler.
 *
 * Each worker leads a session and a group of its own; a signal goes to the group. What leaves the group (`setsid`)
 * outlives its worker, but not the master: its keeper finds it by its environment, unless it has cleared that as well.
 *
 * ```ts
 * import { Master, portable } from 'pagent'
 * const master = new Master({ launcher: portable() })
 * await master.stop()
 * ```
 */
export function portable(): Launcher {
  return new PortableLauncher()
}

const ABILITIES: Abilities = {
  launcher: 'portable',
  limits: MASTER_ABILITIES,
  reasons: ['the fork server, which is the default on Linux, enforces them'],
}

class PortableLauncher implements Launcher {
  readonly name = 'portable'
  #session: Session | undefined

  async launch(command: LaunchCommand): Promise<RunningProcess> {
    applyLimits(command.worker, command.limits, ABILITIES)
    this.#session ??= openSession(command)
    return await this.#session.launch(command)
  }

  abilities(): Promise<Abilities> {
    return Promise.resolve(ABILITIES)
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }
}

function openSession(command: LaunchCommand): Session {
  try {
    return new Session()
  } catch (cause) {
    const why = `the folder for its sockets cannot be made (${(cause as Error).message}); name another by TMPDIR`
    throw new SpawnError(command.worker, command.file, 'spawn', why, {
      cause,
      errno: (cause as NodeJS.ErrnoException).code,
    })
  }
}

/** Everything one master's processes share, from its first launch to `close`. */
class Session {
  readonly #marker = randomBytes(12).toString('hex')
  readonly #sockets = new StdoutSockets()
  readonly #keeper = new Keeper(this.#marker, this.#sockets.folder)
  #closed = false

  async launch(command: LaunchCommand): Promise<RunningProcess> {
    this.#keeper.ensure(command.worker, command.file)
    const stdout = command.stdout === 'pipe' ? await this.#openStdout(command) : undefined
    try {
      if (this.#closed) throw new SpawnError(command.worker, command.file, 'spawn', 'its launcher was closed meanwhile')
      const child = this.#spawn(command, stdout?.far)
      return new PortableProcess(child, stdout?.near, this.#keeper)
    } catch (error) {
      stdout?.near.destroy()
      throw spawnError(command, error instanceof FailedLater ? await error.reason : error)
    } finally {
      stdout?.far.destroy()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#keeper.close()
    await this.#sockets.close()
  }

  async #openStdout(command: LaunchCommand): Promise<{ far: Socket; near: StdoutSource }> {
    try {
      return await this.#sockets.open()
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      // Somebody has cleaned up its folder: the next try makes another.
      const errno = code === 'ENOENT' || code === 'ECONNREFUSED' ? 'EAGAIN' : code
      const why = `the socket for its stdout cannot be made (${message})`
      throw new SpawnError(command.worker, command.file, 'spawn', why, { cause, errno })
    }
  }

  /** From the fork to the keeper's knowledge of it there is no pause in which this process could yield. */
  #spawn(command: LaunchCommand, stdout: Socket | undefined): ChildProcess & { pid: number } {
    const path = command.path.includes('/') ? command.path : findProgram(command.worker, command)
    const child = spawn(path, command.args, {
      argv0: command.file,
      cwd: command.cwd,
      env: { ...command.env, [MARKER]: this.#marker },
      detached: true,
      stdio: [command.stdin, stdout ?? command.stdout, command.stderr] as StdioOptions,
    })
    if (child.pid === undefined) throw new FailedLater(child)
    child.on('error', () => {})
    this.#keeper.add(child.pid)
    return child as ChildProcess & { pid: number }
  }
}

/** Node tells why a spawn failed a tick later. */
class FailedLater extends Error {
  readonly reason: Promise<Error>

  constructor(child: ChildProcess) {
    super('spawn failed')
    this.reason = new Promise((resolve) => child.on('error', resolve))
  }
}

class PortableProcess implements RunningProcess {
  readonly pid: number
  readonly stdin: RunningProcess['stdin']
  readonly stdout: RunningProcess['stdout']
  readonly stderr: RunningProcess['stderr']
  readonly exited: Promise<ProcessStatus>
  readonly limits: AppliedLimits = {}
  readonly #keeper: Keeper
  #released = false

  constructor(child: ChildProcess & { pid: number }, stdout: StdoutSource | undefined, keeper: Keeper) {
    this.pid = child.pid
    this.#keeper = keeper
    this.stdin = child.stdin === null ? noSink : writableSink(child.stdin)
    this.stdout = stdout ?? noSource
    this.stderr = child.stderr === null ? noSource : readableSource(child.stderr)
    this.exited = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ exitCode: code ?? undefined, signalCode: signal ?? undefined }))
    })
  }

  kill(killSignal: NodeJS.Signals): void {
    if (this.#released) return
    try {
      process.kill(-this.pid, killSignal)
    } catch (error) {
      // ESRCH: nobody is left. EPERM: those who are left have become somebody else.
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ESRCH' && code !== 'EPERM') throw error
    }
  }

  measure(): Promise<Usage> {
    return Promise.resolve(NO_USAGE)
  }

  release(): void {
    this.kill('SIGKILL')
    this.#released = true
    this.#keeper.remove(this.pid)
    this.stdout.destroy()
    this.stderr.destroy()
  }
}

function spawnError(command: LaunchCommand, cause: unknown): SpawnError {
  if (cause instanceof SpawnError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  return new SpawnError(command.worker, command.file, 'spawn', explain(command, code, message), { cause, errno: code })
}

function explain(command: LaunchCommand, code: string | undefined, message: string): string {
  if (code === 'ENOENT' && !existsSync(command.cwd)) return `the directory ${command.cwd} (cwd) is no longer there`
  if (code === 'ENOENT') return explainNoInterpreter(command.path)
  if (code === 'EAGAIN' || code === 'ENOMEM') return 'there are no processes or no memory left; start fewer'
  return explainShortage(code, 'there are') ?? message
}
