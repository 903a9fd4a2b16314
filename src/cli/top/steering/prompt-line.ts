import type { Key } from './keys.ts'
import { EMPTY_LINE, edited, lineOf } from './line-editor.ts'
import { refused } from './orders.ts'
import { type Prompt, type TopState, subjectOf, viewOf } from './view.ts'

/** Somebody begins to write. */
export function prompted(state: TopState, kind: Prompt['kind'], isReadOnly: boolean): TopState {
  if (kind === 'command') return { ...state, prompt: { kind, line: EMPTY_LINE, about: '' } }
  if (kind === 'filter') {
    const about = filterOf(state)
    return { ...state, prompt: { kind, line: lineOf(about), about } }
  }
  const subject = subjectOf(state)
  if (subject === undefined) return { ...state, note: { text: 'no worker is selected', isBad: true } }
  if (isReadOnly) return { ...state, note: refused('this view is read-only: nothing can be sent from here').note }
  return { ...state, prompt: { kind, line: EMPTY_LINE, about: subject } }
}

function filterOf(state: TopState): string {
  return viewOf(state).kind === 'logs' ? state.lineFilter : state.filter
}

/** Only what matches is shown, from now on. */
export function filtered(state: TopState, filter: string): TopState {
  return viewOf(state).kind === 'logs'
    ? { ...state, lineFilter: filter, anchor: undefined }
    : { ...state, filter, anchor: undefined }
}

/** A filter works while it is written. */
export function typed(state: TopState, key: Key): TopState {
  const { prompt } = state
  if (prompt === undefined) return state
  // What is empty already is left by one more backspace.
  if (key.name === 'backspace' && prompt.line.text === '') return cancelled(state)
  const line = edited(prompt.line, key)
  const next = { ...state, prompt: { ...prompt, line } }
  return prompt.kind === 'filter' ? filtered(next, line.text) : next
}

/** With another text in it. */
export function withLine(state: TopState, prompt: Prompt, text: string): TopState {
  return { ...state, prompt: { ...prompt, line: lineOf(text) } }
}

/** What was there before is there again. */
export function cancelled(state: TopState): TopState {
  const { prompt } = state
  const closed = { ...state, prompt: undefined }
  return prompt?.kind === 'filter' ? filtered(closed, prompt.about) : closed
}
