import type { Clock } from '../../src/base/clock.ts'
import { SpawnError } from '../../src/base/errors.ts'
import { type Exit, type ExitCause, plainExit } from '../../src/base/exit.ts'
import type { Child, ChildContext } from '../../src/supervisor/child.ts'
import type { Ending, Leaf, Script } from './model-tree.ts'

/** Where it plays. */
export interface Scene {
  readonly clock: Clock
  readonly wrongs: string[]
  line(path: string, what: string): void
}

/** A child that does what its scripts say. */
export class Puppet implements Child {
  readonly id: string
  readonly path: string
  timers = 0
  isAlive = false
  readonly #scripts: readonly Script[]
  readonly #steady: Script
  readonly #above: string
  readonly #stage: Scene
  #lives = 0

  constructor({ id, scripts, steady }: Leaf, above: string, stage: Scene) {
    this.id = id
    this.path = `${above}/${id}`
    this.#above = above
    this.#scripts = scripts
    this.#steady = steady
    this.#stage = stage
  }

  /** Nobody reckons with this life any longer. */
  abandon(): void {
    this.isAlive = false
  }

  run(context: ChildContext): Promise<Exit> {
    if (this.isAlive) this.#stage.wrongs.push(`${this.path} runs twice at ${this.#stage.clock.now()}`)
    this.isAlive = true
    this.#stage.line(this.#above, `run ${this.id}`)
    const number = ++this.#lives
    const script = this.#scripts[number - 1] ?? this.#steady
    return new Promise((resolve, reject) => {
      this.#perform(script, context, (how) => {
        if (number === this.#lives) this.isAlive = false
        if (how === 'throws') reject(new Error('on purpose'))
        else if (how === 'aborts') reject(new DOMException('as asked', 'AbortError'))
        else if (how === 'shortage') reject(new SpawnError(this.id, 'x', 'spawn', 'short', { errno: 'EAGAIN' }))
        else resolve(how === 'returns' ? NOTHING : plainExit(this.id, causeOf(how), 0, number))
      })
    })
  }

  #perform(script: Script, context: ChildContext, leave: (how: Ending) => void): void {
    const { start, readiness, life, end, stop, kill } = script
    const { signal, ready } = context
    let [cancelStart, cancelEnd] = [nothing, nothing]
    let [obeys, isOver] = [false, false]
    const out = (how: Ending): void => {
      cancelStart()
      cancelEnd()
      isOver = true
      leave(how)
    }
    const endIn = (ms: number, how: Ending): void => {
      cancelEnd()
      if (ms === 0) out(how)
      else if (!isOver) cancelEnd = this.#after(ms, () => out(how))
    }
    const obey = (ms: number, how: Ending): void => {
      obeys = true
      endIn(ms, how)
    }
    const started = (): void => {
      if (readiness === 'never') return obeys ? undefined : out(end)
      if (life !== undefined && !obeys) endIn(life, end)
      ready(readiness === 'assumed' ? 'assumed' : undefined)
    }
    signal.addEventListener('abort', () => {
      this.#stage.line(this.#above, `asked ${this.id}`)
      const isKilled = typeof kill === 'number' && context.kill.aborted
      if (stop !== 'ignored' && !isKilled) obey(stop.after, stop.end)
    })
    if (kill !== 'unseen') context.kill.addEventListener('abort', () => kill !== 'ignored' && obey(kill, 'returns'))
    if (start === 0) started()
    else cancelStart = this.#after(start, started)
  }

  #after(ms: number, fire: () => void): () => void {
    this.timers++
    let isOver = false
    const over = (): void => {
      if (!isOver) this.timers--
      isOver = true
    }
    const timer = this.#stage.clock.after(ms, () => {
      over()
      fire()
    })
    return () => {
      over()
      timer.cancel()
    }
  }
}

/** What a plain function returns. */
const NOTHING = undefined as unknown as Exit

function causeOf(how: 'normal' | 'failed' | 'signaled' | 'stopped' | 'gave-up'): ExitCause {
  if (how === 'failed') return { kind: how, exitCode: 1 }
  if (how === 'signaled') return { kind: how, signalCode: 'SIGSEGV' }
  if (how === 'stopped') return { kind: how, step: 'abort' }
  return how === 'gave-up' ? { kind: how, exits: [] } : { kind: how }
}

function nothing(): void {}
