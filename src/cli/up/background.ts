import { fileURLToPath } from 'node:url'
import { extname } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { PagentError } from '../../base/errors.ts'
import { formatMillis } from '../../base/units.ts'
import { type Detached, detach } from '../../process/companions/detach.ts'
import type { ControlClient } from '../../control/client/contract.ts'
import type { WorkerStatus } from '../../control/api/wire.ts'
import { FAILED, TAKEN, TIMED_OUT, ofSignal } from '../exit-code.ts'
import { changes } from '../fleet/changes.ts'
import { suggest } from '../fleet/hint.ts'
import { countsText } from '../show/states.ts'
import { type EndingSignal, takeSignals } from '../signals.ts'
import { tell } from '../terminal.ts'
import { beginAnew, outputSince } from './output-file.ts'
import type { UpOptions } from './request.ts'

/** Without --wait nobody waits longer than that for all to be ready, in milliseconds. */
const A_WHILE = 5000

/** What a fleet in the background needs. */
export interface BackgroundRequest {
  readonly name: string
  /** Where its process writes what it has to say. */
  readonly outputFile: string
  readonly options: UpOptions
}

/**
 * Runs `pagent up` again, in the background, and waits until the fleet is ready, has failed or takes its time. Undefined when
 * another has started it meanwhile.
 */
export async function startInBackground({ name, outputFile, options }: BackgroundRequest): Promise<number | undefined> {
  const before = beginAnew(outputFile)
  const main = fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url))
  const child = await detach(main, argumentsOf(options), outputFile)
  const interruption = interruptible(child)
  try {
    const progress = await child.next()
    if (progress.type === 'ended' && progress.exitCode === TAKEN) return undefined
    if (progress.type === 'reported') {
      const { serving } = progress.report as { serving: string }
      const { connectTo } = await import('../../control/client/client.ts')
      const client = connectTo(serving)
      const isEnding = (error: unknown): boolean =>
        interruption.signal !== undefined || (PagentError.is(error) && error.code === 'ERR_PAGENT_NO_MASTER')
      const ready = untilReady(client, name, child, options)
        // Who asks a fleet that is about to end gets no answer: its end says more.
        .catch((error: unknown) => (isEnding(error) ? endOf(child) : Promise.reject(error as Error)))
        .finally(() => client.close())
      const code = await Promise.race([ready, endOf(child)])
      if (code !== undefined) return code
    }
    return interruption.signal === undefined ? explainEnd(name, outputFile, before) : ofSignal(interruption.signal)
  } finally {
    interruption.release()
    child.leave()
  }
}

/** The same command line, in the foreground. */
function argumentsOf({ names, file, fleet, readOnly }: UpOptions): string[] {
  return [
    'up',
    '--in-background',
    ...(file === undefined ? [] : ['--file', file]),
    ...(fleet === undefined ? [] : ['--fleet', fleet]),
    ...(readOnly === true ? ['--read-only'] : []),
    '--',
    ...names,
  ]
}

interface Interruptible {
  readonly signal: EndingSignal | undefined
  release(): void
}

/** Ctrl-C while we wait is meant for the fleet; it is in a session of its own, and would not hear it. */
function interruptible(child: Detached): Interruptible {
  let signal: EndingSignal | undefined
  const release = takeSignals({
    end: (received) => {
      signal ??= received
      child.kill('SIGTERM')
    },
    forward: () => {},
  })
  return {
    release,
    get signal() {
      return signal
    },
  }
}

async function endOf(child: Detached): Promise<undefined> {
  while ((await child.next()).type !== 'ended') continue
}

/** The exit code once all is said, undefined when the fleet ended meanwhile. */
async function untilReady(
  client: ControlClient,
  name: string,
  child: Detached,
  { wait = false, timeout = Infinity }: UpOptions,
): Promise<number | undefined> {
  const enough = new AbortController()
  const timer = systemClock.after(wait ? timeout : A_WHILE, () => enough.abort())
  try {
    for await (const _ of changes(client, enough.signal)) {
      const { isReady, states } = await client.fleet()
      if (isReady || (states.failed ?? 0) > 0) return sayUp(name, child, await client.workers())
    }
    if (!enough.signal.aborted) return undefined
    return sayLate(name, child, await client.workers(), wait ? timeout : undefined)
  } finally {
    timer.cancel()
  }
}

function sayUp(name: string, child: Detached, workers: readonly WorkerStatus[]): number {
  const failed = workers.filter(({ state }) => state === 'failed')
  const start = `fleet ${JSON.stringify(name)} is up (pid ${child.pid}): ${countsText(counts(workers))}`
  for (const { id, lastExit } of failed)
    tell('error', `${id} failed: it ${lastExit?.text ?? 'could not be started'}. See: pagent status ${id}`)
  tell('notice', start)
  suggest('pagent ps', 'pagent logs -f', 'pagent down')
  return failed.length === 0 ? 0 : FAILED
}

function sayLate(name: string, child: Detached, workers: readonly WorkerStatus[], timeout: number | undefined): number {
  const start = `fleet ${JSON.stringify(name)} is up (pid ${child.pid}): ${countsText(counts(workers))}`
  tell(
    'notice',
    timeout === undefined
      ? `${start}; not all are ready yet`
      : `${start}; not all were ready within ${formatMillis(timeout)}, it goes on`,
  )
  suggest('pagent ps', 'pagent wait all --for ready', 'pagent logs -f', 'pagent down')
  return timeout === undefined ? 0 : TIMED_OUT
}

function counts(workers: readonly WorkerStatus[]): Partial<Record<WorkerStatus['state'], number>> {
  return Object.fromEntries(
    [...Map.groupBy(workers, ({ state }) => state)].map(([state, list]) => [state, list.length]),
  )
}

/** It ended before it was up: what it said is what there is to say. */
function explainEnd(name: string, outputFile: string, before: number): number {
  const said = outputSince(outputFile, before)
  tell(
    'error',
    `fleet ${JSON.stringify(name)} did not come up; it said, in ${outputFile}:\n${said === '' ? '  nothing' : said}`,
  )
  return FAILED
}
