import { UnknownWorkerError } from '../../base/errors.ts'
import type { Handle } from './units/unit.ts'

/**
 * Everything that is meant, each once, and nothing that is in something else that is meant. A target is `all`, an id, a service,
 * or `group:*`.
 *
 * @throws UnknownWorkerError for a target that means nobody; `action` is named in it
 */
export function resolveTargets(
  targets: readonly string[],
  handles: readonly Handle[],
  action: string,
): readonly Handle[] {
  const meant = new Set<Handle>()
  for (const target of targets) {
    const found = target === 'all' ? handles.filter(({ path }) => !path.includes('/')) : named(target, handles)
    if (found.length === 0 && target !== 'all')
      throw new UnknownWorkerError(
        target,
        handles.map(({ id }) => id),
        action,
      )
    for (const handle of found) meant.add(handle)
  }
  return handles.filter((handle) => meant.has(handle) && !isWithin(handle, meant))
}

function named(target: string, handles: readonly Handle[]): readonly Handle[] {
  const name = target.endsWith(':*') ? target.slice(0, -2) : target
  return handles.filter(({ id, path, service }) => id === name || path === name || service === name)
}

function isWithin({ path }: Handle, others: ReadonlySet<Handle>): boolean {
  for (const other of others) if (path.startsWith(`${other.path}/`)) return true
  return false
}
