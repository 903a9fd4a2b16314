import { type Command, Option } from 'commander'
import type { EventRecord } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { chosen } from '../fleet/names.ts'
import { type Format, isJson, outputOption, writeList, writeObject } from '../fleet/output.ts'
import { readSince } from '../fleet/since.ts'
import { WRONG_USAGE } from '../exit-code.ts'
import { eventLine } from '../show/lines/event-lines.ts'
import { readCount } from '../run/values.ts'
import { tell } from '../terminal.ts'

interface EventOptions extends FleetOptions {
  readonly output: Format
  readonly follow?: boolean
  readonly lines: number
  readonly since?: number
}

const NOTES = `
The fleet remembers its last ten thousand events, until it ends.

Examples:
  pagent events -f
  pagent events web --since 1h
  pagent events -o jsonl | jq 'select(.type == "exited") | .exit.kind'
`

/** `pagent events`: what happened. */
export function eventsCommand({ finish }: CommandContext): Command {
  return fleetCommand('events', '--file <file>')
    .description('Shows what happened to workers: starts, ends and why, restarts, limits.')
    .argument('[name...]', 'workers, services, GROUP:*; all of them, and groups, without a name')
    .option('-f, --follow', 'go on with what happens')
    .addOption(new Option('-n, --lines <n>', 'the last so many').argParser(readCount).default(100))
    .addOption(new Option('--since <when>', 'from then on: 5m, 09:30, 2026-11-26').argParser(readSince))
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: EventOptions) =>
      finish(await atDesk(options, (desk) => show(desk, names, options))),
    )
}

async function show(desk: Desk, names: readonly string[], options: EventOptions): Promise<void> {
  const { client, screen, fleet } = desk
  const { output, since = 0, lines, follow } = options
  if (follow === true && output === 'json')
    throw new CommandFailure('what goes on has no end that -o json could wait for; use -o jsonl', WRONG_USAGE)
  const meant = new Set(chosen(await client.workers(), names, fleet).map(({ id }) => id))
  const isMeant = ({ worker }: EventRecord): boolean =>
    names.length === 0 || (worker !== undefined && meant.has(worker))
  const past = await client.events()
  const shown = past.filter((event) => event.at >= since && isMeant(event)).slice(-lines)
  if (isJson(output)) writeList(screen, output, 'events', shown)
  else screen.write(shown.map((event) => eventLine(event, screen)).join(''))
  if (follow === true) await goOn(desk, past.at(-1)?.seq ?? 0, isMeant, output)
}

async function goOn(
  { client, screen }: Desk,
  since: number,
  isMeant: (event: EventRecord) => boolean,
  output: Format,
): Promise<void> {
  for await (const { topic, data } of client.stream(['event'], { since })) {
    if (topic === 'dropped') tell('notice', `${data.count} events were left out: they came faster than they were read`)
    if (topic !== 'event' || !isMeant(data)) continue
    if (isJson(output)) writeObject(screen, output, data)
    else screen.write(eventLine(data, screen))
  }
}
