import { harmless } from '../../show/text.ts'
import type { Key } from './keys.ts'

/** A line that is being written, and where: before how many of its characters. */
export interface EditedLine {
  readonly text: string
  readonly cursor: number
}

export const EMPTY_LINE: EditedLine = { text: '', cursor: 0 }

/** With the cursor behind it. */
export function lineOf(text: string): EditedLine {
  return { text, cursor: Array.from(text).length }
}

/** What a key makes of the line; the same line for one that means nothing here. */
export function edited(line: EditedLine, key: Key): EditedLine {
  const characters = Array.from(line.text)
  const edit = EDITS[key.name]
  if (edit !== undefined) return edit(characters, line.cursor)
  const added = key.name === 'paste' ? harmless(key.text ?? '') : key.name
  if (key.name !== 'paste' && Array.from(added).length !== 1) return line
  return replaced(characters, line.cursor, line.cursor, added)
}

type Edit = (characters: readonly string[], cursor: number) => EditedLine

const EDITS: Readonly<Record<string, Edit>> = {
  left: (characters, cursor) => at(characters, cursor - 1),
  right: (characters, cursor) => at(characters, cursor + 1),
  home: (characters) => at(characters, 0),
  end: (characters) => at(characters, characters.length),
  'ctrl-a': (characters) => at(characters, 0),
  'ctrl-e': (characters) => at(characters, characters.length),
  backspace: (characters, cursor) => replaced(characters, cursor - 1, cursor),
  delete: (characters, cursor) => replaced(characters, cursor, cursor + 1),
  'ctrl-u': (characters, cursor) => replaced(characters, 0, cursor),
  'ctrl-k': (characters, cursor) => replaced(characters, cursor, characters.length),
  'ctrl-w': (characters, cursor) => replaced(characters, startOfWord(characters, cursor), cursor),
}

function at(characters: readonly string[], cursor: number): EditedLine {
  return { text: characters.join(''), cursor: Math.max(0, Math.min(characters.length, cursor)) }
}

function replaced(characters: readonly string[], from: number, to: number, added = ''): EditedLine {
  const start = Math.max(0, from)
  const text = [...characters.slice(0, start), added, ...characters.slice(to)].join('')
  return { text, cursor: start + Array.from(added).length }
}

function startOfWord(characters: readonly string[], cursor: number): number {
  let start = cursor
  while (start > 0 && characters[start - 1] === ' ') start--
  while (start > 0 && characters[start - 1] !== ' ') start--
  return start
}
