import { Command, Option } from 'commander'
import type { Restart } from '../supervisor/child.ts'
import type { Intensity } from '../supervisor/restart-policy.ts'
import { supervise } from './run/supervise.ts'
import { readDuration, readFolder, readIntensity, readPattern, readRestart, readVariable } from './run/values.ts'

interface RunOptions {
  readonly restart: Restart
  readonly maxRestarts: Intensity
  readonly ready?: RegExp
  readonly readyTimeout: number
  readonly grace: number
  readonly wallTime?: number
  readonly cwd?: string
  readonly env?: Record<string, string>
}

const NOTES = `
Its stdin, stdout and stderr are those of pagent, byte for byte. Ctrl-C (or SIGTERM, SIGHUP) is passed on; what has not
ended after the grace is killed with everything it started, and so is everything when pagent itself is killed.
With --ready its output passes through pagent, still byte for byte, and is no terminal for it.

Exit code: the program's own · 128+n ended by signal n · 124 timed out · 126 cannot be run · 127 not found · 2 wrong usage

Examples:
  pagent run -- node server.js
  pagent run --restart on-failure --max-restarts 5/1m -- python3 -u job.py
  pagent run --wall-time 10m -- make test
  pagent run --ready 'listening on \\d+' --ready-timeout 10s -- ./server
`

/** `pagent run`: one program in the foreground. */
export function runCommand(finish: (code: number) => void): Command {
  return new Command('run')
    .summary('supervise one program in the foreground')
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
    .addOption(duration('--ready-timeout', 'end it when it is not ready by then').default(30_000, '30s'))
    .addOption(duration('--grace', 'how long after the signal that asks comes SIGKILL').default(3000, '3s'))
    .addOption(duration('--wall-time', 'the longest that one life of it may take (exit code 124)'))
    .option('--cwd <folder>', 'where it runs', readFolder)
    .option('-e, --env <KEY=VALUE>', 'add to its environment; may be repeated', readVariable)
    .addHelpText('after', NOTES)
    .action(async ([file = '', ...args]: string[], options: RunOptions) => {
      const { maxRestarts, ...rest } = options
      finish(await supervise({ file, args, intensity: maxRestarts, ...rest }))
    })
}

function duration(flag: string, description: string): Option {
  return new Option(`${flag} <duration>`, description).argParser(readDuration)
}
