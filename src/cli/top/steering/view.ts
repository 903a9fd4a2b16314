import type { Action } from '../../../control/api/wire.ts'
import type { SortKey } from '../model/rows.ts'
import type { EditedLine } from './line-editor.ts'

/** What is on the screen; those below are where Esc leads back to. */
export type View =
  | { readonly kind: 'list' }
  | { readonly kind: 'logs'; readonly worker: string; readonly isPrevious: boolean }
  | { readonly kind: 'detail'; readonly worker: string }
  | { readonly kind: 'help' }

/** A line at the bottom that is being written. */
export interface Prompt {
  readonly kind: 'filter' | 'command' | 'input'
  readonly line: EditedLine
  /** The filter before, which Esc brings back; the worker whose input it is. */
  readonly about: string
}

/** Something that is not done before somebody says yes. */
export interface Question {
  readonly text: string
  readonly action: Action
}

/** The last thing we had to say. */
export interface Note {
  readonly text: string
  readonly isBad: boolean
}

/** What the person at the terminal has chosen. */
export interface TopState {
  readonly views: readonly View[]
  /** Whether arrows scroll the lines below the list. */
  readonly isReading: boolean
  readonly selected: string | undefined
  readonly marked: ReadonlySet<string>
  readonly sort: SortKey
  readonly filter: string
  /** Of the lines of one worker. */
  readonly lineFilter: string
  /** The first row of the list that is on the screen. */
  readonly offset: number
  /** Number of the last line that is on the screen; undefined follows what comes. */
  readonly anchor: number | undefined
  /** First line of a page of text that is on the screen. */
  readonly scroll: number
  readonly isWrapped: boolean
  readonly hasTimes: boolean
  readonly prompt: Prompt | undefined
  readonly question: Question | undefined
  readonly note: Note | undefined
}

export const FIRST_STATE: TopState = {
  views: [{ kind: 'list' }],
  isReading: false,
  selected: undefined,
  marked: new Set(),
  sort: 'fleet',
  filter: '',
  lineFilter: '',
  offset: 0,
  anchor: undefined,
  scroll: 0,
  isWrapped: false,
  hasTimes: false,
  prompt: undefined,
  question: undefined,
  note: undefined,
}

export function viewOf({ views }: TopState): View {
  return views.at(-1) ?? { kind: 'list' }
}

/** The worker that keys are about. */
export function subjectOf(state: TopState): string | undefined {
  const view = viewOf(state)
  return 'worker' in view ? view.worker : state.selected
}

/** Whether it is lines of logs that arrows move. */
export function isInLines(state: TopState): boolean {
  const { kind } = viewOf(state)
  return kind === 'logs' || (kind === 'list' && state.isReading)
}
