import assert from 'node:assert/strict'
import { inspect, isDeepStrictEqual } from 'node:util'

/** Node 22 finds no invalid date equal to another. */
const comparesDates = isDeepStrictEqual(new Date(Number.NaN), new Date(Number.NaN))

/** `assert.deepEqual` that also knows an invalid date when it sees one. */
export function assertSame(actual: unknown, expected: unknown): void {
  if (!comparesDates && written(actual) === written(expected)) return
  assert.deepEqual(actual, expected)
}

function written(value: unknown): string {
  return inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null, showHidden: true })
}
