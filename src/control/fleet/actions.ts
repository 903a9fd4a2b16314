import { PagentError, toError } from '../../base/errors.ts'
import type { Action, ActionResult, ApiProblem } from '../api/wire.ts'
import { resolveTargets } from './targets.ts'
import type { Handle } from './units/unit.ts'
import { walkBackward, walkForward } from './units/walk.ts'

type Result = ActionResult['results'][number]

/** Whom an action is about, and what can be said of them afterwards. */
export interface ActionHost {
  /** The ids of the workers of a handle as they are now, those of pools among them. */
  workersOf(handle: Handle): readonly string[]
  signal(worker: string, signal: NodeJS.Signals): void
  resultOf(worker: string, error: ApiProblem | undefined): Result
}

/**
 * Each target on its own: one that fails stops none of the others, but those that depend on it. Those that depend on each other
 * keep to their order.
 */
export async function act(action: Action, handles: readonly Handle[], host: ActionHost): Promise<readonly Result[]> {
  const targets = resolveTargets(action.targets, handles, action.action)
  const problems = new Map<Handle, ApiProblem>()
  const attempt = async (handle: Handle, failed: readonly string[] = []): Promise<boolean> => {
    try {
      checkDependencies(action, handle, failed)
      await perform(action, handle, host)
      return true
    } catch (error) {
      problems.set(handle, problemOf(error))
      return failed.length === 0 && !hasFailed(handle, host)
    }
  }
  if (action.action === 'stop') await walkBackward(targets, attempt)
  else await walkForward(targets, (handle, failed) => ({ begun: Promise.resolve(), done: attempt(handle, failed) }))
  return targets.flatMap((handle) => host.workersOf(handle).map((id) => host.resultOf(id, problems.get(handle))))
}

/** Who is named alone is started all the same: whoever says so knows better. */
function checkDependencies({ action }: Action, { id }: Handle, failed: readonly string[]): void {
  if (failed.length === 0 || action === 'signal') return
  const others = failed.join(', ')
  throw new Error(
    `Cannot ${action} "${id}": it depends on ${others}, which did not start; start ${others} first, or ${id} by itself`,
  )
}

/** And will not be tried again. */
function hasFailed(handle: Handle, host: ActionHost): boolean {
  const workers = host.workersOf(handle)
  return workers.length > 0 && workers.every((id) => host.resultOf(id, undefined).state === 'failed')
}

async function perform(action: Action, handle: Handle, host: ActionHost): Promise<void> {
  switch (action.action) {
    case 'start':
      return handle.start()
    case 'restart':
      return handle.restart()
    case 'stop':
      await handle.stop()
      return
    case 'signal':
      for (const id of host.workersOf(handle)) host.signal(id, action.signal)
  }
}

/** An error as the API says it. */
export function problemOf(thrown: unknown): ApiProblem {
  const error = toError(thrown)
  return { code: PagentError.is(error) ? error.code : 'ERR_PAGENT_FAILED', message: error.message }
}
