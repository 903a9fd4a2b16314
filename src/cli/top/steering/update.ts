import type { Action } from '../../../control/api/wire.ts'
import { type Command, completed, readCommand } from './command-line.ts'
import type { Intent } from './intents.ts'
import { type Ground, moved } from './moves.ts'
import { type OrderScene, isOne, judge, refused } from './orders.ts'
import { cancelled, filtered, prompted, typed, withLine } from './prompt-line.ts'
import { type TopState, type View, subjectOf, viewOf } from './view.ts'

/** What has to be done outside, because of what somebody wants. */
export type Effect =
  | { readonly do: 'act'; readonly action: Action }
  | { readonly do: 'send'; readonly worker: string; readonly line: string }
  | { readonly do: 'quit'; readonly exitCode: number }
  | { readonly do: 'suspend' | 'repaint' }

export type Scene = Ground & OrderScene

export interface Updated {
  readonly state: TopState
  readonly effects: readonly Effect[]
}

/** Ctrl-C, as shells say it. */
const INTERRUPTED = 130

/** What an intent makes of the state; changes nothing by itself. */
export function update(state: TopState, intent: Intent, scene: Scene): Updated {
  const calm = { ...state, note: undefined }
  switch (intent.do) {
    case 'move':
      return only(moved(calm, intent.by, scene))
    case 'open':
      return only(opened(calm, intent.view, subjectOf(state)))
    case 'back':
      return only(back(calm))
    case 'leave':
      return state.views.length > 1 ? only(back(calm)) : { state: calm, effects: [{ do: 'quit', exitCode: 0 }] }
    case 'quit':
      return { state: calm, effects: [{ do: 'quit', exitCode: INTERRUPTED }] }
    case 'suspend':
    case 'repaint':
      return { state: calm, effects: [{ do: intent.do }] }
    case 'mark':
      return only(marked(calm, scene))
    case 'next-pane':
      return only({ ...calm, isReading: !state.isReading, anchor: undefined })
    case 'act':
      return ordered(calm, keyAction(intent.verb, targetsOf(state), scene), areMarksMeant(state, scene), scene)
    case 'answer':
      return answered(calm, intent.yes)
    case 'sort':
      return only({ ...calm, sort: state.sort === intent.by ? 'fleet' : intent.by })
    case 'toggle':
      return only({ ...calm, [intent.what]: !state[intent.what] })
    case 'prompt':
    case 'edit':
    case 'complete':
    case 'cancel':
    case 'submit':
      return written(calm, intent, scene)
  }
}

type Writing = Extract<Intent, { readonly do: 'prompt' | 'edit' | 'complete' | 'cancel' | 'submit' }>

/** What is about the line at the bottom. */
function written(state: TopState, intent: Writing, scene: Scene): Updated {
  const { prompt } = state
  switch (intent.do) {
    case 'prompt':
      return only(prompted(state, intent.kind, scene.isReadOnly))
    case 'edit':
      return only(typed(state, intent.key))
    case 'complete':
      if (prompt?.kind !== 'command') return only(state)
      return only(withLine(state, prompt, completed(prompt.line.text, scene.workers)))
    case 'cancel':
      return only(cancelled(state))
    case 'submit':
      return submitted(state, scene)
  }
}

function only(state: TopState): Updated {
  return { state, effects: [] }
}

function complaint(state: TopState, text: string): Updated {
  return only({ ...state, note: { text, isBad: true } })
}

// ── views ──

function opened(state: TopState, kind: 'logs' | 'previous' | 'detail' | 'help', worker: string | undefined): TopState {
  if (kind === 'help') return pushed(state, { kind })
  if (worker === undefined) return { ...state, note: { text: 'no worker is selected', isBad: true } }
  if (kind === 'detail') return pushed(state, { kind, worker })
  const view = viewOf(state)
  const wanted: View = { kind: 'logs', worker, isPrevious: kind === 'previous' }
  if (view.kind !== 'logs' || view.worker !== worker) return pushed(state, wanted)
  // The same key again leads back to this life.
  const isPrevious = kind === 'previous' && !view.isPrevious
  return { ...state, views: [...state.views.slice(0, -1), { ...wanted, isPrevious }], anchor: undefined }
}

function pushed(state: TopState, view: View): TopState {
  const below = state.views.filter((one) => one.kind !== view.kind)
  return { ...state, views: [...below, view], anchor: undefined, scroll: 0, lineFilter: '' }
}

