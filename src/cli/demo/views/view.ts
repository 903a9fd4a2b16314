import type { ActProgress } from '../act.ts'
import { wrapped } from '../../terminal.ts'
import { cut, harmless } from '../../show/text.ts'
import type { Audience } from '../stage.ts'

/** How the demo looks. */
export interface View extends Audience {
  began(act: ActProgress): void
  ended(act: ActProgress): void
  /** Gives the terminal back as it was. */
  close(): void
}

type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'cyan' | 'yellow', text: string) => string

/** What the views write with. */
export interface Ink {
  readonly paint: Paint
  /** How long a line may get. */
  readonly width: number
  write(text: string): void
}

const MARKS = { waiting: '·', playing: '▸', kept: '✓', broken: '✗', interrupted: '–' } as const
const STYLES = { waiting: 'dim', playing: 'cyan', kept: 'green', broken: 'red', interrupted: 'yellow' } as const

/** `✓  3 What crashes comes back` */
export function headline(progress: ActProgress, { paint }: Ink, width = 200): string {
  const { state, number, act } = progress
  const text = cut(`${String(number).padStart(2)} ${act.title}`, width - 2)
  return `${paint(STYLES[state], MARKS[state])} ${state === 'waiting' ? paint('dim', text) : text}`
}

/** The headline, and below it what was seen. */
export function report(progress: ActProgress, ink: Ink): string {
  const facts = progress.facts.flatMap((fact) => wrapped(harmless(fact), '     ', ink.width))
  return [headline(progress, ink), ...facts.map((line) => ink.paint('dim', line))].join('\n')
}
