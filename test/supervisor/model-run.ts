import type { Clock, Timer } from '../../src/base/clock.ts'
import type { MasterEvent } from '../../src/base/events.ts'
import type { Exit } from '../../src/base/exit.ts'
import type { Child, ChildContext, ChildSpec, SupervisorHost } from '../../src/supervisor/child.ts'
import { Supervisor } from '../../src/supervisor/supervisor.ts'
import type { SupervisorSpec } from '../../src/supervisor/spec.ts'
import { settled } from '../support/fake-clock.ts'
import type { Line } from './model.ts'
import { Puppet, type Scene } from './model-puppet.ts'
import { type Action, type Leaf, type Node, type Plot, type Tree, isTree, treesOf } from './model-tree.ts'

/** What happened, as the model has it, and what must never happen. */
export interface Run {
  readonly lines: ReadonlyMap<string, readonly Line[]>
  readonly wrongs: readonly string[]
}

/** Plays a plot with real supervisors. */
export async function play(plot: Plot): Promise<Run> {
  const stage = new Stage(plot)
  await stage.play()
  return stage
}

const AT_WORK: ReadonlySet<string> = new Set(['starting', 'running', 'stopping'])

/** More timers than that, and it will never end. */
const MANY = 20_000

class Stage implements Run, Scene {
  readonly lines = new Map<string, Line[]>()
  readonly wrongs: string[] = []
  readonly clock = new SteppedClock()
  readonly #plot: Plot
  readonly #supervisors = new Map<Tree, Supervisor>()
  readonly #puppets: Puppet[] = []
  readonly #host: SupervisorHost
  #actionsLeft: number
  #rootHasExited = false
  readonly #adopted = new Set<Child>()
  #steps = 0

