import type { CallHub } from '../base/call-hub.ts'
import type { Clock } from '../base/clock.ts'
import type { MasterEvent } from '../base/events.ts'
import type { Exit } from '../base/exit.ts'
import type { Millis } from '../base/units.ts'
import type { Backoff } from './backoff.ts'

/** What a child is given for one life. */
export interface ChildContext {
  /** Aborted when the child should end. */
  readonly signal: AbortSignal
  /**
   * Aborted when its time to do so is over: it must end at once. A child that has never looked at this cannot be hurried,
   * and is given up at that moment.
   */
  readonly kill: AbortSignal
  /**
   * To be called once the child can be used; until then nobody who depends on it is started. `'assumed'` where nothing
   * has shown that it works, as with a program that merely exists: its backoff goes on growing.
   */
  ready(this: void, proof?: 'assumed'): void
}

/**
 * Anything that can be supervised, whole: one method. A worker, a supervisor and a `task()` are children.
 *
 * `run` lives until the child ends, and resolves with why: with nothing when it has ended in order; a rejection is a
 * crash. It MUST end when `signal` is aborted, and may be called again after that.
 */
export interface Child {
  readonly id: string
  run(context: ChildContext): Promise<Exit | void>
  /** How it wants to be supervised where its `ChildSpec` does not say: Elixir's `child_spec/1`. */
  readonly childOptions?: ChildOptions
  /** Told who keeps it, before its first life; told undefined once it is let go. */
  [KEEPER]?(keeper: Keeper | undefined): void
  /** Told that its supervisor leaves it down for now. */
  [RESTS]?(): void
}

/** After which exits a child is started again: always, after abnormal ones, never (OTP). */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** How long a child may take to end (OTP's `shutdown`): a duration, `'infinity'`, or `'brutal-kill'` for not at all. */
export type ChildShutdown = Millis

/** How one child is supervised. */
export interface ChildOptions {
  /** @default 'permanent' */
  readonly restart?: Restart
  /** Its own end can end the supervisor: see `autoShutdown`. Not for a permanent child. @default false */
  readonly significant?: boolean
  /** @default 100ms, doubling to 10s, full jitter */
  readonly backoff?: Partial<Backoff>
  /**
   * After this it is killed. A worker keeps to its own ladder before that.
   *
   * @default '5s'; 'infinity' for a worker, whose ladder has an end, and for a supervisor, whose children's have
   */
  readonly shutdown?: ChildShutdown
}

/** A child, and how it is supervised. */
export interface ChildSpec extends ChildOptions {
  readonly child: Child
}

/** What supervisors share: whoever starts the topmost gives it to them. */
export interface SupervisorHost {
  readonly clock: Clock
  /** From 0 to 1, for the jitter of restarts. */
  readonly dice: () => number
  readonly emit: (event: MasterEvent) => void
  /** Is told of the calls of pools below. */
  readonly calls?: CallHub
  /** What is done later belongs to the context in which it was asked for: its children are told about that. */
  readonly keepsContext?: boolean
  /** Takes a child in, or the topmost supervisor, before it lives; may throw to refuse it. */
  adopt?(child: Child): void
  /** It is kept no more: because it was forgotten, or because its supervisor has ended, which may live again. */
  release?(child: Child, why: 'forgotten' | 'ended'): void
  /** The topmost supervisor has given up, and was released; nobody wants to revive it. */
  letGo?(supervisor: Child): void
}

/** Who keeps a child. */
export interface Keeper {
  /** The ids of the supervisors above it, the topmost first: `'app/db'`. Empty for the topmost. */
  readonly path: string
  readonly host: SupervisorHost
}

/** For children that want to know who keeps them. */
export const KEEPER: unique symbol = Symbol('pagent.keeper')

/** For children that somebody waits for. */
export const RESTS: unique symbol = Symbol('pagent.rests')

/** For supervisors that begin their next life with other children than those of their spec. */
export const CHILDREN: unique symbol = Symbol('pagent.children')
