import { isatty } from 'node:tty'
import { type Command, Option } from 'commander'
import type { CommandContext } from '../commands.ts'
import { WRONG_USAGE } from '../exit-code.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { chosen } from '../fleet/names.ts'
import { type Format, outputOption } from '../fleet/output.ts'
import { readCount } from '../run/values.ts'

const NOTES = `
On a terminal: the workers, and below them what they write, as it happens; ?
shows the keys. No worker is stopped or killed before you have said yes, marked
it, or written its name. It is a client: it may end, in any way, and the fleet
goes on; a fleet that ends is waited for.

Elsewhere: --once prints what they use now, -o jsonl a line every second.

Examples:
  pagent top
  pagent top 'games:*' --read-only
  pagent top --once
  pagent top -o jsonl | jq '.workers[] | select(.cpu > 0.5) | .id'
`

interface TopOptions extends FleetOptions {
  readonly output: Format
  readonly once?: boolean
  readonly iterations?: number
  readonly readOnly?: boolean
}

/** `pagent top`: a fleet on a terminal, as it is now. */
export function topCommand({ finish }: CommandContext): Command {
  return fleetCommand('top')
    .description('Shows the workers of a fleet and what they write, live, and has things done with keys.')
    .argument('[name...]', 'workers, services, GROUP:*; all of them without a name')
    .option('--read-only', 'nothing can be changed by a key')
    .option('--once', 'print what they use now, and end')
    .addOption(new Option('-n, --iterations <n>', 'print that so many times, a second apart').argParser(readCount))
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: TopOptions) =>
      finish(await atDesk(options, (desk) => show(desk, names, options))),
    )
}

async function show(desk: Desk, names: readonly string[], options: TopOptions): Promise<number | void> {
  const count = countOf(options)
  if (count !== undefined) {
    const { printSnapshots } = await import('./snapshot.ts')
    return printSnapshots(desk, names, options.output, count)
  }
  refuseWithoutTerminal()
  const workers = names.length === 0 || names.includes('all') ? undefined : names
  if (workers !== undefined) chosen(await desk.client.workers(), workers, desk.fleet)
  const { LiveTop } = await import('./live.ts')
  const isReadOnly = options.readOnly === true
  return new LiveTop(desk, { isReadOnly, ...(workers === undefined ? {} : { workers }) }).run()
}

/** How many snapshots are printed; undefined for none, but a live view. */
function countOf({ once, iterations, output }: TopOptions): number | undefined {
  if (output === 'json' && (iterations ?? 1) > 1)
    throw new CommandFailure('one JSON value is one snapshot; for several, use -o jsonl', WRONG_USAGE)
  if (iterations !== undefined) return iterations
  if (once === true || output === 'json' || output === 'wide') return 1
  return output === 'jsonl' ? Infinity : undefined
}

/** A file, a pipe, or a terminal that cannot move its cursor. */
function refuseWithoutTerminal(): void {
  const why = whyNot()
  if (why === undefined) return
  const instead = 'pagent top --once prints it, pagent ps lists the workers, pagent logs -f shows what they write'
  throw new CommandFailure(`${why}; ${instead}`, WRONG_USAGE)
}

function whyNot(): string | undefined {
  if (!isatty(1)) return 'stdout is no terminal'
  if (!isatty(0)) return 'stdin is no terminal, so there are no keys'
  return process.env['TERM'] === 'dumb' ? 'this terminal cannot move its cursor (TERM=dumb)' : undefined
}
