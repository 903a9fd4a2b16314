import type { MasterEvent } from '../../base/events.ts'
import type { Exit } from '../../base/exit.ts'
import { formatMillis } from '../../base/units.ts'
import { Master } from '../../master/master.ts'
import type { Launcher } from '../../process/launcher.ts'
import { defaultLauncher } from '../../process/default-launcher.ts'
import { PagentError } from '../../base/errors.ts'
import { comesBack } from '../../supervisor/restart-policy.ts'
import { FAILED, exitCodeOf, ofGivingUp, ofSignal } from '../exit-code.ts'
import { outputError, tell } from '../terminal.ts'
import { explainEnd, explainGivingUp, howItEnded } from './explain.ts'
import { WatchingLauncher } from './pass-through.ts'
import { type RunRequest, isWatched, nameOf, shown, specOf } from './request.ts'
import { takeSignals } from '../signals.ts'
import { Stopping } from './stopping.ts'

/** How it all ended: the last exit, and all of them when it was restarted too often. */
interface Ending {
  readonly exit: Exit
  readonly gaveUp?: readonly Exit[]
  /** Nobody needs an explanation of what they did themselves. */
  readonly expected?: boolean
  /** It was ended because nobody reads its output any more. */
  readonly unread?: boolean
}

/**
 * Runs one program to its end, with its restarts; resolves with the exit code.
 *
 * @throws TypeError for a command that cannot be one.
 */
export async function supervise(request: RunRequest): Promise<number> {
  const watching = isWatched(request) ? new WatchingLauncher(defaultLauncher(), request.ready) : undefined
  const code = await superviseBy(watching, request)
  if (watching?.lost === undefined) return code
  tell('error', outputError(watching.lost).message)
  return code === 0 ? FAILED : code
}

async function superviseBy(watching: WatchingLauncher | undefined, request: RunRequest): Promise<number> {
  const launcher: Launcher = watching ?? defaultLauncher()
  const master = new Master({ launcher })
  try {
    const ending = await live(master, request, watching)
    explain(ending, request)
    if (ending.unread === true) return ofSignal('SIGPIPE')
    return ending.gaveUp === undefined ? exitCodeOf(ending.exit) : ofGivingUp(ending.gaveUp)
  } finally {
    await master.stop()
    await launcher.close()
  }
}

async function live(master: Master, request: RunRequest, watching: WatchingLauncher | undefined): Promise<Ending> {
  const worker = master.getWorker(nameOf(request.file))
  const ended = Promise.withResolvers<Ending>()
  const stopping = new Stopping(worker, request.grace, shown(request), (exit) => ended.resolve({ exit }))
  const release = takeSignals(stopping)
  let unread = false
  void watching?.readerLeft.then(async () => {
    unread = true
    ended.resolve({ exit: await worker.stop({ eof: 0, killSignal: 'SIGPIPE', grace: request.grace }) })
  })
  void follow(master.events, request, () => stopping.begun || unread).then(ended.resolve, ended.reject)
  const spec = specOf(request, watching?.matched ?? (() => Promise.resolve()))
  worker.start(request.file, request.args, spec).catch((error: unknown) => {
    // What has to do with the program is an exit, and was followed as one.
    if (!PagentError.is(error)) ended.reject(error)
  })
  try {
    const ending = await ended.promise
    const expected = unread || stopping.forced || (stopping.begun && ending.exit.kind !== 'stopped')
    return { ...ending, expected, unread }
  } finally {
    stopping.close()
    release()
  }
}

/** Reads what happens until nothing more will: the policy restarts only what had been ready once. */
async function follow(
  events: AsyncIterable<MasterEvent>,
  request: RunRequest,
  stopping: () => boolean,
): Promise<Ending> {
  let cameUp = false
  let last: Exit | undefined
  let restarts = 0
  for await (const event of events) {
    if (event.type === 'ready') cameUp = true
    if (event.type === 'exited') {
      last = event.exit
      if (!cameUp || stopping() || last.kind === 'stopped' || !comesBack(request.restart, last)) return { exit: last }
    }
    if (event.type === 'restart-scheduled' && last !== undefined) {
      restarts++
      // One line for each step of the backoff: the next like the last says nothing new.
      if (!event.repeated) announce(last, restarts, event.after, request)
    }
    if (event.type === 'gave-up' && last !== undefined) return { exit: last, gaveUp: event.exits }
  }
  throw new Error('Bug in pagent: the events ended before the program did')
}

function announce(exit: Exit, count: number, after: number, request: RunRequest): void {
  tell('notice', `${shown(request)} ${howItEnded(exit)}; restart ${count} in ${formatMillis(after)}`)
}

function explain({ exit, gaveUp, expected }: Ending, request: RunRequest): void {
  if (expected === true) return
  const text = gaveUp === undefined ? explainEnd(exit, request) : explainGivingUp(gaveUp, request)
  if (text !== undefined) tell('error', text)
}
