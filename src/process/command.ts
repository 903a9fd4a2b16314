import { type Stats, accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SpawnError } from '../base/errors.ts'

export type Environment = Readonly<Record<string, string>>

/** What somebody wants to run. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd?: string | URL | undefined
  /** Added to this process's environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The variables it gets of this process's environment. @default all */
  readonly inheritEnv?: readonly string[] | undefined
  /** What they were when it was asked for. @default what they are */
  readonly inherited?: Environment | undefined
}

/** The command with everything put in. */
export interface ResolvedCommand {
  readonly file: string
  /** Absolute, or a name that the system searches on the PATH of `env`. */
  readonly path: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Environment
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
  checkDirectory(worker, command.cwd)
  checkEnvironment(worker, command.env)
  checkInherited(worker, command.inheritEnv)
}

function checkDirectory(worker: string, cwd: unknown): void {
  if (cwd === undefined || (cwd instanceof URL && cwd.protocol === 'file:')) return
  if (cwd instanceof URL) throw misuse(worker, `cwd must be a path or a file: URL, not ${cwd.href}`)
  checkText(worker, 'cwd', cwd)
}

/** @throws TypeError for what are no variables, or none that a program can be given. */
export function checkEnvironment(worker: string, env: unknown): void {
  if (env === undefined) return
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    throw misuse(worker, `env must be an object such as { NAME: 'value' }, not ${describe(env)}`)
  for (const [name, value] of Object.entries(env)) checkVariable(worker, name, value)
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
 * What is to be started. Whether it is there the system says when it starts it: `examine` explains its answer.
 *
 * @throws SpawnError when the directory of this process was deleted, and no other is named.
 */
export function resolveCommand(worker: string, command: Command): ResolvedCommand {
  const { file, args } = command
  const cwd = command.cwd === undefined ? ownCwd(worker, file) : pathOf(command.cwd)
  return { file, path: file.includes('/') ? resolve(cwd, file) : file, args, cwd, env: mergeEnv(command) }
}

/**
 * Looks at a command that could not be started, so that a missing program, a missing directory and a file that may not be run
 * are three different messages.
 *
 * @throws SpawnError when it finds why.
 */
export function examine(worker: string, command: Command): void {
  const resolved = resolveCommand(worker, command)
  if (command.cwd !== undefined) checkCwd(worker, resolved.file, resolved.cwd)
  findProgram(worker, resolved)
}

/** The environment of this process, as it was last seen. */
let seen: { readonly names: readonly string[]; readonly values: readonly string[]; readonly env: Environment } = {
  names: [],
  values: [],
  env: {},
}

/** The variables of this process now: all, or those of these names that there are. */
export function inheritedEnvironment(names: readonly string[] | undefined): Environment {
  return names === undefined ? ownEnvironment() : chosen(names)
}

function mergeEnv({ env: own, inheritEnv, inherited = inheritedEnvironment(inheritEnv) }: Command): Environment {
  if (own === undefined) return inherited
  const env: Record<string, string | undefined> = { ...inherited }
  for (const name in own) {
    if (own[name] === undefined) delete env[name]
    else env[name] = own[name]
  }
  return env as Environment
}

/**
 * That of this process: the same object as long as nothing has changed, so that it is put into bytes once. To look whether
 * something has changed is a call into the system's library for each variable, and a fifth of what a start costs.
 */
function ownEnvironment(): Environment {
  const { env } = process
  const names = Object.getOwnPropertyNames(env)
  if (!isAsSeen(env, names.length)) {
    const values = names.map((name) => env[name] as string)
    seen = { names, values, env: Object.fromEntries(names.map((name, i) => [name, values[i] as string])) }
  }
  return seen.env
}

/** Nothing is gone, nothing is new. Names that were used before are found faster than those just made. */
function isAsSeen(env: NodeJS.ProcessEnv, count: number): boolean {
  const { names, values } = seen
  if (count !== names.length) return false
  for (let i = 0; i < count; i++) if (env[names[i] as string] !== values[i]) return false
  return true
}

function chosen(names: readonly string[]): Environment {
  const { env } = process
  return Object.fromEntries(names.filter((name) => Object.hasOwn(env, name)).map((name) => [name, env[name] as string]))
}

function pathOf(cwd: string | URL): string {
  return resolve(cwd instanceof URL ? fileURLToPath(cwd) : cwd)
}

function checkCwd(worker: string, file: string, path: string): void {
  const found = look(path)
  if (found === undefined)
    throw new SpawnError(worker, file, 'cwd', `the directory ${path} (cwd) does not exist`, { errno: 'ENOENT' })
  if (found !== 'unreachable' && found.isDirectory()) return
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

/**
 * The absolute path of a program, for a system that does not search as it should: some give up at the first folder they may not
 * enter.
 *
 * @throws SpawnError when it is not there, or may not be run.
 */
export function findProgram(worker: string, { file, cwd, env }: Omit<ResolvedCommand, 'path' | 'args'>): string {
  if (!file.includes('/')) return findOnPath(worker, file, cwd, env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
  const path = resolve(cwd, file)
  const fault = faultOf(path)
  if (fault === undefined) return path
  throw new SpawnError(worker, file, 'command', explain(file, path, cwd, fault), {
    errno: fault === 'unreachable' ? 'EACCES' : fault,
  })
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
