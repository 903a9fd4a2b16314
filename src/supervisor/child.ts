import type { Exit } from '../base/exit.ts'

/** What a child is given for one life. */
export interface ChildContext {
  /** Aborted when the child should end. */
  readonly signal: AbortSignal
  /** To be called once the child can be used; until then nobody who depends on it is started. */
  ready(): void
}

/**
 * Anything that can be supervised, whole: one method.
 *
 * `run` lives until the child ends, resolves with why, and never rejects. It MUST end when `signal` is aborted, and
 * may be called again after that.
 */
export interface Child {
  readonly id: string
  run(context: ChildContext): Promise<Exit>
}

/** After which exits a child is started again: always, after abnormal ones, never (OTP). */
export type Restart = 'permanent' | 'transient' | 'temporary'
