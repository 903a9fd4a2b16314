import type { Command } from 'commander'
import type { WorkerStatus } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { type Format, isJson, outputOption, writeList } from '../fleet/output.ts'
import { chosen } from '../fleet/names.ts'
import { layoutFor, workerTable } from '../show/worker-table.ts'

const NOTES = `
Shows as many columns as fit; -o wide shows all. RESTARTS counts since the fleet
was started, CPU is the share of one core, MEMORY that of the worker and all it
has started.

States: starting, running, degraded (its alive check has failed lately),
stopping, backoff (waits to be started again), exited, failed (was started too
often), idle (starts by hand), scheduled (starts at its time).

Examples:
  pagent ps
  pagent ps web 'games:*'
  pagent ps -o json | jq '.workers[] | select(.state != "running")'
`

/** `pagent ps`: who there is, and how they are. */
export function psCommand({ finish }: CommandContext): Command {
  return fleetCommand('ps')
    .description('Shows the workers of a fleet: state, process, restarts, CPU, memory, last exit.')
    .argument('[name...]', 'workers, services, GROUP:*; all of them without a name')
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: FleetOptions & { output: Format }) =>
      finish(await atDesk(options, (desk) => show(desk, names, options.output))),
    )
}

async function show(desk: Desk, names: readonly string[], format: Format): Promise<void> {
  const workers = chosen(await desk.client.workers(), names, desk.fleet)
  if (isJson(format)) writeList(desk.screen, format, 'workers', workers)
  else desk.screen.write(text(workers, format, desk))
}

function text(workers: readonly WorkerStatus[], format: 'text' | 'wide', { screen, fleet }: Desk): string {
  if (workers.length === 0) return `fleet ${JSON.stringify(fleet)} has no workers\n`
  const layout = format === 'wide' ? 'wide' : layoutFor(screen.width)
  return `${workerTable(workers, layout, screen).join('\n')}\n`
}
