import { type Command, Option } from 'commander'
import { systemClock } from '../../base/clock.ts'
import { formatMillis } from '../../base/units.ts'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { untilEnded } from '../fleet/reach.ts'
import { suggest } from '../fleet/hint.ts'
import { countsText } from '../show/states.ts'
import { tell } from '../terminal.ts'
import { readDuration } from '../run/values.ts'

const NOTES = `
Workers are stopped in the reverse order of their start, each as its
configuration says. Ctrl-C stops waiting; the fleet goes on stopping.

Examples:
  pagent down
  pagent down --timeout 10s     what is left after ten seconds is killed
  pagent down --fleet games
`

interface DownOptions extends FleetOptions {
  readonly timeout?: number
}

/** `pagent down`: ends a fleet, and waits for its end. */
export function downCommand({ finish }: CommandContext): Command {
  return fleetCommand('down')
    .description('Stops all workers of a fleet, and the process that runs it.')
    .addOption(new Option('--timeout <duration>', 'kill what has not ended by then').argParser(readDuration))
    .addHelpText('after', NOTES)
    .action(async (options: DownOptions) => finish(await atDesk(options, (desk) => takeDown(desk, options))))
}

async function takeDown({ client, fleet }: Desk, { timeout = Infinity }: DownOptions): Promise<void> {
  const began = systemClock.now()
  const { states, pid } = await client.fleet()
  tell('notice', `stopping fleet ${JSON.stringify(fleet)}: ${countsText(states)}`)
  let failure: unknown
  const timer = systemClock.after(timeout, () => {
    tell('notice', `killing what is left after ${formatMillis(timeout)}`)
    void client.stop({ hurry: true }).catch((error: unknown) => (failure = error))
  })
  try {
    await client.stop()
  } finally {
    timer.cancel()
  }
  if (failure !== undefined) throw failure
  // It lets go of its name a moment after it has answered.
  await untilEnded({ name: fleet, pid })
  tell(
    'notice',
    `fleet ${JSON.stringify(fleet)} is down after ${formatMillis(systemClock.now() - began)}; nothing is left of it`,
  )
  suggest('pagent up')
}
