import type { MasterEvent } from '../../src/base/events.ts'
import { type Exit, type ExitCause, plainExit } from '../../src/base/exit.ts'
import type { Child, ChildContext, ChildSpec, SupervisorHost } from '../../src/supervisor/child.ts'
import { Supervisor } from '../../src/supervisor/supervisor.ts'
import type { SupervisorSpec } from '../../src/supervisor/spec.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'

/** What a puppet does by itself. */
export interface Habits {
  /** Ready as soon as it runs. @default true */
  readonly ready?: boolean
  /** Ends as soon as it is asked to. @default true */
  readonly obeys?: boolean
  /** Looks at `kill`, and ends when that comes. @default false */
  readonly killable?: boolean
  /** Looks at `kill`, and goes on. @default false */
  readonly immortal?: boolean
}

/** A child that a test moves by hand. */
export class Puppet implements Child {
  readonly id: string
  readonly #stage: Stage
  readonly #habits: Habits
  lives = 0
  #context: ChildContext | undefined
  #end: (exit: Exit) => void = () => {}

  constructor(id: string, stage: Stage, habits: Habits) {
    this.id = id
    this.#stage = stage
    this.#habits = habits
  }

  get alive(): boolean {
    return this.#context !== undefined
  }

  run(context: ChildContext): Promise<Exit> {
    this.#context = context
    this.lives++
    this.#stage.log.push(`+${this.id}`)
    context.signal.addEventListener('abort', () => this.#onAbort())
    if (this.#habits.immortal === true) context.kill.addEventListener('abort', () => {})
    else if (this.#habits.killable === true) context.kill.addEventListener('abort', () => void this.ends('stopped'))
    if (this.#habits.ready !== false) context.ready()
    return new Promise((resolve) => (this.#end = resolve))
  }

  /** It can be used now. */
  async isReady(proof?: 'assumed'): Promise<void> {
    this.#context?.ready(proof)
    await settled()
  }

  /** It ends by itself. */
  async ends(cause: ExitCause | 'normal' | 'failed' | 'stopped' = 'failed'): Promise<void> {
    this.#context = undefined
    this.#stage.log.push(`-${this.id}`)
    this.#end(plainExit(this.id, typeof cause === 'string' ? CAUSES[cause] : cause, 0, this.lives))
    await settled()
  }

  #onAbort(): void {
    this.#stage.log.push(`?${this.id}`)
    if (this.#habits.obeys !== false) void this.ends('stopped')
  }
}

const CAUSES = {
  normal: { kind: 'normal' },
  failed: { kind: 'failed', exitCode: 1 },
  stopped: { kind: 'stopped', step: 'abort' },
} as const satisfies Record<string, ExitCause>

/** A clock, dice that always show 0 (the whole wait), and everything that happens. */
export class Stage implements SupervisorHost {
  readonly clock = new FakeClock()
  readonly dice = (): number => 0
  readonly events: MasterEvent[] = []
  /** `+a` it runs, `?a` it was asked to end, `-a` it has ended. */
  readonly log: string[] = []
  readonly emit = (event: MasterEvent): void => void this.events.push(event)

  puppet(id: string, habits: Habits = {}): Puppet {
    return new Puppet(id, this, habits)
  }

  puppets(...ids: string[]): Puppet[] {
    return ids.map((id) => this.puppet(id))
  }

  supervisor(spec: Partial<SupervisorSpec> & { readonly children: readonly (Child | ChildSpec)[] }): Supervisor {
    return new Supervisor({ id: 'top', ...spec }, this)
  }

  /** What has happened since this was asked last. */
  news(): string {
    return this.log.splice(0).join(' ')
  }

  /** What follows from the ends so far, in order: `a restart, b stay-down`. */
  decisions(): string {
    const ends = this.events.filter((event) => event.type === 'child-exited')
    return ends.map(({ child, next }) => `${child} ${next}`).join(', ')
  }
}
