import type { ApplyResult } from '../../control/api/wire.ts'
import type { FleetPlan } from '../../control/config/fleet-plan.ts'
import type { ControlClient } from '../../control/client/contract.ts'
import { suggest } from '../fleet/hint.ts'
import { harmless } from '../show/text.ts'
import { type Screen, stdoutScreen } from '../show/screen.ts'
import { tell } from '../terminal.ts'
import { act } from '../steer/act.ts'

/** The fleet is up already: what differs is done, and told. */
export async function applyTo(client: ControlClient, plan: FleetPlan): Promise<void> {
  const result = await client.apply(plan)
  const isSame = [result.added, result.changed, result.removed].every((names) => names.length === 0)
  tell(
    'notice',
    `fleet ${JSON.stringify(plan.name)} is up already; ${isSame ? 'it is as its configuration says' : 'applied what differs'}`,
  )
  const screen = stdoutScreen()
  screen.write(changesText(result, screen))
  suggest('pagent ps', 'pagent logs -f')
}

/** With names nothing is applied: they are started. */
export async function startIn(client: ControlClient, plan: FleetPlan, names: readonly string[]): Promise<number> {
  tell(
    'notice',
    `fleet ${JSON.stringify(plan.name)} is up already; starting what was named. Without names, pagent up applies changes`,
  )
  return act({ client, fleet: plan.name, screen: stdoutScreen() }, { action: 'start', targets: names }, 'text')
}

/** `+ added`, `~ changed`, `- removed`, and how many were left alone. */
export function changesText(
  { added, changed, removed, unchanged }: ApplyResult,
  { paint }: Pick<Screen, 'paint'>,
): string {
  const lines = [
    ...added.map((name) => paint('green', `+ ${harmless(name)}  added`)),
    ...changed.map((name) => paint('yellow', `~ ${harmless(name)}  changed, started again`)),
    ...removed.map((name) => paint('red', `- ${harmless(name)}  removed`)),
    paint('dim', `= ${unchanged.length} unchanged, left alone`),
  ]
  return `${lines.join('\n')}\n`
}
