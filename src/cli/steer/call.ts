import { type Command, Option } from 'commander'
import { PagentError } from '../../base/errors.ts'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { readDuration } from '../run/values.ts'
import { parsed } from './send.ts'

const NOTES = `
The worker must serve calls (framing: json-rpc). The result is one line of JSON
on stdout. Ctrl-C cancels the call.

Exit code:
  0    it returned
  1    it threw, or the worker ended first
  2    an argument is no JSON
  4    there is no such worker or pool
  124  --timeout was over

Examples:
  pagent call calculator add 2 3
  pagent call thumbs resize '{"width": 200}' '"cat.jpg"' --timeout 5s
`

interface CallOptions extends FleetOptions {
  readonly timeout?: number
}

/** `pagent call`: a function of a worker, or of a pool. */
export function callCommand({ finish }: CommandContext): Command {
  return fleetCommand('call')
    .description('Calls a function that a worker or a pool serves, and prints what it returns.')
    .argument('<name>', 'the worker or pool')
    .argument('<method>', 'the function')
    .argument('[json...]', 'its arguments, each as JSON')
    .addOption(new Option('--timeout <duration>', 'the longest it may take').argParser(readDuration))
    .addHelpText('after', NOTES)
    .action(async (name: string, method: string, args: string[], options: CallOptions) =>
      finish(await atDesk(options, (desk) => call(desk, name, method, args.map(parsed), options))),
    )
}

async function call(
  desk: Desk,
  name: string,
  method: string,
  args: unknown[],
  { timeout }: CallOptions,
): Promise<void> {
  const request = { method, args, ...(timeout === undefined ? {} : { timeout }) }
  const result = await desk.client.call(name, request).catch((error: unknown) => {
    throw withoutStream(error)
  })
  desk.screen.write(`${JSON.stringify(result) ?? 'null'}\n`)
}

/** The advice that is given to programs cannot be followed here. */
function withoutStream(error: unknown): unknown {
  const advice = '; use stream() instead of call()'
  if (!PagentError.is(error) || !error.message.includes(advice)) return error
  const here = ', and pagent call shows one result: read it in a program, by stream()'
  return new CommandFailure(error.message.replace(advice, here))
}
