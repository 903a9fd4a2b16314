import { formatMillis } from '../../../base/units.ts'
import { wrapped } from '../../terminal.ts'
import type { ActProgress } from '../act.ts'
import { CAN_LOOK, type Tally } from '../tally.ts'
import type { Ink } from './view.ts'

/** What the whole demo has shown. */
export interface Outcome {
  readonly acts: readonly ActProgress[]
  readonly tally: Tally
  /** The processes that are left, when all should be gone. */
  readonly left: readonly number[]
  readonly took: number
}

export function isKept({ acts, left }: Outcome): boolean {
  return left.length === 0 && acts.every((act) => act.state === 'kept')
}

export function summary(outcome: Outcome, ink: Ink): string {
  const { tally } = outcome
  const ends = [...tally.ends].toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `${count} ${kind}`)
  return [
    '',
    `${ink.paint('bold', 'Seen')}  ${tally.started} processes started · ${tally.messages.toLocaleString('en')} messages · ${tally.restarts} restarts`,
    ...wrapped(`ends by cause: ${ends.join(', ')}`, '      ', ink.width),
    `${ink.paint('bold', 'Left')}  ${remains(outcome)}`,
    '',
    verdict(outcome, ink),
    '',
    ...NEXT,
    '',
  ].join('\n')
}

const NEXT = [
  'Try next:',
  '  npx pagent run --restart on-failure -- python3 -u worker.py',
  '  npx pagent run --help',
  '  README.md: the same from your own program, in ten lines',
]

function remains({ tally, left }: Outcome): string {
  if (!CAN_LOOK) return `this system has no /proc to look for the ${tally.processes} processes in`
  if (left.length === 0) return `0 of ${tally.processes} processes, looked up in /proc one by one`
  return `${left.length} of ${tally.processes} processes: ${left.join(', ')}`
}

function verdict(outcome: Outcome, { paint }: Ink): string {
  const { acts, took, left } = outcome
  const kept = acts.filter((act) => act.state === 'kept').length
  if (isKept(outcome)) return paint('green', `✓ all ${acts.length} promises kept, in ${formatMillis(took)}`)
  if (acts.some((act) => act.state === 'interrupted'))
    return paint('yellow', `– interrupted after ${formatMillis(took)}; ${kept} of ${acts.length} promises seen`)
  const broken = acts.filter((act) => act.state === 'broken').map((act) => act.act.title)
  if (left.length > 0) broken.push('nothing is left')
  return paint('red', `✗ ${kept} of ${acts.length} promises kept; not: ${broken.join(', ')}`)
}
