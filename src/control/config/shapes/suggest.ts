/** `; did you mean "memory"?` for the word that is nearest to what was written, or nothing. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const nearest = nearestOf(written, known)
  return nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`
}

/** The nearest of the words, if it is near enough to have been meant. */
export function nearestOf(written: string, known: Iterable<string>): string | undefined {
  const wanted = fold(written.slice(0, 100))
  let best: string | undefined
  let least = Math.floor(Math.max(wanted.length, 3) / 3) + 1
  for (const word of known) {
    const distance = distanceOf(wanted, fold(word), least)
    if (distance < least) [best, least] = [word, distance]
  }
  return best ?? onlyWith(wanted, known)
}

/** TERM is SIGTERM. */
function onlyWith(part: string, known: Iterable<string>): string | undefined {
  if (part.length < 3) return undefined
  const [first, ...more] = [...known].filter((word) => fold(word).includes(part))
  return more.length === 0 ? first : undefined
}

/** Whoever writes readyTimeout for ready_timeout has not mistyped. */
function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[_\-\s]/g, '')
}

/** Letters inserted, left out, replaced, or exchanged with a neighbour; `limit` where there are so many. */
function distanceOf(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) current.push(step(a, b, row, column, before, last, current))
    ;[before, last] = [last, current]
  }
  return Math.min(limit, last[b.length] ?? limit)
}

function step(
  a: string,
  b: string,
  row: number,
  column: number,
  before: number[],
  last: number[],
  now: number[],
): number {
  const same = a[row - 1] === b[column - 1]
  const least = Math.min((last[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1))
  const isExchanged = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
  return isExchanged ? Math.min(least, (before[column - 2] ?? 0) + 1) : least
}
