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

/** Each target on its own: one that fails stops none of the others. Those that depend on each other keep to their order. */
export async function act(action: Action, handles: readonly Handle[], host: ActionHost): Promise<readonly Result[]> {
  const targets = resolveTargets(action.targets, handles, action.action)
  const problems = new Map<Handle, ApiProblem>()
  const attempt = async (handle: Handle): Promise<boolean> => {
    try {
      await perform(action, handle, host)
    } catch (error) {
      problems.set(handle, problemOf(error))
    }
    return true
  }
  if (action.action === 'stop') await walkBackward(targets, attempt)
  else await walkForward(targets, (handle) => ({ begun: Promise.resolve(), done: attempt(handle) }))
  return targets.flatMap((handle) => host.workersOf(handle).map((id) => host.resultOf(id, problems.get(handle))))
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