  constructor(plot: Plot) {
    this.#plot = plot
    this.#actionsLeft = plot.actions.length
    this.#host = {
      clock: this.clock,
      dice: () => 0,
      emit: (event) => this.#hear(event),
      adopt: (child) => this.#adopt(child),
      release: (child) => this.#release(child),
    }
  }

  async play(): Promise<void> {
    const { root, actions } = this.#plot
    const top = this.#supervisor(root, '')
    const trees = treesOf(root).map((tree) => this.#supervisors.get(tree)!)
    this.#report(-1, top.start())
    for (const [i, action] of actions.entries())
      this.clock.after(action.at, () => {
        this.#actionsLeft--
        this.#report(i, this.#act(trees[action.tree % trees.length]!, action))
      })
    let fired = 0
    do {
      await settled()
      // After many starts and stops a supervisor lets the event loop serve others first.
      if (this.#steps > 60) await settled().then(settled)
      if (this.#rootHasExited) this.#checkStill()
      if (++fired > MANY) return void this.wrongs.push('it never ends')
    } while (this.clock.step())
  }

  line(path: string, what: string): void {
    this.#steps++
    const lines = this.lines.get(path)
    const line = { at: this.clock.now(), what }
    if (lines === undefined) this.lines.set(path, [line])
    else lines.push(line)
  }

  async #act(supervisor: Supervisor, { does, child, added }: Action): Promise<unknown> {
    if (does === 'start' || does === 'stop') return supervisor[does]()
    return does === 'add' ? supervisor.add(this.#spec(added!, supervisor.path)) : supervisor[does](child)
  }

  #report(action: number, done: Promise<unknown>): void {
    void done.then(
      () => this.line('', `${action} done`),
      () => this.line('', `${action} refused`),
    )
  }

  #hear(event: MasterEvent): void {
    if (event.supervisor === undefined) return
    const { supervisor: path } = event
    if (event.type === 'child-started') this.line(path, `ready ${event.child}`)
    if (event.type === 'child-exited') this.line(path, `ended ${event.child}: ${event.exit.kind}, ${event.next}`)
    if (event.type === 'restart-planned') this.line(path, `planned ${event.child} in ${event.after}`)
    if (event.type === 'supervisor-started') this.line(path, 'all started')
    if (event.type === 'supervisor-exited') {
      this.line(path, `exited ${event.exit.kind}`)
      this.#rootHasExited ||= path === this.#plot.root.id
    }
    if (event.type === 'child-abandoned') {
      this.line(path, `abandoned ${event.child}`)
      for (const puppet of this.#puppets) if (puppet.path === `${path}/${event.child}`) puppet.abandon()
    }
  }

  #adopt(child: Child): void {
    if (this.#adopted.has(child)) this.wrongs.push(`${child.id} is adopted twice at ${this.clock.now()}`)
    this.#adopted.add(child)
  }

  #release(child: Child): void {
    if (!this.#adopted.delete(child)) this.wrongs.push(`${child.id} is released twice at ${this.clock.now()}`)
    const isAlive = child instanceof Puppet ? child.isAlive : AT_WORK.has((child as Supervisor).state)
    if (isAlive) this.wrongs.push(`${child.id} is released at ${this.clock.now()}, and lives`)
  }

  /** Whoever ends leaves nothing behind. */
  #checkStill(): void {
    this.#rootHasExited = false
    const alive = this.#puppets.filter(({ isAlive }) => isAlive).map(({ path }) => path)
    const own = this.#puppets.reduce((sum, { timers }) => sum + timers, this.#actionsLeft)
    if (this.#adopted.size > 0) this.wrongs.push(`${this.#adopted.size} are not released at ${this.clock.now()}`)
    if (alive.length > 0) this.wrongs.push(`${alive.join(', ')} outlives the root at ${this.clock.now()}`)
    if (this.clock.pending !== own)
      this.wrongs.push(`${this.clock.pending - own} timers are left at ${this.clock.now()}`)
  }

  #supervisor(tree: Tree, path: string): Supervisor {
    const { id, strategy, autoShutdown, together, intensity } = tree
    const children = tree.children.map((child) => this.#spec(child, path === '' ? id : `${path}/${id}`))
    const stop = together ? 'together' : 'one-by-one'
    const spec: SupervisorSpec = { id, strategy, autoShutdown, stop, intensity, children }
    const made = path === '' ? new Supervisor(spec, this.#host) : new Watched(spec, this.#host, this, path)
    this.#supervisors.set(tree, made)
    return made
  }

  #spec(node: Node, path: string): ChildSpec {
    const { restart, significant, shutdown } = node
    const backoff = { ...node.backoff, jitter: 0 }
    return {
      child: isTree(node) ? this.#supervisor(node, path) : this.#puppet(node, path),
      restart,
      significant,
      backoff,
      shutdown,
    }
  }

  #puppet(leaf: Leaf, path: string): Puppet {
    const puppet = new Puppet(leaf, path, this)
    this.#puppets.push(puppet)
    return puppet
  }
}

/** A supervisor that says when it is started and asked to stop. */
class Watched extends Supervisor {
  readonly #stage: Stage
  readonly #above: string

  constructor(spec: SupervisorSpec, host: SupervisorHost, stage: Stage, above: string) {
    super(spec, host)
    this.#stage = stage
    this.#above = above
  }

  override run(context: ChildContext): Promise<Exit> {
    this.#stage.line(this.#above, `run ${this.id}`)
    context.signal.addEventListener('abort', () => this.#stage.line(this.#above, `asked ${this.id}`))
    return super.run(context)
  }
}

/** Fires one timer at a time: as on a real clock, what a timer sets off is over before the next of the same instant. */
class SteppedClock implements Clock {
  #now = 0
  #pending: { readonly at: number; readonly fire: () => void }[] = []

  now(): number {
    return this.#now
  }

  date(): number {
    return this.#now
  }

  after(ms: number, fire: () => void): Timer {
    const timer = { at: this.#now + ms, fire }
    if (ms !== Infinity) this.#pending.splice(this.#pending.findLastIndex(({ at }) => at <= timer.at) + 1, 0, timer)
    return { cancel: () => void (this.#pending = this.#pending.filter((other) => other !== timer)) }
  }

  get pending(): number {
    return this.#pending.length
  }

  /** False when there is none. */
  step(): boolean {
    const timer = this.#pending.shift()
    if (timer === undefined) return false
    this.#now = timer.at
    timer.fire()
    return true
  }
}
