import { type Command, Option } from 'commander'
import { systemClock } from '../../base/clock.ts'
import { formatMillis } from '../../base/units.ts'
import type { WorkerStatus, WorkerStatusState } from '../../control/api/wire.ts'
import type { CommandContext } from '../commands.ts'
import { FAILED, NO_MASTER, TIMED_OUT } from '../exit-code.ts'
import { changes } from '../fleet/changes.ts'
import { type FleetOptions, fleetCommand } from '../fleet/choice.ts'
import { type Desk, atDesk } from '../fleet/desk.ts'
import { CommandFailure } from '../fleet/failure.ts'
import { chosen } from '../fleet/names.ts'
import { tell } from '../terminal.ts'
import { readDuration } from '../run/values.ts'
import { StartWatch } from './start-watch.ts'

type Purpose = 'ready' | 'exit'

const NOTES = `
Exit code:
  0    all are ready; or all have ended, and well
  1    one cannot become ready any more; or one has ended otherwise, or could
       not be started
  124  --timeout was over

Examples:
  pagent wait web --for ready --timeout 30s && curl localhost:8080
  pagent wait migration --for exit && pagent start web
`

interface WaitOptions extends FleetOptions {
  readonly for: Purpose
  readonly timeout?: number
}

/** `pagent wait`: for workers to be ready, or to end. */
export function waitCommand({ finish }: CommandContext): Command {
  return fleetCommand('wait')
    .description('Waits until workers are ready, or have ended and are not started again.')
    .argument('<name...>', 'workers, services, GROUP:* or all')
    .addOption(new Option('--for <what>', 'what to wait for').choices(['ready', 'exit']).default('ready'))
    .addOption(new Option('--timeout <duration>', 'the longest to wait').argParser(readDuration))
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: WaitOptions) =>
      finish(await atDesk(options, (desk) => waitFor(desk, names, options))),
    )
}

async function waitFor(
  desk: Desk,
  names: readonly string[],
  { for: purpose, timeout = Infinity }: WaitOptions,
): Promise<number> {
  const late = new AbortController()
  const timer = systemClock.after(timeout, () => late.abort())
  const start = new StartWatch(desk.client)
  const look = async (): Promise<readonly WorkerStatus[]> => {
    // First the start: who is idle after its end has had its turn.
    await start.look()
    return meant(chosen(await desk.client.workers(), names, desk.fleet), names, start)
  }
  let last: readonly WorkerStatus[] | undefined
  try {
    for await (const _ of changes(desk.client, late.signal)) {
      last = await look()
      const verdict = judge(last, purpose, start)
      if (verdict !== undefined) return conclude(verdict, purpose)
    }
  } finally {
    timer.cancel()
  }
  // Time may be over before there was a look at all.
  if (late.signal.aborted) last ??= await look()
  const pending = (last ?? [])
    .filter((worker) => !isSettled(worker, purpose, start))
    .map(({ id, state }) => `${id} (${state})`)
  if (late.signal.aborted)
    throw new CommandFailure(`waited ${formatMillis(timeout)} for ${pending.join(', ')} ${wordFor(purpose)}`, TIMED_OUT)
  if (purpose === 'exit') return 0
  throw new CommandFailure(
    `the fleet ended before ${pending.join(', ')} ${pending.length === 1 ? 'was' : 'were'} ready`,
    NO_MASTER,
  )
}

/** Who is named is waited for; of all, those that are to run now. */
function meant(workers: readonly WorkerStatus[], names: readonly string[], start: StartWatch): readonly WorkerStatus[] {
  if (!names.includes('all')) return workers
  return workers.filter(({ state }) => (state === 'idle' ? !start.isOver : state !== 'scheduled'))
}

interface Verdict {
  readonly failed: readonly WorkerStatus[]
}

const GONE: ReadonlySet<WorkerStatusState> = new Set(['exited', 'failed'])

/** Undefined while there is something to wait for. One that cannot become ready is not waited for. */
function judge(workers: readonly WorkerStatus[], purpose: Purpose, start: StartWatch): Verdict | undefined {
  if (purpose === 'ready') {
    const failed = workers.filter(({ state }) => state === 'failed' || state === 'exited')
    if (failed.length > 0) return { failed }
  }
  if (!workers.every((worker) => isSettled(worker, purpose, start))) return undefined
  return { failed: purpose === 'exit' ? workers.filter((worker) => isBadEnd(worker, start)) : [] }
}

function isSettled({ state, lastExit }: WorkerStatus, purpose: Purpose, start: StartWatch): boolean {
  if (purpose === 'ready') return state === 'running' || state === 'degraded'
  return GONE.has(state) || (state === 'idle' && (lastExit !== undefined || start.isOver))
}

/** Whoever has not run although it should has not ended well. */
function isBadEnd({ id, state, lastExit }: WorkerStatus, start: StartWatch): boolean {
  if (lastExit === undefined && state === 'idle') return start.isMissing(id)
  return state === 'failed' || lastExit?.isAbnormal === true
}

function conclude({ failed }: Verdict, purpose: Purpose): number {
  for (const { id, lastExit, state } of failed) {
    const why = lastExit?.text ?? (state === 'idle' ? 'has not run: what it depends on does not' : `is ${state}`)
    tell('error', `${id} ${why}${purpose === 'ready' ? '; it does not become ready' : ''}. See: pagent status ${id}`)
  }
  return failed.length === 0 ? 0 : FAILED
}

function wordFor(purpose: Purpose): string {
  return purpose === 'ready' ? 'to be ready' : 'to end'
}