/** One thing at a time: what was written, the view, the filter, the marks. */
function back(state: TopState): TopState {
  if (viewOf(state).kind === 'logs' && state.lineFilter !== '') return { ...state, lineFilter: '', anchor: undefined }
  if (state.views.length > 1)
    return { ...state, views: state.views.slice(0, -1), anchor: undefined, scroll: 0, lineFilter: '' }
  if (state.isReading) return { ...state, isReading: false, anchor: undefined }
  if (state.filter !== '') return { ...state, filter: '' }
  if (state.marked.size > 0) return { ...state, marked: new Set() }
  return { ...state, note: { text: 'q leaves; the fleet goes on', isBad: false } }
}

function marked(state: TopState, scene: Scene): TopState {
  if (state.selected === undefined) return state
  const marks = new Set(state.marked)
  if (!marks.delete(state.selected)) marks.add(state.selected)
  return moved({ ...state, marked: marks, isReading: false }, 'down', scene)
}

// ── orders ──

/** The marked, else the one that is selected or shown. */
function targetsOf(state: TopState): readonly string[] {
  const subject = subjectOf(state)
  if (viewOf(state).kind === 'list' && state.marked.size > 0) return [...state.marked]
  return subject === undefined ? [] : [subject]
}

/** Only when all of them can be seen in the list: what is hidden by a filter is asked about. */
function areMarksMeant(state: TopState, { rows }: Scene): boolean {
  if (viewOf(state).kind !== 'list' || state.marked.size === 0) return false
  const listed = new Set(rows.flatMap((row) => (row.kind === 'worker' ? [row.worker.id] : [])))
  return [...state.marked].every((id) => listed.has(id))
}

const UP = new Set<string>(['starting', 'running', 'degraded', 'backoff', 'scheduled'])

function keyAction(verb: 'restart' | 'stop-or-start' | 'kill', targets: readonly string[], { worker }: Scene): Action {
  if (verb === 'restart') return { action: 'restart', targets }
  if (verb === 'kill') return { action: 'signal', signal: 'SIGKILL', targets }
  const isUp = targets.some((id) => UP.has(worker(id)?.state ?? ''))
  return { action: isUp ? 'stop' : 'start', targets }
}

function ordered(state: TopState, action: Action, isDeliberate: boolean, scene: Scene): Updated {
  const verdict = judge({ action, isDeliberate }, scene)
  if (verdict.kind === 'refused') return only({ ...state, note: verdict.note })
  if (verdict.kind === 'asked') return only({ ...state, question: verdict.question })
  return { state: { ...state, marked: new Set() }, effects: [{ do: 'act', action }] }
}

function answered(state: TopState, yes: boolean): Updated {
  const { question } = state
  const settled = { ...state, question: undefined }
  if (!yes || question === undefined) return only({ ...settled, note: { text: 'not done', isBad: false } })
  return { state: { ...settled, marked: new Set() }, effects: [{ do: 'act', action: question.action }] }
}

// ── the line at the bottom ──

function submitted(state: TopState, scene: Scene): Updated {
  const { prompt } = state
  const closed = { ...state, prompt: undefined }
  if (prompt === undefined || prompt.kind === 'filter') return only(closed)
  const { text } = prompt.line
  if (prompt.kind === 'input')
    // The next line can be written at once.
    return { state: withLine(state, prompt, ''), effects: [{ do: 'send', worker: prompt.about, line: text }] }
  if (text.trim() === '') return only(closed)
  try {
    return commanded(closed, readCommand(text), scene)
  } catch (error) {
    return complaint(closed, (error as Error).message)
  }
}

function commanded(state: TopState, command: Command, scene: Scene): Updated {
  switch (command.kind) {
    case 'act':
      return commandedAction(state, command.action, scene)
    case 'send':
      return scene.isReadOnly
        ? only({ ...state, note: refused('this view is read-only: nothing can be sent from here').note })
        : { state, effects: [{ do: 'send', worker: command.worker, line: command.line }] }
    case 'open': {
      const { worker, view } = command
      if (worker !== undefined && scene.worker(worker) === undefined)
        return complaint(state, unknownText(worker, scene))
      return only(opened(state, view, worker ?? subjectOf(state)))
    }
    case 'sort':
      return only({ ...state, sort: command.by })
    case 'filter':
      return only(filtered(state, command.filter))
    case 'quit':
      return { state, effects: [{ do: 'quit', exitCode: 0 }] }
  }
}

function unknownText(worker: string, scene: Scene): string {
  const verdict = judge(
    { action: { action: 'start', targets: [worker] }, isDeliberate: true },
    { ...scene, isReadOnly: false },
  )
  return verdict.kind === 'refused' ? verdict.note.text : `${worker} is not one worker; name one of them`
}

function commandedAction(state: TopState, action: Action, scene: Scene): Updated {
  if (action.targets.length === 0)
    return ordered(state, { ...action, targets: targetsOf(state) }, areMarksMeant(state, scene), scene)
  return ordered(state, action, isOne(action.targets, scene.workers), scene)
}
