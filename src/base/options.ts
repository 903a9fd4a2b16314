/**
 * Refuses options that do not exist: a misspelt one would be ignored, and its writer would believe in it.
 *
 * @throws TypeError
 */
export function checkKeys(options: object, known: readonly string[], action: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) return
  throw new TypeError(`${action}: there is no option ${JSON.stringify(unknown)}; there are ${known.join(', ')}`)
}
