import { availableParallelism } from 'node:os'
import { checkId, checkKeys, readWhole } from '../base/options.ts'
import { type Bytes, type Millis, parseBytes, parseMillis } from '../base/units.ts'
import { type CallOptions, type ReadCallOptions, readCallOptions } from '../rpc/client.ts'
import { type Backoff, planBackoff } from '../supervisor/backoff.ts'
import { type Intensity, planIntensity } from '../supervisor/intensity.ts'
import type { WorkerSpec } from '../worker/spec.ts'
import { worker } from '../worker/host.ts'
import type { Worker } from '../worker/worker.ts'
import { type PoolCommand, commandOf } from './command.ts'

/** When a worker is replaced although nothing is wrong with it; its replacement is ready first. */
export interface Recycle {
  /** After so many calls. */
  readonly calls?: number
  /** After so long. */
  readonly age?: Millis
  /** When it uses so much between two calls. */
  readonly memory?: Bytes
  /** By so much less at random, so that they do not all go at once: 0.1 is up to a tenth. @default 0.1 */
  readonly jitter?: number
}

/** Workers that are alike, for calls that any of them may answer. */
export interface PoolSpec {
  /** Its name; its workers are `<id>-1`, `<id>-2`, … @default 'pool' */
  readonly id?: string
  /** A JavaScript or TypeScript module: each of its exported functions can be called, with no code of ours in it. */
  readonly module?: URL | string
  /** Or any program that serves calls. */
  readonly command?: string
  readonly args?: readonly string[]
  /** How many workers do calls at a time. @default as many as there are CPUs, started as they are needed */
  readonly size?: number | { readonly min: number; readonly max: number }
  /** How many more are kept ready, to take the place of one that ends. @default 0 */
  readonly spares?: number
  /** Calls that one worker does at a time. @default 1 */
  readonly concurrency?: number
  /** Calls that wait for a busy worker; more reject with `OverloadError`. @default 10,000 */
  readonly maxQueue?: number
  /** A worker above the minimum that had nothing to do for so long is stopped. @default never */
  readonly idle?: Millis
  readonly recycle?: Recycle
  /** What each call may take and use, where it does not say. */
  readonly call?: CallOptions
  /** How often workers may fail to start, before waiting calls fail with them. @default 3 in 5s */
  readonly intensity?: Partial<Intensity>
  readonly backoff?: Partial<Backoff>
  /** What each worker may use: the same as in its spec. */
  readonly limits?: WorkerSpec['limits']
  /** More about each worker: its environment, its directory, its ladder. */
  readonly worker?: WorkerSpec<any, any>
}

/** How one call of a pool is made. */
export interface PoolCallOptions extends CallOptions {
  /** Calls of one key go to the same worker while it lives. */
  readonly key?: string
}

/** `PoolCallOptions` with every value read. */
export interface ReadPoolCall extends ReadCallOptions {
  readonly key: string | undefined
  /** The same for one attempt: who asks another worker is the pool. */
  readonly once: ReadCallOptions
}

/** A `PoolSpec` with every value read. */
export interface PoolPlan {
  readonly id: string
  readonly command: PoolCommand
  readonly spec: WorkerSpec<any, any>
  readonly min: number
  readonly max: number
  readonly spares: number
  readonly concurrency: number
  readonly maxQueue: number
  readonly idle: number
  readonly recycle: { readonly calls: number; readonly age: number; readonly memory: number; readonly jitter: number }
  readonly call: CallOptions
  readonly plainCall: ReadPoolCall
  readonly intensity: ReturnType<typeof planIntensity>
  readonly backoff: ReturnType<typeof planBackoff>
}

const KEYS: readonly (keyof PoolSpec)[] = [
  'id',
  'module',
  'command',
  'args',
  'size',
  'spares',
  'concurrency',
  'maxQueue',
  'idle',
  'recycle',
  'call',
  'intensity',
  'backoff',
  'limits',
  'worker',
]

/** @throws TypeError, RangeError */
export function planPool(spec: PoolSpec): PoolPlan {
  checkKeys(spec, KEYS, 'Cannot make a pool')
  const id = checkId(spec.id ?? 'pool', 'pool')
  const command = commandOf(id, spec)
  const { worker: own = {}, limits = own.limits, call = {} } = spec
  const plan: PoolPlan = {
    id,
    command,
    spec: { ...command.spec, ...own, ...(limits === undefined ? {} : { limits }) },
    ...readSize(spec.size ?? { min: 0, max: availableParallelism() }),
    spares: readWhole(spec.spares ?? 0, 'spares', 0),
    concurrency: readWhole(spec.concurrency ?? 1, 'concurrency', 1),
    maxQueue: readWhole(spec.maxQueue ?? 10_000, 'maxQueue', 0),
    idle: parseMillis(spec.idle ?? Infinity, 'idle'),
    recycle: readRecycle(spec.recycle ?? {}),
    call,
    plainCall: readPoolCall(call, {}),
    intensity: planIntensity(spec.intensity),
    backoff: planBackoff(spec.backoff),
  }
  // What its workers cannot be is told now, not when one is needed.
  newWorker(plan, 1).rpc()
  return plan
}

/** One of its workers, not started yet. */
export function newWorker({ id, command, spec }: PoolPlan, number: number): Worker<any, any> {
  return worker(`${id}-${number}`, command.file, command.args, spec)
}

/** @throws TypeError, RangeError */
export function readPoolCall(base: CallOptions, options: PoolCallOptions): ReadPoolCall {
  const { key, ...own } = options
  if (key !== undefined && typeof key !== 'string')
    throw new TypeError(`Cannot use ${JSON.stringify(key)} as key: expected a string`)
  return poolCallOf(readCallOptions({ ...base, ...own }), key)
}

export function poolCallOf(options: ReadCallOptions, key: string | undefined): ReadPoolCall {
  return { ...options, key, once: { ...options, retry: false } }
}

function readSize(size: number | { readonly min: number; readonly max: number }): { min: number; max: number } {
  if (typeof size === 'number') return { min: readWhole(size, 'size', 1), max: size }
  checkKeys(size, ['min', 'max'], 'Cannot use the size')
  const min = readWhole(size.min, 'size.min', 0)
  const max = readWhole(size.max, 'size.max', 1)
  if (min > max) throw new RangeError(`Cannot use size.min ${min}: it is above size.max ${max}`)
  return { min, max }
}

function readRecycle(recycle: Recycle): PoolPlan['recycle'] {
  checkKeys(recycle, ['calls', 'age', 'memory', 'jitter'], 'Cannot use recycle')
  const { calls = Infinity, age = Infinity, memory = Infinity, jitter = 0.1 } = recycle
  if (!(jitter >= 0 && jitter < 1))
    throw new RangeError(`Cannot use ${jitter} as recycle.jitter: expected a number from 0 to 1`)
  return {
    calls: calls === Infinity ? calls : readWhole(calls, 'recycle.calls', 1),
    age: parseMillis(age, 'recycle.age'),
    memory: memory === Infinity ? memory : parseBytes(memory, 'recycle.memory'),
    jitter,
  }
}
