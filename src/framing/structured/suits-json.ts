/**
 * Whether JSON carries a value without a change, and about as fast as anything: strings, booleans, null, finite numbers
 * but -0, and plain objects and arrays of these. An object with a `toJSON`, a member of undefined or a hole in an array
 * does not suit, nor does what is nested deeper than 100 levels, as a cycle is; nor a long string or many fractions,
 * because JSON looks at each character and writes each digit of what V8 copies.
 *
 * What a value that suits may lose is identity: an object that it holds twice is two afterwards; and names given to an
 * array, which are looked for only where a match of a regular expression has them. To look for others takes as long as
 * to write the array.
 */
export function suitsJson(value: unknown): boolean {
  left = OBJECTS_MAX
  try {
    return suits(value, DEPTH_MAX)
  } catch {
    // A getter has thrown: whoever writes the message meets it again, and can say so.
    return false
  }
}

const DEPTH_MAX = 100
/** An object that is held many times, over and over, would be looked at for ever: 2 ** 100 times. */
const OBJECTS_MAX = 1_000_000
/** Characters from which on a string costs more as JSON than all that a frame costs. */
const LONG = 8192
/** The same for the fractions in one array. */
const FRACTIONS_MAX = 128

/** How many objects may still be looked at. */
let left = 0

function suits(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.length < LONG
  if (typeof value === 'number') return isExact(value)
  if (typeof value === 'boolean' || value === null) return true
  return typeof value === 'object' && depth > 0 && left-- > 0 && suitsObject(value, depth - 1)
}

const isExact = (value: number): boolean => Number.isFinite(value) && !Object.is(value, -0)

function suitsObject(value: object, depth: number): boolean {
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
  if (Array.isArray(value)) return suitsArray(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  // An inherited member, which only `Object.prototype` could have, is looked at for nothing.
  for (const name in value) if (!suits((value as Record<string, unknown>)[name], depth)) return false
  return true
}

function suitsArray(values: readonly unknown[] & { index?: unknown }, depth: number): boolean {
  if (Object.getPrototypeOf(values) !== Array.prototype || values.index !== undefined) return false
  let fractions = 0
  // By index: it finds the holes, which are undefined.
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (!suits(value, depth)) return false
    if (typeof value === 'number' && !Number.isInteger(value)) fractions++
  }
  return fractions < FRACTIONS_MAX
}
