import type { Command } from 'commander'
import type { Action, ActionResult } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { FAILED } from '../exit-code.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { suggest } from '../fleet/hint.ts'
import { type Format, isJson, outputOption, writeList } from '../fleet/output.ts'
import { stateStyle, stateText } from '../show/states.ts'
import { harmless, pad, widthOf } from '../show/text.ts'
import { tell } from '../terminal.ts'

type Verb = 'start' | 'stop' | 'restart'

const DESCRIPTIONS: Readonly<Record<Verb, string>> = {
  start: 'Starts workers that do not run, also those that were given up.',
  stop: 'Stops workers, and keeps them stopped until they are started.',
  restart: 'Stops workers and starts them again.',
}

const TARGETS = `
Targets are workers, services (all replicas), GROUP:* or all. Each is tried,
whatever becomes of the others.
`

/** `pagent start`, `stop`, `restart`. */
export function actCommand(verb: Verb, { finish }: CommandContext): Command {
  return fleetCommand(verb)
    .description(DESCRIPTIONS[verb])
    .argument('<target...>', 'workers, services, GROUP:* or all')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `${TARGETS}\nExamples:\n  pagent ${verb} web\n  pagent ${verb} 'games:*' mcp-git\n  pagent ${verb} all\n`,
    )
    .action(async (targets: string[], options: FleetOptions & { output: Format }) =>
      finish(await atDesk(options, (desk) => act(desk, { action: verb, targets }, options.output))),
    )
}

/** Has it done, and shows what came of it; the exit code is 1 when something failed. */
export async function act(desk: Desk, action: Action, format: Format): Promise<number> {
  const { results } = await desk.client.act(action)
  if (isJson(format)) writeList(desk.screen, format, 'results', results)
  else desk.screen.write(resultLines(results, desk).join(''))
  const failed = results.filter(({ ok }) => !ok)
  for (const { worker, error } of isJson(format) ? [] : failed)
    tell('error', error?.message ?? `${worker} did not ${action.action}; see: pagent status ${worker}`)
  const [first] = results
  if (first !== undefined && !isJson(format)) suggest(...nextAfter(action, first.worker))
  return failed.length === 0 ? 0 : FAILED
}

function resultLines(results: ActionResult['results'], { screen: { paint } }: Desk): string[] {
  const width = Math.max(0, ...results.map(({ worker }) => widthOf(worker)))
  return results.map(({ worker, state, exit }) => {
    const how = exit === undefined ? '' : `  ${paint('dim', harmless(exit.text))}`
    return `${pad(harmless(worker), width)}  ${paint(stateStyle(state), stateText(state))}${how}\n`
  })
}

function nextAfter({ action }: Action, worker: string): string[] {
  return action === 'stop' ? ['pagent ps', `pagent start ${worker}`] : ['pagent ps', `pagent logs -f ${worker}`]
}
