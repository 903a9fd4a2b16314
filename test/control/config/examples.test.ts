/** Each example, by the loader and by the schema. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { fleetSchema, schemaText } from '../../../src/control/config/schema/fleet-schema.ts'
import { withKeyTable } from '../../../src/control/config/schema/key-tables.ts'
import { EXAMPLES } from './examples.ts'
import { plainYaml, readYaml, told } from './reading.ts'

const schema = fleetSchema()
const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
const validate = ajv.compile(schema)

describe('the loader', () => {
  for (const { yaml, refused = [] } of EXAMPLES) {
    test(`${refused.length === 0 ? 'accepts' : 'refuses'} ${JSON.stringify(yaml)}`, () => {
      const result = readYaml(yaml)
      if (refused.length === 0) assert.deepEqual(told(result), [])
      for (const fragment of refused)
        assert.ok(
          told(result).some((line) => line.includes(fragment)),
          `no problem says ${fragment}:\n${told(result).join('\n')}`,
        )
      assert.equal(result.plan === undefined, refused.length > 0)
    })
  }
})

describe('the schema agrees with the loader', () => {
  for (const { yaml, refused = [], isBeyondSchema = false } of EXAMPLES.filter(({ yaml: text }) => text !== '')) {
    test(JSON.stringify(yaml), () => {
      const isFine = validate(plainYaml(yaml))
      const expected = refused.length === 0 || isBeyondSchema
      assert.equal(isFine, expected, ajv.errorsText(validate.errors))
    })
  }
})

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

test('the schema in the package, and the table of the guide, are those of today: npm run schema', () => {
  assert.equal(read('schema/pagent.schema.json'), schemaText())
  assert.equal(read('docs/guide/fleet.md'), withKeyTable(read('docs/guide/fleet.md')))
})
