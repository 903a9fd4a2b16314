import type { PoolSpec } from '../../../pool/spec.ts'
import type { PoolEntry } from '../../config/fleet-plan.ts'
import { type Ears, specOfProgram } from './program.ts'

/** A pool of the plan as `Pool` takes it. */
export function specOfPool(entry: PoolEntry, ears: Ears): PoolSpec {
  const { id, module, program, size, spares, concurrency, maxQueue, idle, backoff, intensity, recycle, call } = entry
  return {
    id,
    ...(module === undefined ? { command: program.file, args: program.args } : { module }),
    worker: specOfProgram(program, ears),
    size,
    spares,
    concurrency,
    maxQueue,
    ...(idle === undefined ? {} : { idle }),
    backoff,
    intensity,
    recycle,
    call,
  }
}
