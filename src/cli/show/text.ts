/** Text that moves no cursor, takes one line, and turns the direction of none. */
export function harmless(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
}

/** Cut to so many characters. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let used = 1
  let kept = ''
  for (const character of text) {
    used += widthOf(character)
    if (used > width) break
    kept += character
  }
  return `${kept}…`
}

/** Filled up to so many columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const gap = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + gap : gap + text
}

const PLAIN = /^[\x20-\x7e]*$/
/** Accents that stand on what is before them, joiners, and what chooses between text and picture. */
const NO_COLUMN = /\p{Mn}|\p{Me}|[\u{200b}-\u{200f}]/gu
/** What terminals show in two columns: emoji, and the scripts of East Asia. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/gu

/** Columns on a terminal, as nearly as terminals agree. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  const seen = text.replaceAll(NO_COLUMN, '')
  return Array.from(seen).length + (seen.match(WIDE)?.length ?? 0)
}

/** A word as a POSIX shell reads it. */
export function quoted(word: string): string {
  return /^[\w@%+:,./=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
