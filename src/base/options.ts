/**
 * Refuses options that do not exist: a misspelt one would be ignored, and its writer would believe in it.
 *
 * @throws TypeError
 */
export function checkKeys(options: object, known: readonly string[], action: string): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${action}: expected an object, not ${JSON.stringify(options) ?? String(options)}`)
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const there = `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`
  throw new TypeError(`${action}: there is no option ${JSON.stringify(unknown)}; ${there}`)
}

/** Without what was left undefined. */
export function said<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** A value that was given by mistake, for an error: text and numbers as they are, of all else what it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  const isPlain = typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null
  return isPlain ? String(value) : Array.isArray(value) ? 'an array' : `this ${typeof value}`
}

/** @throws TypeError for what cannot be a name. `what` is named, such as `worker`. */
export function checkId(id: unknown, what: string): string {
  if (typeof id === 'string' && id !== '' && id.length <= 200 && !/[\0-\x1f\x7f]/.test(id)) return id
  throw new TypeError(
    `Cannot name a ${what} ${JSON.stringify(id)}: expected 1 to 200 characters without control characters`,
  )
}

/** @throws RangeError for what is no whole number from `least` on. `what` names the option in the error. */
export function readWhole(value: unknown, what: string, least: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value
  throw new RangeError(`Cannot use ${String(value)} as ${what}: expected a whole number from ${least}`)
}
