import { type Stats, accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nextTurn } from '../base/clock.ts'
import { SpawnError } from '../base/errors.ts'

/** What somebody wants to run. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd?: string | URL | undefined
  /** Added to this process's environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The variables it gets of this process's environment. @default all */
  readonly inheritEnv?: readonly string[] | undefined
}

/** The command with everything looked up. */
export interface ResolvedCommand {
  readonly file: string
  readonly path: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * Refuses what can never be a command.
 *
 * @throws TypeError
 */
export function checkCommand(worker: string, command: Command): void {
  const { file, args } = command as { file: unknown; args: unknown }
  if (typeof file !== 'string') throw misuse(worker, `the command must be text, not ${describe(file)}`)
  if (file.trim() === '') throw misuse(worker, 'the command is empty; give the name or the path of a program')
  checkText(worker, 'the command', file)
  if (!Array.isArray(args)) throw misuse(worker, `the arguments must be an array of text, not ${describe(args)}`)
  for (const [i, arg] of args.entries()) checkText(worker, `argument ${i + 1}`, arg)
  for (const [name, value] of Object.entries(command.env ?? {})) checkVariable(worker, name, value)
  checkInherited(worker, command.inheritEnv)
}

function checkInherited(worker: string, names: unknown): void {
  if (names === undefined) return
  if (!Array.isArray(names)) throw misuse(worker, `inheritEnv must be an array of names, not ${describe(names)}`)
  for (const name of names) checkText(worker, 'a name in inheritEnv', name)
}

function checkVariable(worker: string, name: string, value: unknown): void {
  if (name === '' || name.includes('='))
    throw misuse(worker, `${JSON.stringify(name)} cannot be the name of an environment variable`)
  checkText(worker, 'the name of an environment variable', name)
  if (value !== undefined) checkText(worker, `the environment variable ${name}`, value)
}

function checkText(worker: string, what: string, value: unknown): void {
  if (typeof value !== 'string') throw misuse(worker, `${what} must be text, not ${describe(value)}`)
  if (value.includes('\0')) throw misuse(worker, `${what} contains a NUL character, which no program can be given`)
}

const misuse = (worker: string, why: string): TypeError => new TypeError(`Cannot start worker "${worker}": ${why}`)

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}

/**
 * Looks the command up before anything is started, so that a missing program, a missing directory and a file that
 * may not be run are three different messages.
 *
 * @throws SpawnError
 */
export function resolveCommand(worker: string, command: Command): ResolvedCommand {
  const env = mergeEnv(command)
  const cwd = resolveCwd(worker, command)
  return { file: command.file, path: findProgram(worker, command.file, cwd, env), args: command.args, cwd, env }
}

let inherited: Readonly<Record<string, string>> | undefined

function mergeEnv({ env: own, inheritEnv }: Command): Readonly<Record<string, string>> {
  inherited ??= readEnvironment()
  if (own === undefined && inheritEnv === undefined) return inherited
  const env: Record<string, string | undefined> =
    inheritEnv === undefined ? { ...inherited } : chosen(inherited, inheritEnv)
  for (const name in own) {
    if (own[name] === undefined) delete env[name]
    else env[name] = own[name]
  }
  return env as Record<string, string>
}

/**
 * Of this process, once for all who are started in one turn of the event loop: each look at `process.env` is a call into
 * the system's library, and all of them are a tenth of what a start costs.
 */
function readEnvironment(): Record<string, string> {
  void nextTurn().then(() => (inherited = undefined))
  const { env } = process
  const read: Record<string, string> = {}
  for (const name of Object.getOwnPropertyNames(env)) read[name] = env[name] as string
  return read
}

function chosen(all: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(all, name)).map((name) => [name, all[name]]))
}

function resolveCwd(worker: string, { file, cwd }: Command): string {
  if (cwd === undefined) return ownCwd(worker, file)
  const path = resolve(cwd instanceof URL ? fileURLToPath(cwd) : cwd)
  const found = look(path)
  if (found === undefined)
    throw new SpawnError(worker, file, 'cwd', `the directory ${path} (cwd) does not exist`, { errno: 'ENOENT' })
  if (found !== 'unreachable' && found.isDirectory()) return path
  const why = found === 'unreachable' ? 'cannot be reached: a folder above it may not be entered' : 'is not a directory'
  throw new SpawnError(worker, file, 'cwd', `${path} (cwd) ${why}`, {
    errno: found === 'unreachable' ? 'EACCES' : 'ENOTDIR',
  })
}

function ownCwd(worker: string, file: string): string {
  try {
    return process.cwd()
  } catch (cause) {
    const why = 'the directory this process runs in was deleted; name another by cwd'
    throw new SpawnError(worker, file, 'cwd', why, { cause, errno: 'ENOENT' })
  }
}

/** `throwIfNoEntry` knows ENOENT and ENOTDIR only: not what may not be searched, links that go round, names too long. */
function look(path: string): Stats | 'unreachable' | undefined {
  try {
    return statSync(path)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'unreachable' : undefined
  }
}

function findProgram(worker: string, file: string, cwd: string, env: Record<string, string>): string {
  if (file.includes('/')) {
    const path = resolve(cwd, file)
    const fault = faultOf(path)
    if (fault === undefined) return path
    throw new SpawnError(worker, file, 'command', explain(file, path, cwd, fault), {
      errno: fault === 'unreachable' ? 'EACCES' : fault,
    })
  }
  return findOnPath(worker, file, cwd, env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
}

type Fault = 'ENOENT' | 'EISDIR' | 'EACCES' | 'unreachable'

function explain(file: string, path: string, cwd: string, fault: Fault): string {
  const shown = file === path ? path : `${file} (${path})`
  if (fault === 'ENOENT') return `${shown} does not exist (cwd ${cwd} is there)`
  if (fault === 'EISDIR') return `${shown} is a directory, not a program`
  if (fault === 'unreachable') return `${shown} cannot be reached: a folder above it may not be entered`
  return `${shown} is not executable; allow it with chmod +x, or start it by its interpreter`
}

function findOnPath(worker: string, file: string, cwd: string, searched: string): string {
  let fault: Fault = 'ENOENT'
  for (const folder of searched.split(delimiter)) {
    const path = resolve(cwd, folder, file)
    const found = faultOf(path)
    if (found === undefined) return path
    if (found === 'EACCES') fault = found
  }
  const why =
    fault === 'EACCES'
      ? `there is a ${file} on the PATH, but it is not executable`
      : `there is no program ${file} on the PATH`
  throw new SpawnError(worker, file, 'command', `${why} (${searched})`, { errno: fault })
}

/** Why the file cannot be run, or undefined. */
function faultOf(path: string): Fault | undefined {
  const found = look(path)
  if (found === undefined) return 'ENOENT'
  if (found === 'unreachable') return found
  if (found.isDirectory()) return 'EISDIR'
  try {
    accessSync(path, constants.X_OK)
    return undefined
  } catch {
    return 'EACCES'
  }
}
