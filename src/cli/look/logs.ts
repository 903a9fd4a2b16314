import { type Command, Option } from 'commander'
import type { LogQuery } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { chosen } from '../fleet/names.ts'
import { type Format, isJson, outputOption, writeList, writeObject } from '../fleet/output.ts'
import { readSince } from '../fleet/since.ts'
import { WRONG_USAGE } from '../exit-code.ts'
import { LogLines } from '../show/lines/log-lines.ts'
import { readCount } from '../run/values.ts'

interface LogOptions extends FleetOptions {
  readonly output: Format
  readonly follow?: boolean
  readonly lines: number
  readonly since?: number
  readonly stream?: 'out' | 'err' | 'pagent'
  readonly previous?: boolean
  readonly prefix: boolean
  readonly timestamps?: boolean
}

const NOTES = `
On a terminal control sequences are left out of the lines, but for colours;
elsewhere lines are as they were written. Lines of pagent itself (it was
started, it ended, it is started again) are marked by · instead of |.

Examples:
  pagent logs -f                     everything, as it comes
  pagent logs crasher --previous     the life before this one: why did it end?
  pagent logs web db --since 10m -n 1000
  pagent logs web --stream err --no-prefix > web.err
  pagent logs -o jsonl | jq -r 'select(.level >= 40) | .msg'
`

/** `pagent logs`: what they have written. */
export function logsCommand({ finish }: CommandContext): Command {
  return fleetCommand('logs', '--file <file>')
    .description('Shows what workers have written, on stdout and stderr, and what happened to them.')
    .argument('[name...]', 'workers, services, GROUP:*; all of them without a name')
    .option('-f, --follow', 'go on with what comes')
    .addOption(new Option('-n, --lines <n>', 'the last so many lines').argParser(readCount).default(100))
    .addOption(new Option('--since <when>', 'from then on: 5m, 09:30, 2026-11-26').argParser(readSince))
    .option('-p, --previous', 'of the life before the current one')
    .addOption(new Option('--stream <stream>', 'only of this one').choices(['out', 'err', 'pagent']))
    .option('--no-prefix', 'without the names in front')
    .option('-t, --timestamps', 'with the time in front')
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: LogOptions) =>
      finish(await atDesk(options, (desk) => show(desk, names, options))),
    )
}

async function show(desk: Desk, names: readonly string[], options: LogOptions): Promise<void> {
  const { client, screen, fleet } = desk
  if (options.follow === true && options.output === 'json')
    throw new CommandFailure('what goes on has no end that -o json could wait for; use -o jsonl', WRONG_USAGE)
  const meant = chosen(await client.workers(), names, fleet)
  const records = client.logs(queryOf(names, options))
  const { output } = options
  if (output === 'json') return writeList(screen, output, 'records', await Array.fromAsync(records))
  const style = { prefix: options.prefix, timestamps: options.timestamps === true || output === 'wide' }
  const lines = new LogLines(
    style,
    screen,
    meant.map(({ id }) => id),
  )
  for await (const record of records) {
    if (isJson(output)) writeObject(screen, output, record)
    else screen.write(lines.line(record))
  }
}

function queryOf(names: readonly string[], options: LogOptions): LogQuery {
  const { lines, since, stream, previous, follow } = options
  return {
    lines,
    ...(names.length === 0 || names.includes('all') ? {} : { workers: names }),
    ...(since === undefined ? {} : { since }),
    ...(stream === undefined ? {} : { stream }),
    ...(previous === undefined ? {} : { previous }),
    ...(follow === undefined ? {} : { follow }),
  }
}
