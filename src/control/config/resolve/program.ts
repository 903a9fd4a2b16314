import { resolve } from 'node:path'
import type { AlivePlan, LimitsPlan, ProgramPlan, ReadyPlan } from '../fleet-plan.ts'
import type { Place, Problems } from '../found/found.ts'
import { LIMIT_NAMES } from '../keys/basics.ts'
import type { Variable } from '../keys/environment.ts'
import type { Health } from '../keys/probes.ts'
import type { PROGRAM_KEYS } from '../keys/tables.ts'
import type { Reading } from '../shapes/table.ts'
import { type Environment, readEnvFiles } from './env-files.ts'

/** What is known of the file while it is resolved. */
export interface Context {
  /** Absolute. */
  readonly folder: string
  /** Of whoever starts the fleet. */
  readonly inherited: Readonly<Record<string, string | undefined>>
  readonly problems: Problems
}

export type ProgramReading = Reading<typeof PROGRAM_KEYS>

/** What a program is told, all but its framing. */
export function resolveProgram(given: ProgramReading, context: Context): Omit<ProgramPlan, 'framing'> {
  const [file = '', ...words] = given.get('command') ?? []
  return {
    file,
    args: [...words, ...(given.get('args') ?? [])],
    cwd: resolve(context.folder, given.get('cwd') ?? '.'),
    env: resolveEnv(given, context),
    inheritEnv: given.get('inheritEnv'),
    ...resolveHealth(given, context.problems),
    shutdown: resolveShutdown(given, context.problems),
    limits: resolveLimits(given),
  }
}

function resolveEnv(given: ProgramReading, { folder, inherited, problems }: Context): Environment {
  const files = readEnvFiles(given.get('envFile') ?? [], folder, problems)
  const own = (given.get('env') ?? []).flatMap(({ name, value }: Variable) => {
    const known = value === undefined ? inherited[name] : value
    return known === undefined ? [] : [[name, known] as const]
  })
  return { ...files, ...Object.fromEntries(own) }
}

/** The checks, and what they say about readiness: as in compose, what is healthy is ready. */
function resolveHealth(
  given: ProgramReading,
  problems: Problems,
): { readonly ready: ReadyPlan; readonly readyTimeout: number; readonly alive: AlivePlan | undefined } {
  const health = given.get('healthcheck')
  const readyTimeout = given.get('readyTimeout') ?? 30_000
  if (health === undefined || health === 'none')
    return { ready: given.get('ready') ?? { when: 'spawn' }, readyTimeout, alive: undefined }
  const { probe, every, timeout, retries } = health
  const alive = { ...probe, every, timeout, retries }
  const ready = given.get('ready')
  if (ready !== undefined) {
    refuseStart(health, given.at('healthcheck'), problems)
    return { ready, readyTimeout, alive }
  }
  return { ...readyBy(health, given, problems), alive }
}

function refuseStart({ startPeriod, startInterval }: Health, place: Place, problems: Problems): void {
  if (startPeriod === undefined && startInterval === undefined) return
  problems.add(
    place,
    'start_period and start_interval say when it is ready, and so does ready; leave them out, checks begin once it is ready',
  )
}

function readyBy(
  { probe, every, retries, startPeriod, startInterval }: Health,
  given: ProgramReading,
  problems: Problems,
): { readonly ready: ReadyPlan; readonly readyTimeout: number } {
  if (startPeriod !== undefined && given.has('readyTimeout'))
    problems.add(given.at('readyTimeout'), 'ready_timeout says the same as start_period of healthcheck; leave one out')
  // As long as compose takes to call it unhealthy.
  const patience = startPeriod === undefined ? 30_000 : startPeriod + retries * every
  return {
    ready: { when: 'probe', every: startInterval ?? Math.min(every, 1000), ...probe },
    readyTimeout: given.get('readyTimeout') ?? patience,
  }
}

function resolveShutdown(given: ProgramReading, problems: Problems): ProgramPlan['shutdown'] {
  const shutdown = given.get('shutdown')
  for (const [short, long] of [
    ['stopGracePeriod', 'grace'],
    ['stopSignal', 'killSignal'],
  ] as const) {
    if (given.has(short) && shutdown?.has(long) === true)
      problems.add(given.at(short), `this says the same as ${shutdown.at(long).path}; leave one out`)
  }
  return {
    farewell: shutdown?.get('farewell')?.json,
    eof: shutdown?.get('eof') ?? 2000,
    killSignal: given.get('stopSignal') ?? shutdown?.get('killSignal') ?? 'SIGTERM',
    grace: given.get('stopGracePeriod') ?? shutdown?.get('grace') ?? 3000,
  }
}

function resolveLimits(given: ProgramReading): LimitsPlan {
  const limits = given.get('limits')
  const said = LIMIT_NAMES.map((name) => [name, limits?.get(name)] as const).filter(([, value]) => value !== undefined)
  return Object.fromEntries(said)
}

/** A call needs somebody who answers calls. */
export function checkCalls(
  given: ProgramReading,
  { ready, alive, framing }: Pick<ProgramPlan, 'ready' | 'alive' | 'framing'>,
  problems: Problems,
): void {
  if (framing === 'json-rpc') return
  const asks = [ready.when === 'probe' ? ready : undefined, alive]
  if (!asks.some((ask) => ask?.probe === 'call')) return
  problems.add(
    given.at(given.has('healthcheck') ? 'healthcheck' : 'ready'),
    'a call needs a worker that answers calls: framing: json-rpc',
  )
}
