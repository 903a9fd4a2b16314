import { DEFINITIONS, FLEET } from '../keys/tables.ts'
import type { JsonSchema } from '../shapes/shape.ts'

/** Where editors find it; the file is in the package, too. */
export const SCHEMA_URL = 'https://unpkg.com/pagent/schema/pagent.schema.json'

/** The schema of `pagent.yaml`, from the table of keys that the loader reads by. */
export function fleetSchema(): JsonSchema {
  const definitions = Object.entries(DEFINITIONS).map(([name, { schema }]) => [name, schema])
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: SCHEMA_URL,
    title: 'A fleet of pagent',
    description: 'What pagent up runs: https://www.npmjs.com/package/pagent',
    ...FLEET.schema,
    anyOf: ['workers', 'services', 'pools', 'groups'].map((key) => ({ required: [key] })),
    definitions: {
      variable: { type: 'string', pattern: String.raw`\$` },
      ...Object.fromEntries(definitions),
    },
  }
}

/** The schema as it lies in the package. */
export function schemaText(): string {
  return `${JSON.stringify(fleetSchema(), undefined, 1)}\n`
}
