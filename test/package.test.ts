import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { importsOf, sourcesBelow } from './support/source.ts'

interface Manifest {
  readonly bin: Record<string, string>
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

const root = new URL('../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Manifest
const doors = Object.entries(manifest.exports).flatMap(([door, file]) =>
  typeof file === 'string' ? [] : [{ door, ...file }],
)

test('every door of the package opens on a source file, and its types lie beside its code', () => {
  for (const { door, types, default: code } of doors) {
    assert.ok(existsSync(new URL(sourceOf(code), root)), `${door} names ${code}, and there is no ${sourceOf(code)}`)
    assert.equal(types, code.replace(/\.js$/, '.d.ts'), `the types of ${door}`)
  }
})

test('what is built exports what the sources export', async () => {
  for (const { door, default: code } of doors) {
    const built = (await import(new URL(code, root).href)) as object
    const source = (await import(new URL(sourceOf(code), root).href)) as object
    assert.deepEqual(Object.keys(built), Object.keys(source), `the exports of ${door}: npm run build`)
  }
})

test('the command is built, and says on its first line what runs it', (t) => {
  for (const [name, file] of Object.entries(manifest.bin)) {
    const main = new URL(sourceOf(`./${file}`), root)
    if (!existsSync(main)) return t.skip(`there is no ${sourceOf(`./${file}`)} yet`)
    assert.match(readFileSync(main, 'utf8'), /^#!\/usr\/bin\/env node\n/, name)
    assert.ok(existsSync(new URL(file, root)), `${file}: npm run build`)
  }
})

test('package.json declares exactly the packages that the sources import', () => {
  const { dependencies, optionalDependencies, peerDependencies } = manifest
  const declared = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
  const imported = sourcesBelow(fileURLToPath(new URL('src', root)))
    .flatMap((file) => importsOf(file))
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
  assert.deepEqual(
    imported.filter((name) => builtinModules.includes(name)),
    [],
    'built-in modules are imported as node:…',
  )
  const names = new Set(
    imported.map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    ),
  )
  assert.deepEqual([...names].toSorted(), declared.toSorted())
})

/** `./dist/framing/index.js` is built from `src/framing/index.ts`. */
function sourceOf(built: string): string {
  return built.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
}
