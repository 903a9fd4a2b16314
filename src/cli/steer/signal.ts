import { constants } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { atDesk } from '../fleet/desk.ts'
import { nearestOf } from '../../control/config/shapes/suggest.ts'
import { type Format, outputOption } from '../fleet/output.ts'
import { act } from './act.ts'

const NOTES = `
The signal goes to the worker and everything it has started. What it does with
it is its business: to end a worker for good, use pagent stop.

Examples:
  pagent signal HUP web         have it read its configuration again
  pagent signal USR2 'games:*'
  pagent signal KILL web        see that it is started again
`

/** `pagent signal`: a signal of the system. */
export function signalCommand({ finish }: CommandContext): Command {
  return fleetCommand('signal')
    .description('Sends a signal of the system to workers.')
    .argument('<signal>', 'HUP, SIGHUP, USR1, …', readSignal)
    .argument('<target...>', 'workers, services, GROUP:* or all')
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async (signal: NodeJS.Signals, targets: string[], options: FleetOptions & { output: Format }) =>
      finish(await atDesk(options, (desk) => act(desk, { action: 'signal', targets, signal }, options.output))),
    )
}

/** `hup`, `HUP`, `SIGHUP`, `1`. */
export function readSignal(value: string): NodeJS.Signals {
  const names = Object.entries(constants.signals)
  const wanted = value.toUpperCase()
  const found = names.find(([name, number]) => name === wanted || name === `SIG${wanted}` || String(number) === value)
  if (found !== undefined) return found[0] as NodeJS.Signals
  const meant = nearestOf(
    wanted.replace(/^SIG/, ''),
    names.map(([name]) => name.slice(3)),
  )
  throw new InvalidArgumentError(
    `There is no such signal${meant === undefined ? '; kill -l lists them' : `. Did you mean ${meant}?`}`,
  )
}
