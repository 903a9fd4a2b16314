import { dirname, join, relative } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import { ConfigError } from './config-error.ts'
import { findConfig, formatOf } from './find.ts'
import type { FleetPlan } from './fleet-plan.ts'
import { type Found, Problems } from './found/found.ts'
import { importDefault } from './found/from-module.ts'
import { fromProcfile } from './found/from-procfile.ts'
import { fromValue } from './found/from-value.ts'
import { fromYaml } from './found/from-yaml.ts'
import { readTextFile } from './found/text-file.ts'
import { variablesOf } from './resolve/env-files.ts'
import { resolveFleet } from './resolve/fleet.ts'

export interface LoadOptions {
  /** Where a file is looked for. @default process.cwd() */
  readonly cwd?: string
  /** For `${NAME}`, and for variables of workers that have no value of their own. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
}

/**
 * Finds a fleet's configuration, reads it and resolves it: `pagent.config.ts` (`.mts`, `.js`, `.mjs`), `pagent.yaml` (`.yml`)
 * or `Procfile` in `cwd`, or the file or folder named.
 *
 * @throws ConfigError with everything that is wrong with it.
 */
export async function loadFleet(path?: string, options: LoadOptions = {}): Promise<FleetPlan> {
  const { cwd = process.cwd(), env = process.env, clock = systemClock } = options
  const file = findConfig(path, cwd)
  const job = new Job(file, relative(cwd, file).startsWith('..') ? file : relative(cwd, file), env)
  const found = await job.read(clock)
  const plan =
    found === undefined
      ? undefined
      : resolveFleet(found, file, { folder: job.folder, inherited: env, problems: job.problems })
  if (plan === undefined || job.problems.count > 0) throw job.failure()
  return plan
}

/** One file on its way to a plan. */
class Job {
  readonly #file: string
  readonly #shown: string
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly folder: string
  readonly problems = new Problems()
  #cause: Error | undefined

  constructor(file: string, shown: string, env: Readonly<Record<string, string | undefined>>) {
    this.#file = file
    this.#shown = shown
    this.#env = env
    this.folder = dirname(file)
  }

  failure(): ConfigError {
    const options = this.#cause === undefined ? undefined : { cause: this.#cause }
    return new ConfigError(this.#file, this.#shown, this.problems.list(), options)
  }

  async read(clock: Clock): Promise<Found | undefined> {
    const format = formatOf(this.#file)
    if (format === undefined)
      return this.#refuse('its name does not say what it is: expected .ts, .js, .yaml or Procfile')
    const file = readTextFile(this.#file)
    if ('problem' in file) return this.#refuse(file.problem)
    if (format === 'module') return this.#module(clock)
    const variables = this.#variables()
    if (format === 'procfile') return fromProcfile(file.text, variables, this.problems)
    return fromYaml(file.text, { ...variables, ...this.#env }, this.problems)
  }

  /** What `.env` beside it says. */
  #variables(): Record<string, string> {
    const read = readTextFile(join(this.folder, '.env'))
    if ('text' in read) return variablesOf(read.text)
    if (!read.problem.startsWith('it does not exist') && read.problem !== 'it is a folder')
      this.problems.add({ path: '' }, `${join(this.folder, '.env')} cannot be read: ${read.problem}`)
    return {}
  }

  async #module(clock: Clock): Promise<Found | undefined> {
    const result = await importDefault(this.#file, clock)
    if ('value' in result) return fromValue(result.value, this.problems)
    this.#cause = result.problem
    return this.#refuse(
      `it cannot be loaded: ${result.problem.message}${result.hint}`,
      placeIn(this.#file, result.problem),
    )
  }

  #refuse(message: string, place: { line?: number; column?: number } = {}): undefined {
    this.problems.add({ path: '', ...place }, message)
  }
}

/** The line of the file, where the stack of an error names it. */
function placeIn(file: string, { stack = '' }: Error): { line?: number; column?: number } {
  const name = file.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
  const [, line, column] = new RegExp(`${name}(?:\\?read=\\d+)?:(\\d+)(?::(\\d+))?`).exec(stack) ?? []
  return line === undefined ? {} : { line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) }
}
