import { isatty } from 'node:tty'
import type { Command } from 'commander'
import type { CommandContext } from '../commands.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { chosen } from '../fleet/names.ts'
import { suggest } from '../fleet/hint.ts'
import { LogLines } from '../show/lines/log-lines.ts'
import { tell, writeFully } from '../terminal.ts'
import { Answers } from './answers.ts'
import { stdinLines } from './stdin-lines.ts'

const NOTES = `
Lines you type go to the worker, and what it writes comes here: its stdout on
stdout, its stderr and what happens to it on stderr. Ctrl-D or Ctrl-C leaves,
and the worker goes on. It stays attached through restarts. After the end of a
pipe it stays until nothing has come for half a second, or for five seconds.

Examples:
  pagent attach console
  echo status | pagent attach console
  pagent attach python
`

/** `pagent attach`: its stdin and stdout are here, for a while. */
export function attachCommand({ finish }: CommandContext): Command {
  return fleetCommand('attach')
    .description('Connects this terminal with the stdin and stdout of a worker.')
    .argument('<name>', 'the worker')
    .addHelpText('after', NOTES)
    .action(async (name: string, options: FleetOptions) => finish(await atDesk(options, (desk) => attach(desk, name))))
}

async function attach(desk: Desk, name: string): Promise<void> {
  const [worker] = chosen(await desk.client.workers(), [name], desk.fleet)
  const id = worker?.id ?? name
  const left = new AbortController()
  const leave = (): void => left.abort()
  process.once('SIGINT', leave)
  if (isatty(0)) tell('notice', `attached to ${id} (${worker?.state}); Ctrl-D leaves it running`)
  try {
    const answers = new Answers()
    const output = show(desk, id, left.signal, answers.heard)
    await Promise.race([answers.open, output])
    const talk = forward(desk, id, left.signal).then(() => (isatty(0) ? undefined : answers.quiet(left.signal)))
    await Promise.race([talk, output])
    left.abort()
    await output
  } finally {
    process.off('SIGINT', leave)
  }
  if (isatty(0)) tell('notice', `left ${id}; it goes on`)
  suggest(`pagent logs -f ${id}`, `pagent status ${id}`)
}

/** Resolves when there is nothing more to send. */
async function forward({ client }: Desk, id: string, signal: AbortSignal): Promise<void> {
  for await (const line of stdinLines(signal)) {
    // A line that cannot be taken now is told, and the next one may be.
    await client.send(id, line).catch((error: unknown) => tell('error', (error as Error).message))
  }
}

/** Resolves when the fleet has ended, or nobody wants to see more. The first frame says that nothing is missed from here on. */
async function show({ client, screen }: Desk, id: string, signal: AbortSignal, onFrame: () => void): Promise<void> {
  const lines = new LogLines({ prefix: false, timestamps: false }, screen)
  for await (const { topic, data } of client.stream(['log'], { workers: [id], signal })) {
    onFrame()
    if (topic === 'dropped') tell('notice', `${data.count} lines were left out: they came faster than they were read`)
    if (topic !== 'log') continue
    if (data.stream === 'out') screen.write(lines.line(data))
    else writeFully(2, data.stream === 'err' ? lines.line(data) : `pagent: ${lines.line(data)}`)
  }
}
