import type { World } from './model.ts'
import { Life, type Post, type Told } from './model-life.ts'
import {
  comesBack,
  concerns,
  exitOf,
  hasNothingToDo,
  isBad,
  isLast,
  isShortage,
  stillCounting,
  waitBefore,
} from './model-rules.ts'
import { Posts, isBeingStarted, tellWaiting } from './model-posts.ts'
import type { Node, Tree } from './model-tree.ts'

/** One life of a supervisor. */
export class Tenure extends Posts {
  readonly path: string
  over = false
  readonly #world: World
  readonly #tree: Tree
  readonly #ended: (kind: string) => void
  #started: Told[] = []
  #isStarting = true
  #ending: string | undefined
  #stopped: Told[] = []
  #failures: number[] = []
  #isSettling = false

  constructor(world: World, tree: Tree, path: string, ended: (kind: string) => void = () => {}) {
    super()
    this.#world = world
    this.#tree = tree
    this.path = path
    this.#ended = ended
    world.latest.set(tree, this)
  }

  nest(tree: Tree, ended: (kind: string) => void): Tenure {
    return new Tenure(this.#world, tree, `${this.path}/${tree.id}`, ended)
  }

  begin(told: Told): void {
    this.#started.push(told)
    for (const node of this.#tree.children) this.post(node, 'member').owed = this.#world.now
    this.#settle()
  }

  line(what: string): void {
    this.#world.line(this.path, what)
  }

  stop(kind: string): void {
    if (this.#ending !== undefined) return
    this.#ending = kind
    for (const post of this.posts) this.#cede(post)
    this.#settle()
  }

  stopFor(told: Told): void {
    this.#stopped.push(told)
    this.stop('stopped')
  }

  destroy(): void {
    this.#world.loose.add(this.#world.now)
    this.#ending ??= 'stopped'
    for (const post of this.posts) this.#cede(post)
    this.#isSettling = true
    for (const post of this.posts.slice()) post.life?.kill()
    this.#isSettling = false
    this.#settle()
  }

  add(node: Node, told: Told): void {
    if (this.#ending !== undefined || this.posts.some((post) => post.node.id === node.id)) return told(false)
    this.#start(this.post(node, 'adding'), told)
  }

  terminate(post: Post, told: Told): void {
    if (post.node.restart === 'temporary') return this.remove(post, told)
    this.#halt(post, () => told(true))
  }

  remove(post: Post, told: Told): void {
    post.standing = 'removed'
    this.#halt(post, () => {
      this.forget(post)
      told(true)
    })
  }

  restart(post: Post, told: Told): void {
    if (post.owed !== undefined) return this.#hurry(post, told)
    // Asked for again while it is under way, it is done once.
    if (post.returning?.halts === post.halts) return void post.returning.waiting.push(told)
    const returning = { halts: post.halts, waiting: [told] }
    post.returning = returning
    const done = (ok: boolean): void => {
      if (post.returning === returning) post.returning = undefined
      for (const each of returning.waiting) each(ok)
      this.#settle()
    }
    this.#onceDown(post, () => {
      if (post.owed !== undefined) post.waiting.push(done)
      else if (post.life?.isReady === true) done(true)
      else if (post.life !== undefined) post.life.waiting.push(done)
      else if (this.#ending !== undefined || post.halts !== returning.halts || post.standing === 'gone') done(false)
      else {
        post.attempts = 0
        this.#start(post, done)
      }
    })
  }

  /** It is restarted anyway, in its turn: nobody waits for a time any longer. */
  #hurry(post: Post, told: Told): void {
    this.#world.see('by hand in a restart')
    post.waiting.push(told)
    for (const other of this.known())
      if (other.owed !== undefined && (other === post || this.#tree.strategy !== 'one-for-one'))
        other.owed = Math.min(other.owed, this.#world.now)
    this.#settle()
  }

  #halt(post: Post, down: () => void): void {
    post.halts++
    this.#cede(post)
    this.#settle()
    this.#onceDown(post, () => {
      if (post.owed === undefined) tellWaiting(post)
      down()
    })
  }

