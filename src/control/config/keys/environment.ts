import type { Found, Problems } from '../found/found.ts'
import { type Named, list, named, oneOrMore } from '../shapes/collections.ts'
import { FLAG, LOOSE_TEXT, scalar, text } from '../shapes/scalars.ts'
import { type Shape, anyOf, forms, mapped, refuse } from '../shapes/shape.ts'
import { table } from '../shapes/table.ts'

/** A variable: its value, null to remove it, undefined to take it from whoever starts the fleet. */
export type Variable = Named<string | null | undefined>

/** `null` or `~`, written out. */
const REMOVED: Shape<{ readonly value: null }> = {
  expected: 'null',
  schema: { type: 'null' },
  read: () => ({ value: null }),
}

const VALUE: Shape<{ readonly value: string | null }> = {
  expected: 'text, a number, or null to remove the variable',
  schema: anyOf([LOOSE_TEXT.schema, REMOVED.schema]),
  read: (found, problems) => {
    if (isNothing(found)) return readNothing(found, problems)
    const value = found.kind === 'scalar' ? LOOSE_TEXT.read(found, problems) : refuse(found, problems, VALUE.expected)
    return value === undefined ? undefined : { value }
  },
}

function isNothing(found: Found): boolean {
  return found.kind === 'scalar' && (found.value === null || found.value === undefined)
}

/** An empty value is a riddle: compose would take the variable from outside, where it is inherited anyway. */
function readNothing(found: Found, problems: Problems): { readonly value: null } | undefined {
  if (found.kind === 'scalar' && found.text !== '') return { value: null }
  problems.add(
    found.place,
    'this variable has no value; write "" for an empty one, null to remove it, or leave it out to inherit it',
  )
  return undefined
}

const MAP: Shape<readonly Variable[]> = {
  ...named(VALUE, 'a map of variables'),
  read: (found, problems) => {
    if (found.kind !== 'map') return refuse(found, problems, MAP.expected)
    return found.entries.flatMap(({ key, place, value }) => {
      const read = VALUE.read(value, problems)
      return read === undefined ? [] : [{ name: key, place, value: read.value }]
    })
  },
}

/** `KEY=value`, or `KEY` alone. */
const ASSIGNMENT: Shape<Variable> = mapped(text('KEY=value'), (written, { place }) => {
  const at = written.indexOf('=')
  return {
    name: at === -1 ? written : written.slice(0, at),
    place,
    value: at === -1 ? undefined : written.slice(at + 1),
  }
})

export const ENVIRONMENT: Shape<readonly Variable[]> = mapped(
  forms({ map: MAP, list: list(ASSIGNMENT, 'a list of KEY=value') }),
  (variables, _, problems) => {
    const before = problems.count
    for (const { name, place, value } of variables) {
      const fault = faultOf(name, value ?? '')
      if (fault !== undefined) problems.add(place, fault)
    }
    return problems.count > before ? undefined : variables
  },
)

function faultOf(name: string, value: string): string | undefined {
  if (name === '' || /[=\0]/.test(name) || name === '__proto__')
    return `${JSON.stringify(name)} cannot be the name of an environment variable`
  return value.includes('\0') ? `the environment variable ${name} contains a NUL character` : undefined
}

/** The names of the only variables that are inherited. */
export const INHERITED: Shape<readonly string[]> = list(
  mapped(text('the name of a variable'), (name, { place }, problems) => {
    const fault = faultOf(name, '')
    if (fault === undefined) return name
    problems.add(place, fault)
    return undefined
  }),
  'a list of names of variables',
)

/** A file of variables, and whether it must be there. */
export interface EnvFile {
  readonly path: string
  readonly required: boolean
}

const PATH: Shape<EnvFile> = mapped(text('a path'), (path) => ({ path, required: true }))

const OPTIONAL_PATH: Shape<EnvFile> = mapped(
  table('a map with path and required', {
    path: { shape: text('a path'), about: 'The file.' },
    required: { shape: FLAG, about: 'Whether it must exist.', fallback: 'true' },
  }),
  (given, found, problems) => {
    const path = given.get('path')
    if (path === undefined && !given.has('path')) problems.add(found.place, 'path is missing')
    return path === undefined ? undefined : { path, required: given.get('required') ?? true }
  },
)

export interface PlacedEnvFile extends EnvFile {
  readonly found: Found
}

export const ENV_FILES: Shape<readonly PlacedEnvFile[]> = oneOrMore(
  mapped(forms({ scalar: PATH, map: OPTIONAL_PATH }), (file, found) => ({ ...file, found })),
)

/** A folder or a file: what a shell would make of ~ we do not. */
export const PATH_TEXT: Shape<string> = scalar('a path', { type: 'string', minLength: 1 }, ({ value }) =>
  typeof value === 'string' && value !== '' && !value.includes('\0') && !/^~(?:\/|$)/.test(value) ? value : undefined,
)
