/**
 * What libraries of schemas have in common: zod, valibot, arktype and others (https://standardschema.dev). The types alone:
 * nothing of any library is imported.
 */
export interface StandardSchema<Input = any, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** A value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema takes, and what it makes of that. */
export type InputOf<Schema extends StandardSchema<any, any>> = NonNullable<Schema['~standard']['types']>['input']
export type OutputOf<Schema extends StandardSchema<any, any>> = NonNullable<Schema['~standard']['types']>['output']
