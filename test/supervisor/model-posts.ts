import { type Post, postOf } from './model-life.ts'
import type { Node } from './model-tree.ts'

/** The children of one life of a supervisor. */
export class Posts {
  protected posts: Post[] = []
  #orders = 0

  /** Whom siblings and callers know. */
  known(): Post[] {
    return this.posts.filter(({ standing }) => standing === 'member')
  }

  protected post(node: Node, standing: Post['standing']): Post {
    const post = postOf(node, ++this.#orders, standing)
    this.posts.push(post)
    return post
  }

  /** Who stops in which order is settled once they stop: then it keeps its place. */
  protected join(post: Post, isLast: boolean): void {
    if (post.standing !== 'adding') return
    post.standing = 'member'
    if (isLast) post.order = ++this.#orders
  }

  protected forget(post: Post): void {
    post.standing = 'gone'
    this.posts = this.posts.filter((other) => other !== post)
  }
}

export function tellWaiting(post: Post): void {
  for (const told of post.waiting.splice(0)) told(false)
}

/** In its turn, and not by hand. */
export function isBeingStarted({ life }: Post): boolean {
  return life !== undefined && !life.isReady && !life.byHand
}
