import type { Command } from 'commander'
import { systemClock } from '../../base/clock.ts'
import type { WorkerDetail, WorkerStatusState } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { NOT_RUNNING } from '../exit-code.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { chosen } from '../fleet/names.ts'
import { type Format, isJson, outputOption, writeList, writeObject } from '../fleet/output.ts'
import { fleetPage, statusPage } from '../show/status-page.ts'

const NOTES = `
Values of environment variables are hidden; --reveal-env shows them in -o json.

Exit code:
  0  it runs, or will at its time
  3  it does not
  4  there is no such worker
  5  there is no such fleet

Examples:
  pagent status               the fleet as a whole
  pagent status web           one worker: state, command, exits, last words
  pagent status db -o json | jq '.exits[0].text'
`

interface StatusOptions extends FleetOptions {
  readonly output: Format
  readonly revealEnv?: boolean
}

/** `pagent status`: one screen that answers "what is wrong". */
export function statusCommand({ finish }: CommandContext): Command {
  return fleetCommand('status')
    .description('Shows the fleet as a whole, or all that is known of a worker.')
    .argument('[name...]', 'workers, services, GROUP:*')
    .addOption(outputOption())
    .option('--reveal-env', 'show the values of environment variables')
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: StatusOptions) =>
      finish(
        await atDesk(options, (desk) => (names.length === 0 ? showFleet(desk, options) : show(desk, names, options))),
      ),
    )
}

async function showFleet({ client, screen }: Desk, { output }: StatusOptions): Promise<void> {
  const fleet = await client.fleet()
  if (isJson(output)) writeObject(screen, output, fleet)
  else screen.write(fleetPage(fleet, systemClock.date(), screen))
}

async function show(
  desk: Desk,
  names: readonly string[],
  { output, revealEnv = false }: StatusOptions,
): Promise<number> {
  const { client, screen, fleet } = desk
  const meant = chosen(await client.workers(), names, fleet)
  const details: WorkerDetail[] = []
  for (const { id } of meant) details.push(await client.worker(id, { revealEnv }))
  if (isJson(output)) {
    const [only] = details
    if (only !== undefined && details.length === 1) writeObject(screen, output, only)
    else writeList(screen, output, 'workers', details)
  } else screen.write(details.map((detail) => statusPage(detail, systemClock.date(), screen)).join('\n'))
  return details.every(({ state }) => isUp(state)) ? 0 : NOT_RUNNING
}

const UP: ReadonlySet<WorkerStatusState> = new Set(['running', 'degraded', 'starting', 'scheduled'])

function isUp(state: WorkerStatusState): boolean {
  return UP.has(state)
}
