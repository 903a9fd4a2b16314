import { type CheckedPart, ValidationError, type ValidationIssue } from '../../base/errors.ts'
import type { InputOf, OutputOf, SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'

/** What the arguments, the result and the items of one method must be. What has no schema is not looked at. */
export interface MethodSchemas {
  /** One for each argument. There may not be more arguments than schemas. */
  readonly args?: readonly StandardSchema<any, any>[]
  readonly result?: StandardSchema<any, any>
  /** Of each item, where it returns a stream. */
  readonly item?: StandardSchema<any, any>
}

/** What is to be given to a function whose arguments have these schemas. */
export type GivenArgs<Schemas extends readonly StandardSchema<any, any>[]> = {
  -readonly [Index in keyof Schemas]: InputOf<Schemas[Index]>
}

/** What it gets then. */
export type CheckedArgs<Schemas extends readonly StandardSchema<any, any>[]> = {
  -readonly [Index in keyof Schemas]: OutputOf<Schemas[Index]>
}

/** @throws TypeError for what are no schemas. */
export function readSchemas(method: string, schemas: MethodSchemas): MethodSchemas {
  const { args, result, item, ...rest } = schemas
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined)
    throw new TypeError(`Cannot check ${method}: there is no "${unknown}"; give args, result or item`)
  if (args !== undefined && !Array.isArray(args))
    throw new TypeError(`Cannot check ${method}: its args are no list; give a schema for each argument`)
  for (const schema of [...(args ?? []), result, item])
    if (schema !== undefined && typeof schema['~standard']?.validate !== 'function')
      throw new TypeError(
        `Cannot check ${method}: ${String(schema)} is no Standard Schema; give one of zod, valibot, …`,
      )
  return schemas
}

/** What the schemas make of the arguments: at once, unless one of them takes its time. Throws, or rejects with, `ValidationError`. */
export function checkArguments(
  method: string,
  schemas: readonly StandardSchema<any, any>[] | undefined,
  args: readonly unknown[],
): readonly unknown[] | Promise<readonly unknown[]> {
  if (schemas === undefined) return args
  if (args.length > schemas.length) throw tooMany(method, schemas.length, args.length)
  const checked = schemas.map((schema, index) => checkValue(method, 'argument', index, schema, args[index]))
  // What was left out at the end is not sent as undefined.
  const trim = (values: readonly unknown[]): readonly unknown[] => values.slice(0, lengthOf(values, args.length))
  return checked.some((one) => one instanceof Promise) ? Promise.all(checked).then(trim) : trim(checked)
}

/** What the schema makes of a value. */
export function checkValue(
  method: string,
  part: CheckedPart,
  index: number | undefined,
  schema: StandardSchema<any, any>,
  value: unknown,
): unknown {
  const take = (outcome: SchemaResult<unknown>): unknown => {
    if (outcome.issues !== undefined) throw new ValidationError(method, part, index, outcome.issues.map(plainIssue))
    return outcome.value
  }
  const outcome = schema['~standard'].validate(value)
  return outcome instanceof Promise ? outcome.then(take) : take(outcome)
}

function lengthOf(values: readonly unknown[], given: number): number {
  let length = values.length
  while (length > given && values[length - 1] === undefined) length--
  return length
}

function tooMany(method: string, most: number, given: number): ValidationError {
  const message = `expected ${most} argument${most === 1 ? '' : 's'} at most, received ${given}`
  return new ValidationError(method, 'argument', most, [{ message, path: [] }])
}

function plainIssue({ message, path = [] }: SchemaIssue): ValidationIssue {
  const keys = path.map((step) => (typeof step === 'object' ? step.key : step))
  return { message, path: keys.map((key) => (typeof key === 'number' ? key : String(key))) }
}
