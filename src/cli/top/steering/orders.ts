import type { Action, WorkerStatus } from '../../../control/api/wire.ts'
import { chosen } from '../../fleet/names.ts'
import { harmless } from '../../show/text.ts'
import type { Note, Question } from './view.ts'

/** What becomes of an order: it is done, asked about first, or refused. */
export type Verdict =
  | { readonly kind: 'done'; readonly action: Action }
  | { readonly kind: 'asked'; readonly question: Question }
  | { readonly kind: 'refused'; readonly note: Note }

export interface Order {
  readonly action: Action
  /** Whether somebody has said whom he means: he has marked them, or written the name of one. */
  readonly isDeliberate: boolean
}

export interface OrderScene {
  readonly workers: readonly WorkerStatus[]
  readonly fleet: string
  readonly isReadOnly: boolean
}

/** Nothing that ends a life is done by one key alone. */
export function judge({ action, isDeliberate }: Order, { workers, fleet, isReadOnly }: OrderScene): Verdict {
  if (isReadOnly) return refused('this view is read-only: nothing can be changed from here')
  const [none] = action.targets.length === 0 ? ['no worker is selected'] : []
  if (none !== undefined) return refused(none)
  let meant: readonly WorkerStatus[]
  try {
    meant = chosen(workers, action.targets, fleet)
  } catch (error) {
    return refused((error as Error).message)
  }
  if (isDeliberate || action.action === 'start') return { kind: 'done', action }
  return { kind: 'asked', question: { text: questionText(action, meant), action } }
}

/** Only one is meant, and it is named. */
export function isOne(targets: readonly string[], workers: readonly WorkerStatus[]): boolean {
  return targets.length === 1 && workers.some(({ id }) => id === targets[0])
}

export function refused(text: string): Extract<Verdict, { readonly kind: 'refused' }> {
  return { kind: 'refused', note: { text, isBad: true } }
}

/** `restart web`, `stop 12 workers (web-1, web-2, …)` */
export function actionText(action: Action, meant: readonly string[]): string {
  const verb = action.action === 'signal' ? `send ${action.signal} to` : action.action
  const [first = '', ...others] = meant.map(harmless)
  if (others.length === 0) return `${verb} ${first}`
  const some = [first, ...others].slice(0, 3).join(', ')
  return `${verb} ${meant.length} workers (${some}${meant.length > 3 ? ', …' : ''})`
}

function questionText(action: Action, meant: readonly WorkerStatus[]): string {
  const text = actionText(
    action,
    meant.map(({ id }) => id),
  )
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}?`
}
