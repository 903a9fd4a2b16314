// npm run schema: writes what is generated from the table of keys: the JSON Schema of pagent.yaml, and the table of docs/guide/fleet.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fleetSchema } from '../src/control/config/schema/fleet-schema.ts'
import { keyTables } from '../src/control/config/schema/key-tables.ts'

const root = new URL('../', import.meta.url)

export const schemaFile = fileURLToPath(new URL('schema/pagent.schema.json', root))
export const pageFile = fileURLToPath(new URL('docs/guide/fleet.md', root))

export function schemaText() {
  return `${JSON.stringify(fleetSchema(), undefined, 1)}\n`
}

/** The page with its tables anew. */
export function pageText(page = readFileSync(pageFile, 'utf8')) {
  let text = page
  for (const [name, table] of Object.entries(keyTables())) {
    const [begin, end] = [`<!-- keys of ${name} -->`, '<!-- end of keys -->']
    const from = text.indexOf(begin)
    const to = text.indexOf(end, from)
    if (from === -1 || to === -1) throw new Error(`${pageFile} has no place for the keys of ${name}: ${begin} … ${end}`)
    text = `${text.slice(0, from + begin.length)}\n\n${table}\n${text.slice(to)}`
  }
  return text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(schemaFile, schemaText())
  writeFileSync(pageFile, pageText())
}
