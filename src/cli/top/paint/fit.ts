import { widthOf } from '../../show/text.ts'

/** A colour, or a character. */
const PARTS = /\x1b\[[\d;:]*m|[^]/gu
const PLAIN = /^[\x20-\x7e]*$/
/** What turns the direction of a line, or ends it. */
const DISTURBING = /[\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
const TAB = 4

/** In one line, with blanks for tabs, that nothing in it can turn around. Colours stay. */
export function levelled(text: string): string {
  return text.replaceAll('\t', ' '.repeat(TAB)).replaceAll(/\r?\n/g, ' ⏎ ').replaceAll(DISTURBING, '')
}

/** At most so many columns, with `…` for what is cut; colours count nothing, and end with the line. */
export function fitted(text: string, width: number): string {
  if (PLAIN.test(text) && text.length <= width) return text
  const [line = '', more] = folded(text, width, 2)
  if (more === undefined) return line
  const [shorter = ''] = folded(text, width - 1, 1)
  return `${shorter}…`
}

/** In pieces of at most so many columns, and at most so many pieces; a colour goes on in the next one. */
export function folded(text: string, width: number, most: number): string[] {
  if (width < 1) return ['']
  if (PLAIN.test(text)) return sliced(text, width, most)
  const pieces: string[] = []
  let [piece, used, colour] = ['', 0, '']
  const close = (): void => void pieces.push(colour === '' ? piece : `${piece}\x1b[0m`)
  for (const [part] of text.matchAll(PARTS)) {
    if (part.length > 1 && part.startsWith('\x1b')) {
      colour = /^\x1b\[0*m$/.test(part) ? '' : colour + part
      piece += part
      continue
    }
    const columns = part === '\x1b' ? 0 : widthOf(part)
    if (used + columns > width) {
      close()
      if (pieces.length === most) return pieces
      ;[piece, used] = [colour, 0]
    }
    piece += part
    used += columns
  }
  close()
  return pieces
}

function sliced(text: string, width: number, most: number): string[] {
  const pieces = [text.slice(0, width)]
  for (let at = width; at < text.length && pieces.length < most; at += width) pieces.push(text.slice(at, at + width))
  return pieces
}

/** Columns without its colours. */
export function columnsOf(text: string): number {
  return widthOf(text.replaceAll(/\x1b\[[\d;:]*m/g, ''))
}

/** `left` at the left end of the line and `right` at the right one; `right` gives way when there is no room for both. */
export function spread(left: string, right: string, width: number): string {
  const gap = width - columnsOf(left) - columnsOf(right)
  if (right === '') return fitted(left, width)
  if (gap >= 2) return `${left}${' '.repeat(gap)}${right}`
  const room = width - columnsOf(left) - 2
  return room < 8 ? fitted(left, width) : `${left}  ${fitted(right, room)}`
}
