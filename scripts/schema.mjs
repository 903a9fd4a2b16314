// npm run schema: writes what is generated from the table of keys: the JSON Schema of pagent.yaml, and the table of the guide.
import { readFileSync, writeFileSync } from 'node:fs'
import { schemaText } from '../src/control/config/schema/fleet-schema.ts'
import { withKeyTable } from '../src/control/config/schema/key-tables.ts'

const root = new URL('../', import.meta.url)
const page = new URL('docs/guide/fleet.md', root)
writeFileSync(new URL('schema/pagent.schema.json', root), schemaText())
writeFileSync(page, withKeyTable(readFileSync(page, 'utf8')))
