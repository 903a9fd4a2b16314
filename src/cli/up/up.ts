import { Command, Option } from 'commander'
import type { CommandContext } from '../commands.ts'
import type { UpOptions } from './request.ts'
import { readDuration } from '../run/values.ts'

const NOTES = `
Reads pagent.config.ts, pagent.yaml or a Procfile of this folder, or --file. In
the foreground it shows what all workers write; Ctrl-C stops them in good order,
a second Ctrl-C kills them. Nothing of the fleet outlives this process, however
it ends.

Where a fleet of that name is up already, what differs from it is applied, and
the workers that do not differ are left alone. One that is just being stopped is
waited for, and started anew.

With names it starts only those, and what they depend on. It ends by itself when
all workers have done their work.

Exit code:
  0      it was stopped by pagent down, or all workers have done their work
  1      it could not be started; with --wait, a worker failed
  2      the command line or the configuration is wrong
  4      there is no such worker
  124    with --wait, --timeout was over
  128+n  signal n stopped it, 130 for Ctrl-C
  the worker's own, with --exit-code-from

Examples:
  pagent up
  pagent up -d && pagent ps
  pagent up web -t
  pagent up --exit-code-from tests
  pagent up --wait --timeout 1m && npm test
`

/** `pagent up`: a fleet, from its file. */
export function upCommand({ finish }: CommandContext): Command {
  return new Command('up')
    .description('Starts a fleet from its configuration, or applies what has changed in it.')
    .argument('[name...]', 'workers, services, groups; all of them without a name')
    .option('-f, --file <file>', 'its configuration')
    .addOption(new Option('--fleet <name>', 'its name, in place of the one in the configuration').env('PAGENT_FLEET'))
    .option('-d, --detach', 'in the background')
    .addOption(new Option('--wait', 'in the background, and wait until all are ready').implies({ detach: true }))
    .addOption(new Option('--timeout <duration>', 'the longest that --wait waits').argParser(readDuration))
    .option('--read-only', 'nothing can be changed from other terminals')
    .option('--no-prefix', "without the workers' names in front of their lines")
    .option('-t, --timestamps', 'with the time in front of lines')
    .option('--exit-code-from <name>', 'stop all when this one has ended, with its exit code')
    .addOption(new Option('--in-background').hideHelp())
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: Omit<UpOptions, 'names'>, command: Command) => {
      const misuse = misuseOf(options)
      if (misuse !== undefined) command.error(misuse)
      const { up } = await import('./request.ts')
      finish(await up({ ...options, names }))
    })
}

function misuseOf({ timeout, wait, detach, exitCodeFrom }: Omit<UpOptions, 'names'>): string | undefined {
  if (timeout !== undefined && wait !== true) return '--timeout needs --wait'
  if (exitCodeFrom !== undefined && detach === true)
    return '--exit-code-from needs the foreground: leave -d and --wait out'
  return undefined
}
