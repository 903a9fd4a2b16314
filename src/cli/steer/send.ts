import type { Command } from 'commander'
import type { CommandContext } from '../commands.ts'
import { WRONG_USAGE } from '../exit-code.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { suggest } from '../fleet/hint.ts'
import { stdinLines } from './stdin-lines.ts'

const NOTES = `
Without a line it sends those of its stdin, one after the other, at the pace of
the worker. It is done when they are written to the worker; what that answers is
in its logs.

Examples:
  pagent send console say hello to everybody
  pagent send counter --json '{"add": 3}'
  cat commands.txt | pagent send console
`

interface SendOptions extends FleetOptions {
  readonly json?: boolean
}

/** `pagent send`: lines to a worker's stdin. */
export function sendCommand({ finish }: CommandContext): Command {
  return fleetCommand('send')
    .description('Writes a line to the stdin of a worker.')
    .argument('<name>', 'the worker')
    .argument('[line...]', 'the line; several words are joined by a blank')
    .option('--json', 'the line is JSON, for a worker that speaks JSON')
    .addHelpText('after', NOTES)
    .action(async (name: string, words: string[], options: SendOptions) =>
      finish(await atDesk(options, (desk) => send(desk, name, words, options))),
    )
}

async function send({ client }: Desk, name: string, words: readonly string[], { json }: SendOptions): Promise<void> {
  const message = (line: string): unknown => (json === true ? parsed(line) : line)
  if (words.length > 0) await client.send(name, message(words.join(' ')))
  else for await (const line of stdinLines()) await client.send(name, message(line))
  suggest(`pagent logs ${name}`, `pagent attach ${name}`)
}

/** @throws CommandFailure for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const why = (error as Error).message
    const word = /^[\p{L}_][\p{L}\p{N}_ .:/-]*$/u.test(text)
      ? `; a text needs quotes of its own: '${JSON.stringify(text)}'`
      : ''
    throw new CommandFailure(`${JSON.stringify(text)} is not JSON (${why})${word}`, WRONG_USAGE)
  }
}
