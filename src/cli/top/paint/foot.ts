import { harmless, widthOf } from '../../show/text.ts'
import { type Prompt, viewOf } from '../steering/view.ts'
import { columnsOf, fitted } from './fit.ts'
import { ACCENT, type PaintScene } from './scene.ts'

/** The line at the bottom, and where the cursor is in it, if somebody writes there. */
export interface Foot {
  readonly line: string
  readonly cursor: number | undefined
}

/** What is being written or asked, else what there is to say, else what keys there are. */
export function foot(scene: PaintScene): Foot {
  const { state, size, ink } = scene
  const { question, prompt, note } = state
  if (question !== undefined) {
    const answers = ` ${ink.paint(ACCENT, 'y')} yes, ${ink.paint(ACCENT, 'any other key')} no`
    const room = size.columns - columnsOf(answers)
    return { line: fitted(ink.paint(['bold', 'yellow'], harmless(question.text)), room) + answers, cursor: undefined }
  }
  if (prompt !== undefined) return promptFoot(prompt, scene)
  if (note === undefined) return { line: hints(scene), cursor: undefined }
  const text = harmless(note.text)
  return { line: fitted(note.isBad ? ink.paint('red', text) : text, size.columns), cursor: undefined }
}

function promptFoot({ kind, line, about }: Prompt, { size, ink }: PaintScene): Foot {
  const start = { filter: '/', command: ':', input: `${harmless(about)}> ` }[kind]
  const before = Array.from(line.text).slice(0, line.cursor).join('')
  // What is too long moves to the left, as far as the cursor needs it.
  const room = Math.max(1, size.columns - widthOf(start) - 1)
  const visible = lastColumns(before, room)
  const after = Array.from(line.text).slice(line.cursor).join('')
  const text = fitted(`${ink.paint(ACCENT, start)}${visible}${after}`, size.columns)
  return { line: text, cursor: widthOf(start) + widthOf(visible) }
}

function lastColumns(text: string, width: number): string {
  const characters = Array.from(text)
  while (widthOf(characters.join('')) > width) characters.shift()
  return characters.join('')
}

type Hint = readonly [key: string, does: string]

const HINTS: Readonly<Record<'list' | 'logs' | 'detail' | 'help', readonly Hint[]>> = {
  list: [
    ['?', 'help'],
    ['⏎', 'focus'],
    ['/', 'filter'],
    [':', 'command'],
    ['q', 'quit'],
    ['d', 'detail'],
    ['p', 'previous'],
    ['r', 'restart'],
    ['s', 'stop'],
    ['i', 'input'],
    ['space', 'mark'],
    ['tab', 'logs'],
  ],
  logs: [
    ['?', 'help'],
    ['esc', 'back'],
    ['/', 'filter'],
    ['p', 'previous'],
    ['i', 'input'],
    ['r', 'restart'],
    ['d', 'detail'],
    ['w', 'wrap'],
    ['t', 'times'],
    ['G', 'follow'],
  ],
  detail: [
    ['?', 'help'],
    ['esc', 'back'],
    ['l', 'logs'],
    ['p', 'previous'],
    ['r', 'restart'],
    ['s', 'stop'],
    ['i', 'input'],
    ['j k', 'scroll'],
  ],
  help: [
    ['esc', 'back'],
    ['j k', 'scroll'],
  ],
}

/** As many as there is room for. */
function hints({ state, size, ink: { paint } }: PaintScene): string {
  let line = ''
  for (const [key, does] of HINTS[viewOf(state).kind]) {
    const longer = `${line === '' ? '' : `${line}  `}${paint(ACCENT, key)} ${paint('dim', does)}`
    if (columnsOf(longer) > size.columns) break
    line = longer
  }
  return line
}
