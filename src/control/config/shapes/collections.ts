import { type Found, type FoundMap, type Place, type Problems, isAbsent } from '../found/found.ts'
import { type Shape, anyOf, refuse } from './shape.ts'

/** Several of one kind. */
export function list<T>(item: Shape<T>, expected = `a list of ${item.expected}`): Shape<readonly T[]> {
  return {
    expected,
    schema: { type: 'array', items: item.schema },
    read: (found, problems) => {
      if (found.kind !== 'list') return refuse(found, problems, expected)
      const items = found.items.map((each) => item.read(each, problems))
      const read = items.filter((each) => each !== undefined)
      return read.length < items.length ? undefined : read
    },
  }
}

/** What stands under a name that its writer chose. */
export interface Named<T> {
  readonly name: string
  /** Of the name. */
  readonly place: Place
  readonly value: T
}

/** Names, and something of one kind under each; in the order of the file. */
export function named<T>(item: Shape<T>, expected: string, pattern?: RegExp): Shape<readonly Named<T>[]> {
  return {
    expected,
    schema: {
      type: 'object',
      additionalProperties: item.schema,
      ...(pattern === undefined ? {} : { propertyNames: { pattern: pattern.source } }),
    },
    read: (found, problems) => {
      if (found.kind !== 'map') return refuse(found, problems, expected)
      const present = found.entries.filter(({ value }) => !isAbsent(value))
      const values = present.map(({ key, place, value }) => ({ name: key, place, value: item.read(value, problems) }))
      return values.filter((each): each is Named<T> => each.value !== undefined)
    },
  }
}

/** Read as it is: JSON. */
export const ANYTHING: Shape<{ readonly json: unknown }> = {
  expected: 'anything that JSON can hold',
  schema: {},
  read: (found, problems) => {
    const before = problems.count
    const json = plainOf(found, problems)
    if (json === UNFIT) refuse(found, problems, ANYTHING.expected)
    if (json === BROKEN) return undefined
    return problems.count > before ? undefined : { json }
  },
}

const UNFIT = Symbol('no JSON')
/** It could not be read, and that has been said. */
const BROKEN = Symbol('not read')

function plainOf(found: Found, problems: Problems): unknown {
  if (found.kind === 'broken') return refuse(found, problems, ANYTHING.expected) ?? BROKEN
  if (found.kind === 'scalar') return isJson(found.value) ? found.value : UNFIT
  if (found.kind === 'list')
    return allOf(
      found.items.map((item) => plainOf(item, problems)),
      (items) => items,
    )
  return allOf(
    found.entries.map(({ value }) => plainOf(value, problems)),
    (values) => keyed(found, values),
  )
}

function isJson(value: unknown): boolean {
  return value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value)
}

function allOf(values: readonly unknown[], make: (values: readonly unknown[]) => unknown): unknown {
  if (values.includes(BROKEN)) return BROKEN
  return values.includes(UNFIT) ? UNFIT : make(values)
}

function keyed(map: FoundMap, values: readonly unknown[]): object {
  return Object.fromEntries(map.entries.map(({ key }, index) => [key, values[index]]))
}

/** One, or a list of them. */
export function oneOrMore<T>(item: Shape<T>): Shape<readonly T[]> {
  const many = list(item)
  const expected = `${item.expected}, or a list`
  return {
    expected,
    schema: anyOf([item.schema, many.schema]),
    read: (found, problems) => {
      if (found.kind === 'list') return many.read(found, problems)
      const one = item.read(found, problems)
      return one === undefined ? undefined : [one]
    },
  }
}
