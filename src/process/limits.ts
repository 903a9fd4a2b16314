import { LimitUnsupportedError } from '../base/errors.ts'
import type { Enforcer, LimitName } from '../base/exit.ts'
import { type Bytes, type Millis, parseBytes, parseMillis } from '../base/units.ts'

/**
 * What a worker may use in one life. Reaching a limit ends it with `{ kind: 'limit' }`. The portable launcher enforces
 * `wallTime`, `idle` and `output`, and refuses the others.
 */
export interface Limits {
  readonly memory?: Bytes
  readonly cpuTime?: Millis
  readonly cpus?: number
  /** Time since its start. */
  readonly wallTime?: Millis
  /** Time without any output. */
  readonly idle?: Millis
  /** Bytes it may write to stdout and stderr together. */
  readonly output?: Bytes
  readonly processes?: number
  readonly openFiles?: number
  readonly fileSize?: Bytes
  /** `'exact'` refuses a limit that could only be watched. @default 'best' */
  readonly enforce?: 'best' | 'exact'
}

/** A limit in force: how much, by whom, and whether nothing can slip past it. */
export interface AppliedLimit {
  readonly max: number
  readonly enforcedBy: Enforcer
  readonly exact: boolean
}

export type AppliedLimits = { readonly [L in LimitName]?: AppliedLimit }

/** The limits the master enforces by itself, on every system. */
const MASTER_LIMITS: Partial<Record<LimitName, (value: number | string, what: string) => number>> = {
  wallTime: parseMillis,
  idle: parseMillis,
  output: parseBytes,
}

/**
 * Reads the limits and says how each will be enforced.
 *
 * @throws LimitUnsupportedError for one that nobody here can enforce, rather than to ignore it.
 */
export function applyLimits(worker: string, limits: Limits = {}): AppliedLimits {
  const applied: { -readonly [L in LimitName]?: AppliedLimit } = {}
  for (const [name, value] of Object.entries(limits) as [LimitName | 'enforce', number | string | undefined][]) {
    if (value === undefined || name === 'enforce') continue
    const read = MASTER_LIMITS[name]
    if (read === undefined) {
      throw new LimitUnsupportedError(
        worker,
        name,
        `this launcher can enforce only ${Object.keys(MASTER_LIMITS).join(', ')}`,
      )
    }
    applied[name] = { max: read(value, `limits.${name}`), enforcedBy: 'master', exact: true }
  }
  return applied
}
