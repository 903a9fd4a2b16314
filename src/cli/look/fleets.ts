import { Command } from 'commander'
import { systemClock } from '../../base/clock.ts'
import type { FleetStatus } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { explainFailure } from '../fleet/failure.ts'
import { type Format, isJson, outputOption, writeList } from '../fleet/output.ts'
import { type Screen, stdoutScreen } from '../show/screen.ts'
import { countsText } from '../show/states.ts'
import { type Column, table } from '../show/table.ts'
import { age } from '../show/times.ts'
import { tell } from '../terminal.ts'

const NOTES = `
Examples:
  pagent fleets
  pagent ps --fleet games
`

/** `pagent fleets`: those of this user that run. */
export function fleetsCommand({ finish }: CommandContext): Command {
  return new Command('fleets')
    .description('Lists the fleets of this user that run on this machine.')
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action(async ({ output }: { output: Format }) => {
      try {
        await show(stdoutScreen(), output)
        finish(0)
      } catch (error) {
        finish(explainFailure(error))
      }
    })
}

async function show(screen: Screen, format: Format): Promise<void> {
  const fleets = await answering()
  if (isJson(format)) return writeList(screen, format, 'fleets', fleets)
  if (fleets.length === 0) tell('notice', 'no fleet is running; start one by pagent up')
  else
    screen.write(`${table(COLUMNS, fleets, format === 'wide' ? { ...screen, width: Infinity } : screen).join('\n')}\n`)
}

/** One that has ended meanwhile is none. */
async function answering(): Promise<FleetStatus[]> {
  const { running } = await import('../fleet/reach.ts')
  const { connectTo } = await import('../../control/client/client.ts')
  const asked = (await running()).map(({ socketPath }) => {
    const client = connectTo(socketPath)
    return client.fleet().finally(() => client.close())
  })
  const answers = await Promise.allSettled(asked)
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

const COLUMNS: readonly Column<FleetStatus>[] = [
  { title: 'FLEET', text: ({ name }) => name },
  { title: 'PID', text: ({ pid }) => String(pid), align: 'right' },
  { title: 'UP', text: ({ startedAt }) => age(systemClock.date() - startedAt), align: 'right' },
  { title: 'WORKERS', text: ({ states }) => countsText(states) },
  { title: 'FILE', text: ({ file }) => file, isElastic: true },
]
