/** A command line in words, or why only a shell would understand it. */
export type CommandLine = { readonly words: readonly string[] } | { readonly problem: string }

/** What a shell would do with an unquoted character, and we do not. */
const OPERATORS = /[|&;<>()`\n]/

/**
 * Parts a command line into words as a POSIX shell does: blanks, quotes, backslashes. What only a shell can do (pipes,
 * redirections, variables, wildcards) is refused rather than passed on as if it meant nothing.
 */
export function wordsOf(line: string): CommandLine {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < line.length;) {
    const rest = line.slice(at)
    const piece = pieceOf(rest, word === undefined)
    if ('problem' in piece) return piece
    at += piece.length
    if (piece.text !== undefined) word = (word ?? '') + piece.text
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (word !== undefined) words.push(word)
  return words.length === 0 || words[0] === ''
    ? { problem: 'it is empty; give the name or the path of a program' }
    : { words }
}

/** What stands next: text of a word, or a blank, and how long it is. */
type Piece = { readonly length: number; readonly text: string | undefined } | { readonly problem: string }

function pieceOf(rest: string, isFirst: boolean): Piece {
  const next = rest[0] ?? ''
  if (/[ \t]/.test(next) || rest === '\n') return { length: 1, text: undefined }
  if (next === "'") return singleQuoted(rest)
  if (next === '"') return doubleQuoted(rest)
  if (next === '\\') return escaped(rest)
  if (OPERATORS.test(next)) return forShell(next === '\n' ? 'the end of a line' : next)
  if (/^\$[\w{(@*#?!-]/.test(rest)) return forShell(rest.slice(0, 20).split(/\s/, 1)[0] ?? '$')
  if (next === '*' || (isFirst && (next === '~' || next === '#'))) return forShell(next)
  return { length: 1, text: next }
}

function singleQuoted(rest: string): Piece {
  const end = rest.indexOf("'", 1)
  return end === -1 ? unclosed(rest) : { length: end + 1, text: rest.slice(1, end) }
}

function doubleQuoted(rest: string): Piece {
  let text = ''
  for (let at = 1; at < rest.length; at++) {
    const next = rest[at] ?? ''
    if (next === '"') return { length: at + 1, text }
    if (next === '`' || (next === '$' && /^\$[\w{(@*#?!-]/.test(rest.slice(at)))) return forShell(next)
    if (next !== '\\') text += next
    else if (/["\\$`]/.test(rest[at + 1] ?? '')) text += rest[++at] ?? ''
    else if (rest[at + 1] === '\n') at++
    else text += next
  }
  return unclosed(rest)
}

function escaped(rest: string): Piece {
  if (rest.length === 1) return { problem: 'it ends in a backslash' }
  return { length: 2, text: rest[1] === '\n' ? '' : rest[1] }
}

function unclosed(rest: string): Piece {
  return { problem: `a quote is opened and never closed: ${rest.slice(0, 40)}` }
}

function forShell(what: string): Piece {
  return { problem: `only a shell understands ${what}: quote it, or run one by ["sh", "-c", "…"]` }
}
