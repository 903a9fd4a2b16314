import { type Bytes, type Millis, parseBytes, parseMillis } from '../../../base/units.ts'
import type { Found, FoundScalar } from '../found/found.ts'
import { type JsonSchema, type Shape, anyOf, orVariable, refuse, VARIABLE } from './shape.ts'
import { didYouMean } from './suggest.ts'

/** Text that means something only as text. */
export function text(expected = 'text', pattern?: RegExp): Shape<string> {
  return scalar(
    expected,
    pattern === undefined ? { type: 'string', minLength: 1 } : orVariable({ type: 'string', pattern: pattern.source }),
    ({ value }) => (typeof value === 'string' && value !== '' && (pattern?.test(value) ?? true) ? value : undefined),
  )
}

/** Text that may look like a number: arguments, variables. It keeps its digits. */
export const LOOSE_TEXT: Shape<string> = scalar(
  'text or a number',
  { type: ['string', 'number', 'boolean'] },
  ({ value, text: written }) => (['string', 'number', 'boolean'].includes(typeof value) ? written : undefined),
)

/** One of some words; `words` maps what may be written to what it means. */
export function word<T>(words: Readonly<Record<string, T>>): Shape<T> {
  const names = Object.keys(words)
  const expected = listed(names)
  return {
    expected,
    schema: orVariable({ enum: names }),
    read: (found, problems) => {
      const written = found.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined
      if (written !== undefined && Object.hasOwn(words, written)) return words[written]
      return refuse(found, problems, expected, written === undefined ? '' : didYouMean(written, names))
    },
  }
}

/** Words that stand for themselves. */
export function oneOf<W extends string>(...names: readonly W[]): Shape<W> {
  return word(Object.fromEntries(names.map((name) => [name, name])) as Record<W, W>)
}

export const FLAG: Shape<boolean> = scalar('true or false', orVariable({ type: 'boolean' }), ({ value, loose }) => {
  if (loose && (value === 'true' || value === 'false')) return value === 'true'
  return typeof value === 'boolean' ? value : undefined
})

export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Shape<number> {
  const isBounded = most < Number.MAX_SAFE_INTEGER
  const expected = `a whole number from ${least}${isBounded ? ` to ${most}` : ''}`
  const schema = { type: 'integer', minimum: least, ...(isBounded ? { maximum: most } : {}) }
  return scalar(expected, orVariable(schema), (found) => {
    const number = numberOf(found)
    return number !== undefined && Number.isSafeInteger(number) && number >= least && number <= most
      ? number
      : undefined
  })
}

export function decimal(least: number, most: number): Shape<number> {
  const schema = { type: 'number', minimum: least, ...(most < Infinity ? { maximum: most } : {}) }
  const expected = most < Infinity ? `a number from ${least} to ${most}` : `a number from ${least}`
  return scalar(expected, orVariable(schema), (found) => {
    const value = numberOf(found)
    return value !== undefined && Number.isFinite(value) && value >= least && value <= most ? value : undefined
  })
}

const NUMBER = String.raw`\d+(\.\d+)?`

/** In milliseconds. `1m30s` is compose's way to write it. */
export function duration(least = 0): Shape<number> {
  const expected = `a duration${above(least)} such as 500ms, 10s or 1m30s, or milliseconds`
  const pattern = `^\\s*(${NUMBER}|(${NUMBER}\\s*(ms|s|m|h|d))+)\\s*$`
  return scalar(expected, unit(pattern, least), ({ value, text: written }) => {
    const parts = typeof value === 'string' ? partsOf(written) : [value]
    return fits(
      sumOf(parts, (part) => parseMillis(part as Millis, 'it')),
      least,
    )
  })
}

function partsOf(written: string): readonly string[] {
  const compound = new RegExp(`^\\s*(?:${NUMBER}\\s*(?:ms|s|m|h|d)){2,}\\s*$`)
  return compound.test(written) ? (written.match(/\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)/g) ?? [written]) : [written]
}

function sumOf(parts: readonly unknown[], read: (part: unknown) => number): number {
  return parts.reduce((sum: number, part) => sum + read(part), 0)
}

/** In bytes. */
export function size(least = 0): Shape<number> {
  const expected = `a size${above(least)} such as 64KiB, 256MiB or 1.5GiB, or bytes`
  return scalar(expected, unit(`^\\s*${NUMBER}\\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)?\\s*$`, least), ({ value }) =>
    fits(parseBytes(value as Bytes, 'it'), least),
  )
}

function above(least: number): string {
  return least > 1 ? ` of at least ${least}` : least > 0 ? ' above 0' : ''
}

/** Infinity means that there is none: leave it out. It has no place in JSON. */
function fits(value: number, least: number): number | undefined {
  return value >= least && value <= Number.MAX_SAFE_INTEGER ? value : undefined
}

function unit(pattern: string, least: number): JsonSchema {
  return anyOf([{ type: 'number', minimum: least }, { type: 'string', pattern }, VARIABLE])
}

/** One value; what `parse` throws or does not know is refused. */
export function scalar<T>(
  expected: string,
  schema: JsonSchema,
  parse: (found: FoundScalar) => T | undefined,
): Shape<T> {
  return {
    expected,
    schema,
    read: (found, problems) => {
      const value = found.kind === 'scalar' ? attempt(() => parse(found)) : undefined
      return value === undefined ? refuse(found, problems, expected) : value
    },
  }
}

function attempt<T>(parse: () => T | undefined): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined
    throw error
  }
}

/** The number it is, or that its variable held. */
function numberOf(found: Found): number | undefined {
  if (found.kind !== 'scalar') return undefined
  if (typeof found.value === 'number') return found.value
  return found.loose && /^-?\d+(\.\d+)?$/.test(found.text.trim()) ? Number(found.text) : undefined
}

/** `a, b or c`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`
}
