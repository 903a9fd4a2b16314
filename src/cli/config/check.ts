import { Command, Option } from 'commander'
import { stringify } from 'yaml'
import { loadFleet } from '../../control/config/load.ts'
import type { FleetPlan } from '../../control/config/fleet-plan.ts'
import { hasColour, painter, print } from '../terminal.ts'
import { redacted } from './redacted.ts'
import { summary } from './summary.ts'
import { admitForeignCode } from './foreign-code.ts'

interface CheckOptions {
  readonly file?: string
  readonly output: 'text' | 'json' | 'yaml'
  readonly reveal: boolean
}

const NOTES = `
Reads pagent.config.ts (.mts, .js, .mjs), pagent.yaml (.yml) or Procfile of this
folder, or the file or folder that is named, and starts nothing. The number in
front of a name says when it starts: those with the same number at once.

Whether the programs exist is found out when they are started.

Exit code:
  0  it can be used
  2  it cannot, and everything that is wrong with it is told

Examples:
  pagent check
  pagent check staging.yaml -o json
`

/** `pagent check`: what a configuration comes to, or everything that is wrong with it. */
export function checkCommand(finish: (code: number) => void): Command {
  return new Command('check')
    .description('Checks a configuration, and shows what it comes to: every worker, in the order of start.')
    .argument('[file]', 'a configuration, or a folder with one')
    .option('-f, --file <file>', 'the same, as up takes it')
    .addOption(
      new Option('-o, --output <format>', 'text, or everything with every default, as json or yaml')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .option('--reveal', 'show the values of environment variables', false)
    .addHelpText('after', NOTES)
    .action(async (named: string | undefined, options: CheckOptions, command: Command) => {
      if (named !== undefined && options.file !== undefined) command.error('the file is named twice; name it once')
      admitForeignCode()
      const plan = await loadFleet(named ?? options.file)
      print(textOf(options.reveal ? plan : redacted(plan), options))
      finish(0)
    })
}

function textOf(plan: FleetPlan, { output, reveal }: CheckOptions): string {
  if (output === 'json') return `${JSON.stringify(plan, undefined, 2)}\n`
  if (output === 'yaml') return stringify(plan)
  return summary(plan, painter(hasColour(1)), reveal)
}
