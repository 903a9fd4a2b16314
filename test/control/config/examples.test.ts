/** Each example, by the loader and by the schema. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { stringify } from 'yaml'
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

test('a variable that is not set is told once, wherever it is needed', () => {
  for (const { yaml } of EXAMPLES.filter(({ refused }) => refused === undefined)) {
    const fleet = plainYaml(yaml)
    for (const path of leavesOf(fleet)) {
      const text = stringify(withLeaf(fleet, path, '$NOT'))
      const problems = told(readYaml(text)).filter((line) => line.includes('the variable NOT is not set'))
      assert.equal(problems.length, path.some(isTheirs) ? 0 : 1, `${text}\n${told(readYaml(text)).join('\n')}`)
    }
  }
})

/** Of whoever writes the file. */
function isTheirs(key: string): boolean {
  return key.startsWith('x-')
}

function leavesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, each]) => leavesOf(each, [...path, key]))
}

function withLeaf(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf
  if (Array.isArray(value))
    return value.map((each, index) => (String(index) === key ? withLeaf(each, rest, leaf) : each))
  const map = value as Readonly<Record<string, unknown>>
  return { ...map, [key]: withLeaf(map[key], rest, leaf) }
}

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
