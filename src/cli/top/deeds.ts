import { toError } from '../../base/errors.ts'
import type { Action, ActionResult } from '../../control/api/wire.ts'
import type { ControlClient } from '../../control/client/contract.ts'
import { explainUnknown } from '../fleet/names.ts'
import { actionText } from './steering/orders.ts'
import type { Note } from './steering/view.ts'

/** Has it done; resolves with what there is to say about it, and never rejects. */
export async function act(client: ControlClient, fleet: string, action: Action): Promise<Note> {
  try {
    return outcome(action, (await client.act(action)).results)
  } catch (error) {
    return complaint(await explainUnknown(error, { client, fleet }))
  }
}

/** Writes a line to a worker. */
export async function send(
  client: ControlClient,
  fleet: string,
  worker: string,
  line: string,
): Promise<Note | undefined> {
  try {
    await client.send(worker, line)
    return undefined
  } catch (error) {
    return complaint(await explainUnknown(error, { client, fleet }))
  }
}

function complaint(error: unknown): Note {
  return { text: toError(error).message, isBad: true }
}

/** One that failed is what has to be known; else what they are now. */
function outcome(action: Action, results: ActionResult['results']): Note {
  const failed = results.filter(({ ok }) => !ok)
  const [first] = failed
  if (first !== undefined) {
    const others = failed.length === 1 ? '' : ` (and ${failed.length - 1} more of ${results.length})`
    return { text: `${first.error?.message ?? `${first.worker} did not ${action.action}`}${others}`, isBad: true }
  }
  const text = actionText(
    action,
    results.map(({ worker }) => worker),
  )
  const [only] = results
  const state = results.length === 1 && only !== undefined ? `: ${only.state}` : ': done'
  return { text: `${text}${state}`, isBad: false }
}
