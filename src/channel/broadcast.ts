import { shown } from '../base/options.ts'
import type { Framing } from '../framing/framing.ts'

/** Who a broadcast goes to. */
export interface BroadcastTarget {
  readonly id: string
  readonly framing: Framing<any, any>
  sendEncoded(frame: string | Uint8Array): Promise<void>
}

/**
 * Sends one message to many, encoding it once per framing. Resolves when all have it; a target that fails stops
 * none of the others.
 *
 * @throws AggregateError that names the targets which did not get it; TypeError for what is no target, and nobody gets it.
 */
export async function broadcast(message: unknown, targets: Iterable<BroadcastTarget>): Promise<void> {
  const frames = new Map<Framing<any, any>, string | Uint8Array>()
  const all = readTargets(targets)
  const results = await Promise.allSettled(
    all.map(async (target) => {
      const frame = frames.get(target.framing) ?? target.framing.encode(message)
      frames.set(target.framing, frame)
      await target.sendEncoded(frame)
    }),
  )
  throwFailures(all, results)
}

function readTargets(targets: unknown): BroadcastTarget[] {
  const isList = typeof targets === 'object' && targets !== null && Symbol.iterator in targets
  const all: unknown[] = isList ? [...(targets as Iterable<unknown>)] : [targets]
  const at = all.findIndex(
    (target) => typeof (target as BroadcastTarget | null | undefined)?.sendEncoded !== 'function',
  )
  if (isList && at === -1) return all as BroadcastTarget[]
  throw new TypeError(`Cannot broadcast to ${shown(isList ? all[at] : targets)}: expected workers, such as [worker]`)
}

function throwFailures(targets: readonly BroadcastTarget[], results: readonly PromiseSettledResult<void>[]): void {
  const failed = targets.filter((_, i) => results[i]?.status === 'rejected').map((target) => target.id)
  if (failed.length === 0) return
  const reasons = results.filter((result) => result.status === 'rejected').map((result) => result.reason as Error)
  const named = failed.length > 10 ? [...failed.slice(0, 10), '…'] : failed
  throw new AggregateError(
    reasons,
    `Cannot deliver the broadcast to ${failed.length} of ${targets.length} workers: ${named.join(', ')}`,
  )
}
