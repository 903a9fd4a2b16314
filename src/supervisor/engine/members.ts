import { type Child, KEEPER, type SupervisorHost } from '../child.ts'
import type { ChildPlan } from '../spec.ts'
import { Kept } from './kept.ts'

/** Who belongs to a supervisor in one life of it. */
export class Members {
  /** In the order of their start. */
  readonly known = new Map<string, Kept>()
  readonly #path: string
  readonly #host: SupervisorHost
  /** Not ready yet, or being removed: their siblings do not know them. */
  readonly #apart = new Map<string, Kept>()
  #orders = 0

  /** `path` of the supervisor. */
  constructor(path: string, host: SupervisorHost) {
    this.#path = path
    this.#host = host
  }

  *all(): IterableIterator<Kept> {
    yield* this.known.values()
    yield* this.#apart.values()
  }

  /** All of them, or none when one is refused. */
  takeAll(plans: readonly ChildPlan[]): void {
    try {
      for (const plan of plans) this.join(this.take(plan))
    } catch (error) {
      this.releaseAll()
      throw error
    }
  }

  /** Takes a child in, apart from the others for now. */
  take(plan: ChildPlan): Kept {
    const { child } = plan
    this.#checkFree(child.id)
    this.#introduce(child)
    const kept = new Kept(plan, ++this.#orders)
    this.#apart.set(kept.id, kept)
    return kept
  }

  /** Whether it can have another life here. */
  has(kept: Kept): boolean {
    return this.known.get(kept.id) === kept
  }

  isApart(kept: Kept): boolean {
    return this.#apart.get(kept.id) === kept
  }

  /** It is one of them from now on, the last in order. */
  join(kept: Kept): void {
    this.#apart.delete(kept.id)
    kept.order = ++this.#orders
    this.known.set(kept.id, kept)
  }

  /** It is none of them any more, but is still there. */
  part(kept: Kept): void {
    this.known.delete(kept.id)
    this.#apart.set(kept.id, kept)
  }

  forget(kept: Kept): void {
    if (this.isApart(kept)) this.#apart.delete(kept.id)
    else if (this.has(kept)) this.known.delete(kept.id)
    else return
    this.#release(kept, 'forgotten')
  }

  /** They can have no further life; they stay known. */
  releaseAll(): void {
    for (const kept of this.all()) this.#release(kept, 'ended')
    this.#apart.clear()
  }

  #introduce(child: Child): void {
    child[KEEPER]?.({ path: this.#path, host: this.#host })
    try {
      this.#host.adopt?.(child)
    } catch (error) {
      child[KEEPER]?.(undefined)
      throw error
    }
  }

  #release({ child }: Kept, why: 'forgotten' | 'ended'): void {
    child[KEEPER]?.(undefined)
    this.#host.release?.(child, why)
  }

  #checkFree(id: string): void {
    if (!this.known.has(id) && !this.#apart.has(id)) return
    throw new TypeError(
      `Cannot add child "${id}" to supervisor "${this.#path}": it has one of that name; remove("${id}") first`,
    )
  }
}
