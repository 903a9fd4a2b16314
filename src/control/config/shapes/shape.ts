import { type Found, type Problems, shown } from '../found/found.ts'

/** A JSON Schema, draft 7, which editors know best. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** What may stand somewhere: how it is read, and how an editor is told. */
export interface Shape<T> {
  /** As in `expected a duration such as 10s`. */
  readonly expected: string
  readonly schema: JsonSchema
  /** Undefined, and a problem, for what it is not. */
  read(found: Found, problems: Problems): T | undefined
}

/** Says what was expected instead; nothing where it is known already that it cannot be read. */
export function refuse(found: Found, problems: Problems, expected: string, more = ''): undefined {
  if (found.kind !== 'broken') problems.add(found.place, `expected ${expected}, not ${shown(found)}${more}`)
  else if (found.problem !== undefined) problems.add(found.place, found.problem)
}

/** Either of several forms: by one value, by a list, by a map. */
export function forms<T>(by: {
  readonly scalar?: Shape<T>
  readonly list?: Shape<T>
  readonly map?: Shape<T>
}): Shape<T> {
  const all = [by.scalar, by.list, by.map].filter((shape) => shape !== undefined)
  const expected = all.map((shape) => shape.expected).join(', or ')
  return {
    expected,
    schema: anyOf(all.map(({ schema }) => schema)),
    read: (found, problems) => {
      const shape = found.kind === 'broken' ? undefined : by[found.kind]
      return shape === undefined ? refuse(found, problems, expected) : shape.read(found, problems)
    },
  }
}

/** Reads by a shape, and makes something of it; `make` may report and return undefined. */
export function mapped<A, B>(
  shape: Shape<A>,
  make: (value: A, found: Found, problems: Problems) => B | undefined,
): Shape<B> {
  return {
    ...shape,
    read: (found, problems) => {
      const value = shape.read(found, problems)
      return value === undefined ? undefined : make(value, found, problems)
    },
  }
}

/** What a variable may stand for, too: `${NAME}`. */
export const VARIABLE: JsonSchema = { $ref: '#/definitions/variable' }

export function orVariable(schema: JsonSchema): JsonSchema {
  return anyOf([schema, VARIABLE])
}

export function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
  const flat = schemas.flatMap((schema) =>
    Object.keys(schema).join() === 'anyOf' ? (schema['anyOf'] as JsonSchema[]) : [schema],
  )
  const different = [...new Map(flat.map((schema) => [JSON.stringify(schema), schema])).values()]
  return different.length === 1 ? (different[0] ?? {}) : { anyOf: different }
}
