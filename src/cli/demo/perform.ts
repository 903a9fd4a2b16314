import { systemClock } from '../../base/clock.ts'
import { formatMillis } from '../../base/units.ts'
import { FAILED, ofSignal } from '../exit-code.ts'
import { hasColour, outputError, painter, tell } from '../terminal.ts'
import type { ActProgress } from './act.ts'
import { ACTS } from './acts.ts'
import { takeSignals } from './interruption.ts'
import { LiveView } from './views/live-view.ts'
import { PlainView } from './views/plain-view.ts'
import { Stage } from './stage.ts'
import { isKept, summary } from './views/summary.ts'
import { type Ink, type View, report } from './views/view.ts'

/** An act that takes longer has not kept its promise, in milliseconds. */
const LONGEST_ACT = 15_000

/** Plays every act; resolves with the exit code: 0 when every promise was kept. */
export async function perform(): Promise<number> {
  const began = systemClock.now()
  const width = process.stdout.isTTY ? process.stdout.columns : Infinity
  const ink: Ink = { width, paint: painter(hasColour(1)), write: (text) => void process.stdout.write(text) }
  const acts: ActProgress[] = ACTS.map((act, i) => ({ number: i + 1, act, state: 'waiting', facts: [] }))
  const stage = new Stage()
  const view: View = isTerminal() ? new LiveView(ink, stage, acts, terminalSize) : new PlainView(ink)
  stage.audience = view
  const interruption = takeSignals(stage, view)
  process.stdout.once('error', explainOutput).on('error', interruption.stop)
  await play(acts, stage, view, interruption.signal)
  await stage.close()
  view.close()
  if (view instanceof LiveView) for (const act of acts) ink.write(`${report(act, ink)}\n`)
  const outcome = { acts, tally: stage.tally, left: stage.tally.left(), took: systemClock.now() - began }
  ink.write(summary(outcome, ink))
  interruption.release()
  if (interruption.signalCode !== undefined) return ofSignal(interruption.signalCode)
  return isKept(outcome) ? 0 : FAILED
}

/** Who has left needs no explanation. */
function explainOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') tell('error', outputError(error).message)
}

const isTerminal = (): boolean =>
  process.stdout.isTTY && process.env['TERM'] !== 'dumb' && (process.env['CI'] ?? '') === ''
const terminalSize = (): { columns: number; rows: number } => process.stdout

async function play(acts: readonly ActProgress[], stage: Stage, view: View, interrupted: AbortSignal): Promise<void> {
  for (const progress of acts) {
    if (!interrupted.aborted) await playOne(progress, stage, view, interrupted)
    else progress.state = 'interrupted'
  }
}

async function playOne(progress: ActProgress, stage: Stage, view: View, interrupted: AbortSignal): Promise<void> {
  progress.state = 'playing'
  stage.act = progress.number
  view.began(progress)
  try {
    progress.facts = await within(progress.act.run(stage), interrupted)
    progress.state = 'kept'
  } catch (error) {
    progress.state = interrupted.aborted ? 'interrupted' : 'broken'
    if (!interrupted.aborted)
      progress.facts = [`this does not hold: ${error instanceof Error ? error.message : String(error)}`]
  }
  view.ended(progress)
}

/** What an act saw, unless it takes too long or somebody interrupts. */
function within(seen: Promise<string[]>, interrupted: AbortSignal): Promise<string[]> {
  const late = Promise.withResolvers<never>()
  const timer = systemClock.after(LONGEST_ACT, () =>
    late.reject(new Error(`it takes less than ${formatMillis(LONGEST_ACT)}`)),
  )
  const interrupt = (): void => late.reject(interrupted.reason as Error)
  interrupted.addEventListener('abort', interrupt, { once: true })
  return Promise.race([seen, late.promise]).finally(() => {
    timer.cancel()
    interrupted.removeEventListener('abort', interrupt)
  })
}
