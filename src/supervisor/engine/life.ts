import { type Clock, Since, type Timer } from '../../base/clock.ts'
import { TimeoutError, toError } from '../../base/errors.ts'
import { EXIT_KINDS, type Exit, type ExitCause, plainExit } from '../../base/exit.ts'
import { Later } from '../../base/later.ts'
import { formatMillis } from '../../base/units.ts'
import type { Child, ChildContext } from '../child.ts'

/** A child that was killed and has heard of it may take so long, in milliseconds; a worker's SIGKILL has as long. */
const AFTER_KILL = 6000

/** Who hears of what a life does, each at most once. */
export interface LifeObserver {
  ready(life: Life): void
  /** It has shown that it works. */
  proved(life: Life): void
  /** It does not end, and nobody waits for it any longer. */
  abandoned(life: Life): void
  ended(life: Life, exit: Exit): void
}

/** One life of a child: a single run, from its begin to its exit. */
export class Life implements ChildContext {
  readonly number: number
  readonly #child: Child
  readonly #clock: Clock
  readonly #observer: LifeObserver
  readonly #begun: Since
  readonly #stop = new AbortController()
  readonly #exited = new Later<Exit>()
  readonly #started = new Later<void>()
  /** Only if the child has asked for it. */
  #kill: AbortController | undefined
  #timer: Timer | undefined
  #asked = false
  #killed = false
  #ready = false
  #exit: Exit | undefined

  constructor(child: Child, number: number, clock: Clock, observer: LifeObserver) {
    this.number = number
    this.#child = child
    this.#clock = clock
    this.#observer = observer
    this.#begun = new Since(clock)
  }

  // ── ChildContext ──

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get kill(): AbortSignal {
    return (this.#kill ??= abortedIf(this.#killed)).signal
  }

  /** An arrow, so that a child may take it out of its context. */
  readonly ready = (proof?: 'assumed'): void => {
    if (this.#exit !== undefined || this.#asked) return
    if (proof !== 'assumed') this.#observer.proved(this)
    if (this.#ready) return
    this.#ready = true
    this.#started.resolve()
    this.#observer.ready(this)
  }

  // ── its supervisor's side ──

  /** Its supervisor wants it to end. */
  get asked(): boolean {
    return this.#asked
  }

  get isReady(): boolean {
    return this.#ready
  }

  get exit(): Exit | undefined {
    return this.#exit
  }

  get exited(): Promise<Exit> {
    return this.#exited.promise
  }

  /** Resolves when it is ready, or has ended before. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  /** Milliseconds since its begin. */
  get age(): number {
    return this.#begun.age
  }

  begin(): void {
    void this.#run()
  }

  /** Asks it to end, and kills it when it takes longer than `within`: 0 at once, `Infinity` never. */
  end(within: number): Promise<Exit> {
    if (this.#asked || this.#exit !== undefined) return this.exited
    this.#asked = true
    if (within === 0) this.destroy()
    else {
      this.#timer = this.#clock.after(within, () => this.destroy())
      this.#stop.abort()
    }
    return this.exited
  }

  /** Nobody waits any longer than it takes to kill it. */
  destroy(): void {
    if (this.#killed || this.#exit !== undefined) return
    this.#asked = this.#killed = true
    this.#timer?.cancel()
    // Who has no time left is not asked politely first.
    this.#kill?.abort()
    this.#stop.abort()
    if (this.#kill === undefined) this.#abandon()
    else this.#timer = this.#clock.after(AFTER_KILL, () => this.#abandon())
  }

  async #run(): Promise<void> {
    try {
      // Also what is thrown before there is a promise is heard of later: nobody ends while he is being started.
      const exit = await new Promise<Exit | void>((resolve) => resolve(this.#child.run(this)))
      this.#end(this.#completed(exit))
    } catch (error) {
      this.#end(this.#explain(this.#isOurs(error) ? STOPPED : crashed(error, 'run')))
    }
  }

  /** What a child says of its end, with what it leaves out. */
  #completed(exit: Exit | void): Exit {
    if (!isExit(exit)) return this.#explain(this.#asked ? STOPPED : { kind: 'normal' })
    const whole = { ...this.#explain({ kind: 'normal' }), ...exit }
    if (isWhole(whole)) return whole
    const error = new TypeError(
      `child "${this.#child.id}" has ended with an exit that is none: ${JSON.stringify(exit)}`,
    )
    return this.#explain(crashed(error, 'run'))
  }

  #abandon(): void {
    const after = formatMillis(this.age)
    const error = new TimeoutError(
      `Cannot stop child "${this.#child.id}": it has ignored its signals`,
      'its end',
      this.age,
    )
    error.message += `; it may still be at work, ${after} after its start`
    this.#observer.abandoned(this)
    this.#end(this.#explain(crashed(error, 'stop')))
  }

  #end(exit: Exit): void {
    if (this.#exit !== undefined) return
    this.#exit = exit
    this.#timer?.cancel()
    this.#observer.ended(this, exit)
    this.#started.resolve()
    this.#exited.resolve(exit)
  }

  /** It was thrown because we asked it to end. */
  #isOurs(error: unknown): boolean {
    if (!this.#asked) return false
    const { reason } = this.signal
    return error === reason || (error instanceof Error && (error.name === 'AbortError' || error.cause === reason))
  }

  #explain(cause: ExitCause): Exit {
    return plainExit(this.#child.id, cause, this.#begun.date, this.number, this.age)
  }
}

const STOPPED: ExitCause = { kind: 'stopped', step: 'abort' }

function crashed(thrown: unknown, stage: string): ExitCause {
  return { kind: 'crashed', error: toError(thrown), stage }
}

function isExit(value: Exit | void): value is Exit {
  return typeof value === 'object' && value !== null && typeof value.kind === 'string'
}

/** Whoever explains it relies on this much. */
function isWhole(exit: Exit): boolean {
  if (exit.kind === 'crashed' || exit.kind === 'protocol') return exit.error instanceof Error
  return exit.kind === 'gave-up' ? Array.isArray(exit.exits) : EXIT_KINDS.has(exit.kind)
}

function abortedIf(aborted: boolean): AbortController {
  const controller = new AbortController()
  if (aborted) controller.abort()
  return controller
}