  #onceDown(post: Post, then: () => void): void {
    const { life } = post
    this.#world.loose.add(this.#world.now)
    if (life === undefined) return then()
    life.after.push(then)
    life.ask()
  }

  onReady(post: Post, life: Life): void {
    post.everReady = true
    this.join(post, this.#ending === undefined)
    this.line(`ready ${post.node.id}`)
    for (const told of life.waiting.splice(0)) told(true)
    this.#settle()
  }

  onEnd(post: Post, life: Life, kind: string): void {
    const { id, restart } = post.node
    const isIgnored = !life.isReady && hasNothingToDo(post.node, kind)
    post.life = undefined
    const isDoomed = life.doomed || this.#ending !== undefined
    const next = this.#judge(post, life, kind)
    this.line(`ended ${id}: ${exitOf(kind)}, ${next}`)
    if (isIgnored && !life.asked && !isDoomed) {
      this.#world.see('ignored')
      post.everReady = true
      if (restart !== 'temporary') this.join(post, this.#ending === undefined)
    }
    if (next === 'give-up') this.stop('gave-up')
    if (next === 'fail-start') this.stop(isShortage(kind) ? 'gave-up for a shortage' : 'gave-up')
    if (next === 'shut-down') this.stop('normal')
    if (next === 'restart') this.#regroup(post, life)
    if (restart === 'temporary' && (isDoomed || next === 'stay-down')) this.forget(post)
    if (post.standing === 'adding') this.forget(post)
    if (next === 'stopped' && !life.byHand && post.owed !== undefined) post.waiting.push(...life.waiting.splice(0))
    for (const told of life.waiting.splice(0)) told(isIgnored && !life.asked)
    if (post.owed === undefined) tellWaiting(post)
    this.#settle()
    if (life.after.length > 0) this.#world.loose.add(this.#world.now)
    for (const then of life.after) then()
  }

  /** What follows from an end. */
  #judge({ node, everReady }: Post, life: Life, kind: string): string {
    const world = this.#world
    if (life.asked || life.doomed || this.#ending !== undefined) {
      if (!life.asked && isBad(kind)) world.see('swallowed failure')
      return 'stopped'
    }
    if (!life.isReady) {
      if (life.byHand || hasNothingToDo(node, kind)) return 'stay-down'
      if (this.#isStarting && !everReady) {
        world.see('failed first start')
        return 'fail-start'
      }
      world.see('failed restart')
    } else if (!comesBack(node, kind)) {
      const others = this.known().filter(({ life: own, owed }) => own !== undefined || owed !== undefined)
      if (!isLast(this.#tree, node, others)) return 'stay-down'
      world.see('auto-shutdown')
      return 'shut-down'
    }
    return this.#isBorne(kind) ? 'restart' : 'give-up'
  }

  #isBorne(kind: string): boolean {
    const { now } = this.#world
    if (isShortage(kind)) this.#world.see('shortage')
    else this.#failures = stillCounting(this.#tree, [...this.#failures, now], now)
    if (this.#failures.length <= this.#tree.intensity.restarts) return true
    this.#world.see('give-up')
    if (this.path.includes('/')) this.#world.see('escalation')
    return false
  }

  /** Who has to go with it, and who has to come. */
  #regroup(failed: Post, { since }: Life): void {
    const { now } = this.#world
    if (now - since >= this.#tree.intensity.within) failed.attempts = 0
    if (failed.attempts > 0) this.#world.see('grown wait')
    const wait = waitBefore(failed.node, failed.attempts++)
    this.line(`planned ${failed.node.id} in ${wait}`)
    for (const post of this.known()) {
      if (!concerns(this.#tree, failed, post)) continue
      const isUnderWay = post.life?.doomed === true || (post.owed !== undefined && post.everReady)
      if (post !== failed && isUnderWay) this.#world.see('interrupted group restart')
      if (post.life !== undefined) post.life.doomed = true
      if (post.node.restart !== 'temporary') post.owed = Math.max(now + wait, post.owed ?? 0)
    }
    this.#world.after(wait, () => this.#settle())
  }

  // ── who may be stopped or started now ──

  #settle(): void {
    if (this.#isSettling) return
    this.#isSettling = true
    while (!this.over && this.#step());
    this.#isSettling = false
  }

  /** Whether something was done that may make more possible. */
  #step(): boolean {
    this.posts.sort((a, b) => a.order - b.order)
    const going = this.posts.filter(({ life }) => life !== undefined && (this.#ending !== undefined || life.doomed))
    const isTogether = this.#ending !== undefined && this.#tree.together
    const last = (isTogether ? going.findLast(({ life }) => life?.asked === false) : going.at(-1))?.life
    if (last !== undefined) {
      if (last.asked) return false
      if (isTogether && going.length > 1) {
        this.#world.see('left together')
        this.#world.loose.add(this.#world.now)
      }
      last.ask()
      return true
    }
    if (going.length > 0) return false
    if (this.#ending !== undefined) return this.#finish(this.#ending)
    const next = this.known().find(
      (post) => post.owed !== undefined && post.owed <= this.#world.now && this.#isFree(post),
    )
    if (next === undefined) return this.#checkStarted()
    this.#start(next)
    return true
  }

  /** Everybody it may depend on is there. Alone, only the first start is one after the other. */
  #isFree(post: Post): boolean {
    if (this.#tree.strategy === 'one-for-one' && post.everReady) return true
    return !this.posts.some((other) => this.#isOnItsWay(other) && (other.order < post.order || isBeingStarted(other)))
  }

  #isOnItsWay(post: Post): boolean {
    const { standing, everReady, life, owed, returning, halts } = post
    if (this.#tree.strategy === 'one-for-one' && everReady) return false
    if (standing !== 'member') return standing === 'removed' && isBeingStarted(post)
    return (life !== undefined && !life.isReady) || owed !== undefined || returning?.halts === halts
  }

  #checkStarted(): false {
    if (!this.#isStarting || this.posts.some((post) => this.#isOnItsWay(post))) return false
    this.#isStarting = false
    this.line('all started')
    for (const told of this.#started.splice(0)) told(true)
    return false
  }

  /** `told`: who has asked for it, and hears what came of it. */
  #start(post: Post, told?: Told): void {
    const life = new Life(this.#world, this, post)
    post.life = life
    post.owed = undefined
    life.byHand = told !== undefined
    life.waiting = [...post.waiting.splice(0), ...(told === undefined ? [] : [told])]
    this.line(`run ${post.node.id}`)
    life.begin()
  }

  #finish(kind: string): false {
    this.over = true
    this.line(`exited ${exitOf(kind)}`)
    for (const told of this.#started.splice(0)) told(false)
    for (const post of this.posts) tellWaiting(post)
    for (const told of this.#stopped.splice(0)) told(true)
    this.#ended(kind)
    return false
  }

  /** Nothing is owed to it any more. Who waits is told once it is down, or all is over. */
  #cede(post: Post): void {
    post.owed = undefined
  }
}
