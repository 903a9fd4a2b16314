import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { PoolEntry } from '../fleet-plan.ts'
import type { POOL_KEYS } from '../keys/tables.ts'
import type { Named } from '../shapes/collections.ts'
import type { Reading } from '../shapes/table.ts'
import { type Context, checkCalls, resolveProgram } from './program.ts'
import { resolveRestarts } from './restarts.ts'

export type PoolReading = Reading<typeof POOL_KEYS>

/** Whom it depends on is not known yet. */
export function resolvePool({ name, place, value: given }: Named<PoolReading>, context: Context): PoolEntry {
  checkProgram(given, place, context)
  const module = given.get('module')
  const path = module === undefined ? undefined : resolve(context.folder, module)
  const program = { ...resolveProgram(given, context), framing: 'json-rpc' } as const
  checkCalls(given, program, context.problems)
  return {
    kind: 'pool',
    id: name,
    dependsOn: [],
    module: path,
    program: path === undefined ? program : { ...program, file: path, ready: { when: 'first-message' } },
    size: given.get('size') ?? { min: 0, max: availableParallelism() },
    spares: given.get('spares') ?? 0,
    concurrency: given.get('concurrency') ?? 1,
    maxQueue: given.get('maxQueue') ?? 10_000,
    idle: given.get('idle'),
    ...resolveRestarts(given, context.problems),
    recycle: { ...said(given.get('recycle'), ['calls', 'age', 'memory', 'jitter']) },
    call: { ...said(given.get('call'), ['timeout', 'cpuTime', 'memory']) },
  }
}

function checkProgram(given: PoolReading, place: Named<unknown>['place'], { problems }: Context): void {
  const [hasModule, hasCommand] = [given.has('module'), given.has('command')]
  if (!hasModule && !hasCommand && !given.isMeant('command') && !given.isMeant('module'))
    problems.add(place, 'command is missing, or module: what its workers run')
  if (!hasModule) return
  for (const key of ['command', 'args', 'ready'] as const)
    if (given.has(key)) problems.add(given.at(key), `${key} has no place beside module, which brings its own program`)
  if (given.has('healthcheck') && given.has('module'))
    problems.add(given.at('healthcheck'), 'healthcheck has no place beside module: each call tells whether it works')
}

function said<N extends string>(
  given: { get(name: N): number | undefined } | undefined,
  names: readonly N[],
): { readonly [name in N]?: number } {
  const entries = names.map((name) => [name, given?.get(name)] as const).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { readonly [name in N]?: number }
}
