// npm run unused: the names src/ exports and nobody else in src/ imports. Reports, and fails nothing.
import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sourcesBelow } from '../test/support/source.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { path, name, note } of unusedExports()) console.log(`${path} ${name}: ${note}`)

/** Every export without a reader in src/, with what still uses it. The doors of the package (`exports`) are readers. */
export function unusedExports() {
  const files = ['src', 'test', 'bench'].flatMap((folder) => filesOf(folder))
  const readers = files.flatMap((file) => readsOf(file))
  const inside = files.filter(({ path }) => path.startsWith('src/') && !/\/index\.ts$|\/main\.ts$/.test(path))
  return inside.flatMap(({ path, code }) =>
    exportsOf(code).flatMap((name) => {
      const by = readers.filter((read) => read.target === path && (read.name === name || read.name === '*'))
      if (by.some(({ reader }) => reader.startsWith('src/') && !reader.endsWith('.test.ts'))) return []
      const isUsedHere = code.split(new RegExp(`(?<![\\w$.#])${name.replaceAll('$', '\\$')}(?![\\w$])`)).length > 2
      const note =
        by.length > 0 ? 'only tests or benchmarks use it' : isUsedHere ? 'used in its own file only' : 'unused'
      return [{ path, name, note }]
    }),
  )
}

function filesOf(folder) {
  if (!existsSync(join(root, folder))) return []
  const sources = sourcesBelow(join(root, folder), { tests: true })
  return sources.map(({ path, code }) => ({ path: `${folder}/${path}`, code }))
}

function exportsOf(code) {
  const declared =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type) (?<name>[\w$]+)/gm
  const listed = /^export (?:type )?\{(?<names>[^}]*)\}(?! from)/gm
  return [
    ...[...code.matchAll(declared)].map(({ groups }) => groups.name),
    ...[...code.matchAll(listed)].flatMap(({ groups }) => namesIn(groups.names, 'last')),
  ]
}

/** Who takes which name from which file. */
function readsOf({ path, code }) {
  const forms =
    /\b(?:import|export)\s+(?:type\s+)?(?:(?<star>\*)(?:\s+as\s+[\w$]+)?|\{(?<names>[^}]*)\})\s+from\s+['"](?<from>\.[^'"]+)['"]/g
  const dynamic = /\bimport\(\s*['"](?<from>\.[^'"]+)['"]\s*\)/g
  const targetOf = (from) => relative(root, resolve(root, dirname(path), from))
  return [
    ...[...code.matchAll(forms)].flatMap(({ groups: { star, names, from } }) =>
      (star === undefined ? namesIn(names, 'first') : ['*']).map((name) => ({
        reader: path,
        target: targetOf(from),
        name,
      })),
    ),
    ...[...code.matchAll(dynamic)].map(({ groups }) => ({ reader: path, target: targetOf(groups.from), name: '*' })),
  ]
}

/** `a, type b as c` → its names, before or after the `as`. */
function namesIn(list, which) {
  return list
    .split(',')
    .map((item) => item.trim().replace(/^type\s+/, ''))
    .filter((item) => item !== '')
    .map((item) => item.split(/\s+as\s+/).at(which === 'first' ? 0 : -1))
}
