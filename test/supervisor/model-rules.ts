import type { Node, Tree } from './model-tree.ts'

/** After these a transient child is not needed any more. */
const ORDERLY = new Set(['normal', 'stopped', 'gave-up', 'gave-up for a shortage'])

/** Nobody's fault, nor that of a supervisor whose start has failed because of it. */
export const isShortage = (kind: string): boolean => kind === 'shortage' || kind === 'gave-up for a shortage'

/** The exit that is seen. */
export function exitOf(kind: string): string {
  if (!isShortage(kind)) return kind
  return kind === 'shortage' ? 'crashed' : 'gave-up'
}

export const isBad = (kind: string): boolean => !ORDERLY.has(kind)

/** It has ended before it was ready, and says that there is nothing to do. */
export const hasNothingToDo = ({ restart }: Node, kind: string): boolean =>
  restart !== 'permanent' && (kind === 'normal' || kind === 'stopped')

/** OTP's table. */
export function comesBack({ restart }: Node, kind: string): boolean {
  if (restart === 'transient') return isBad(kind)
  return restart === 'permanent'
}

/** Whether the end of a child that stays down is the end of all. `others`: its siblings that are up. */
export function isLast({ autoShutdown }: Tree, { significant }: Node, others: readonly { node: Node }[]): boolean {
  return significant && (autoShutdown === 'any-significant' || !others.some((other) => other.node.significant))
}

/** Whether the failure of one concerns another. */
export function concerns({ strategy }: Tree, failed: { order: number }, other: { order: number }): boolean {
  if (strategy === 'one-for-one') return other === failed
  return strategy === 'one-for-all' || other.order >= failed.order
}

export const waitBefore = ({ backoff: { min, max, factor } }: Node, attempts: number): number =>
  Math.min(max, min * factor ** attempts)

export const stillCounting = ({ intensity }: Tree, failures: readonly number[], now: number): number[] =>
  failures.filter((at) => now - at < intensity.within)
