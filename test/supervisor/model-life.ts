import type { World } from './model.ts'
import type { Tenure } from './model-tenure.ts'
import { type Ending, type Node, type Script, type Tree, isTree } from './model-tree.ts'

export type Told = (ok: boolean) => void

/** A child in one life of its supervisor. */
export interface Post {
  readonly node: Node
  order: number
  standing: 'member' | 'adding' | 'removed' | 'gone'
  life: Life | undefined
  /** A life is owed to it, from then on. */
  owed: number | undefined
  attempts: number
  /** Or it has had nothing to do: its first start is over. */
  everReady: boolean
  /** It is being restarted by hand: who waits for that, and how often it had been put down before. */
  returning: { readonly halts: number; readonly waiting: Told[] } | undefined
  /** How often somebody has said that it should be down. */
  halts: number
  /** Who waits for a life that is owed. */
  waiting: Told[]
}

export function postOf(node: Node, order: number, standing: Post['standing']): Post {
  const blank = { life: undefined, owed: undefined, attempts: 0, everReady: false, returning: undefined, halts: 0 }
  return { node, order, standing, ...blank, waiting: [] }
}

/** One life of a child: a script, or a supervisor. */
export class Life {
  readonly since: number
  isReady = false
  asked = false
  killed = false
  over = false
  /** Has to go for a sibling's sake. */
  doomed = false
  byHand = false
  waiting: Told[] = []
  /** Who acts when it is over. */
  readonly after: (() => void)[] = []
  readonly #world: World
  readonly #tenure: Tenure
  readonly #post: Post
  #onAsk: () => void = nothing
  #onKill: (() => void) | undefined
  #cancel = nothing

  constructor(world: World, tenure: Tenure, post: Post) {
    this.#world = world
    this.#tenure = tenure
    this.#post = post
    this.since = world.now
  }

  begin(): void {
    const { node } = this.#post
    if (isTree(node)) return this.#supervise(node)
    const count = this.#world.lives.get(node) ?? 0
    this.#world.lives.set(node, count + 1)
    this.#play(node.scripts[count] ?? node.steady)
  }

  ask(): void {
    if (this.asked || this.over) return
    const { shutdown } = this.#post.node
    if (shutdown === 'brutal-kill') return this.kill()
    this.#hear()
    if (!this.over && shutdown !== 'infinity') this.#cancel = this.#world.after(Number(shutdown), () => this.kill())
  }

  kill(): void {
    if (this.killed || this.over) return
    this.#cancel()
    this.killed = true
    const wasAsked = this.asked
    // Who has no time left is not asked politely first.
    if (this.#onKill !== undefined) {
      this.asked = true
      this.#onKill()
    }
    if (!wasAsked) this.#hear()
    if (this.#onKill === undefined) return this.#abandon()
    if (this.over) return
    this.#cancel = this.#world.after(6000, () => this.#abandon(), false)
  }

  end(kind: string): void {
    if (this.over) return
    this.over = true
    this.#cancel()
    if (this.killed && this.#onKill !== undefined) this.#world.see('obeyed kill')
    this.#tenure.onEnd(this.#post, this, kind)
  }

  #hear(): void {
    this.asked = true
    this.#tenure.line(`asked ${this.#post.node.id}`)
    this.#onAsk()
  }

  #abandon(): void {
    if (this.over) return
    this.#world.see('abandoned')
    this.#tenure.line(`abandoned ${this.#post.node.id}`)
    this.end('crashed')
  }

  #getReady(isProven: boolean): void {
    // Who has been asked to end cannot be used any more.
    if (this.over || this.asked) return
    if (isProven) this.#post.attempts = 0
    if (this.isReady) return
    this.isReady = true
    this.#tenure.onReady(this.#post, this)
  }

  #supervise(tree: Tree): void {
    const below = this.#tenure.nest(tree, (kind) => this.end(kind))
    this.#onAsk = () => below.stop('stopped')
    this.#onKill = () => below.destroy()
    below.begin((ok) => ok && this.#getReady(true))
  }

  #play({ start, readiness, life, end, stop, kill }: Script): void {
    let [cancelStart, cancelEnd] = [nothing, nothing]
    let [obeys, isLeaving] = [false, false]
    const endIn = (ms: number, how: Ending): void => {
      if (isLeaving) return
      isLeaving = ms === 0
      if (isLeaving) cancelStart()
      cancelEnd()
      cancelEnd = this.#world.after(ms, () => {
        cancelStart()
        this.end(this.#meaning(how))
      })
    }
    const started = (): void => {
      if (!obeys && readiness === 'never') endIn(0, end)
      if (!obeys && readiness !== 'never' && life !== undefined) endIn(life, end)
      if (readiness !== 'never') this.#getReady(readiness === 'proven')
    }
    this.#onAsk = () => {
      // Who is killed knows better than to take his time.
      if (stop === 'ignored' || (this.killed && typeof kill === 'number')) return
      obeys = true
      endIn(stop.after, stop.end)
    }
    if (kill !== 'unseen')
      this.#onKill = () => {
        if (kill === 'ignored') return
        obeys = true
        endIn(kill, 'returns')
      }
    if (start === 0) started()
    else cancelStart = this.#world.after(start, started)
  }

  #meaning(how: Ending): string {
    if (how === 'returns') return this.asked ? 'stopped' : 'normal'
    if (how === 'aborts') return this.asked ? 'stopped' : 'crashed'
    return how === 'throws' ? 'crashed' : how
  }
}

function nothing(): void {}
