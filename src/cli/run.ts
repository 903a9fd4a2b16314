import { Command, Option } from 'commander'
import type { Restart } from '../supervisor/child.ts'
import type { Intensity } from '../supervisor/intensity.ts'
import { type GivenLimits, limitOptions, limitsOf } from './run/limits.ts'
import { GRACE, READY_TIMEOUT } from './run/request.ts'
import { supervise } from './run/supervise.ts'
import { readDuration, readFolder, readIntensity, readPattern, readRestart, readVariable } from './run/values.ts'

interface RunOptions extends GivenLimits {
  readonly restart: Restart
  readonly maxRestarts: Intensity
  readonly ready?: RegExp
  readonly readyTimeout: number
  readonly grace: number
  readonly cwd?: string
  readonly env?: Record<string, string>
}

const NOTES = `
Its stdin, stdout and stderr are those of pagent, byte for byte. With --ready,
--idle or --output-limit its output passes through pagent, still byte for byte,
and is no terminal for it.

A limit holds for the program and everything it starts, together, and is
enforced or refused: pagent doctor tells what this machine can enforce. At a
limit all of them are ended. But --cpus only slows them down, --open-files makes
an open fail, and --file-size ends the one process that writes too much.

Ctrl-C (or SIGTERM, SIGHUP) is passed on. What has not ended after the grace
is killed with everything it started; so is everything when pagent itself is
killed. A program that lives through Ctrl-C (a REPL, vim) is killed after
--grace.

Exit code:
  the program's own  it ended by itself
  1                  it was restarted too often, or its output could not be
                     written, and its last code was 0
  2                  the command line was wrong, or a limit cannot be enforced
  124                its time was up: --wall-time, --idle, --cpu-time, or it was
                     not ready in time
  126                it cannot be run
  127                there is no such program
  128+n              signal n ended it
  137                it was killed, as at any other limit (--memory, …)

Examples:
  pagent run -- node server.js
  pagent run --restart on-failure --max-restarts 5/1m -- python3 -u job.py
  pagent run --wall-time 10m --memory 2GiB -- make test
  pagent run --ready 'listening on \\d+' --ready-timeout 10s -- ./server
`

/** `pagent run`: one program in the foreground. */
export function runCommand(finish: (code: number) => void): Command {
  const run = new Command('run')
    .description(
      'Supervises one program in the foreground: restarts, limits, an explained end, and nothing left behind.',
    )
    .usage('[options] -- <command> [args...]')
    .argument('<command...>', 'the program and its arguments; options for it are safe behind --')
    .passThroughOptions()
    .addOption(
      new Option('--restart <when>', 'no, on-failure, always').argParser(readRestart).default('temporary', 'no'),
    )
    .addOption(
      new Option('--max-restarts <n/within>', 'give up when it ends more often')
        .argParser(readIntensity)
        .default({ restarts: 3, within: 5000 }, '3/5s'),
    )
    .option('--ready <regex>', 'it is ready when a line of its output matches; a failure before is final', readPattern)
    .addOption(duration('--ready-timeout', 'end it when it is not ready by then').default(READY_TIMEOUT, '30s'))
    .addOption(duration('--grace', 'time between the stop signal and SIGKILL').default(GRACE, '3s'))
    .option('--cwd <folder>', 'where it runs', readFolder)
    .option('-e, --env <KEY=VALUE>', 'add to its environment; may be repeated', readVariable)
    .optionsGroup('Limits on one life of it:')
  for (const option of limitOptions()) run.addOption(option)
  return run
    .addHelpText('after', NOTES)
    .action(async ([file = '', ...args]: string[], options: RunOptions, command: Command) => {
      const misuse = misuseOf(file, options, (name) => command.getOptionValueSource(name) === 'cli')
      if (misuse !== undefined) command.error(misuse)
      const { maxRestarts, ...rest } = options
      finish(await supervise({ file, args, intensity: maxRestarts, ...rest, limits: limitsOf(options) }))
    })
}

/** What is wrong with the command line as a whole: an option that would do nothing is a mistake. */
function misuseOf(
  file: string,
  { restart, ready }: RunOptions,
  given: (name: keyof RunOptions) => boolean,
): string | undefined {
  if (file.trim() === '') return "the program's name is empty; name it behind --"
  if (given('maxRestarts') && restart === 'temporary') return '--max-restarts needs --restart on-failure or always'
  if (given('readyTimeout') && ready === undefined) return '--ready-timeout needs --ready'
  return undefined
}

function duration(flag: string, description: string): Option {
  return new Option(`${flag} <duration>`, description).argParser(readDuration)
}
