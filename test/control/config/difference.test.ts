import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { differenceOf, hashOf } from '../../../src/control/config/difference.ts'
import type { FleetPlan } from '../../../src/control/config/fleet-plan.ts'
import { entryOf, planOf, readYaml } from './reading.ts'

const BASE = `
workers:
  db: { command: db }
  web: { command: web, replicas: 2 }
  api: { command: api, depends_on: [web] }
pools: { calc: { module: ./calc.ts, size: 2 } }
groups:
  g: { strategy: one-for-all, workers: { a: { command: a }, b: { command: b } } }
`
const base = planOf(readYaml(BASE))
const ALL = ['db', 'web-1', 'web-2', 'api', 'calc', 'g', 'a', 'b']

/** What is replaced in the file, and what comes of it; whoever is not named is unchanged. */
const cases: Readonly<
  Record<
    string,
    readonly [from: string, to: string, expected: { added?: string[]; changed?: string[]; removed?: string[] }]
  >
> = {
  nothing: ['', '', {}],
  'a comment': ['workers:', '# new\nworkers:', {}],
  'a value that was the default': ['{ command: db }', '{ command: db, restart: always }', {}],
  'another way to write it': ['{ command: db }', '{ command: [db] }', {}],
  'the log': ['workers:', 'log: { max_files: 2 }\nworkers:', {}],
  'another command': ['{ command: db }', '{ command: db2 }', { changed: ['db'] }],
  'another variable': ['{ command: db }', '{ command: db, env: { A: 1 } }', { changed: ['db'] }],
  'another policy': ['{ command: db }', '{ command: db, restart: no }', { changed: ['db'] }],
  'one more replica': ['replicas: 2', 'replicas: 3', { added: ['web-3'] }],
  'one replica less': ['replicas: 2', 'replicas: 1', { removed: ['web-2'] }],
  'whom it depends on': ['depends_on: [web]', 'depends_on: [web, db]', {}],
  'no more': ['  db: { command: db }\n', '', { removed: ['db'] }],
  'a new one': ['  db:', '  new: { command: new }\n  db:', { added: ['new'] }],
  'another name': ['  db:', '  database:', { added: ['database'], removed: ['db'] }],
  'another size of a pool': ['size: 2', 'size: 3', { changed: ['calc'] }],
  'a member of a group': ['{ command: a }', '{ command: a, env: { A: 1 } }', { changed: ['a'] }],
  'another strategy takes all its members with it': ['one-for-all', 'rest-for-one', { changed: ['g', 'a', 'b'] }],
  'another way to stop takes all its members with it': [
    'strategy: one-for-all,',
    'strategy: one-for-one, stop: together,',
    { changed: ['g', 'a', 'b'] },
  ],
  'a member of a group is gone': [', b: { command: b }', '', { removed: ['b'] }],
}

describe('what is different', () => {
  for (const [name, [from, to, { added = [], changed = [], removed = [] }]] of Object.entries(cases)) {
    test(name, () => {
      const plan = planOf(readYaml(BASE.replace(from, to)))
      const difference = differenceOf(base, plan)
      const unchanged = ALL.filter((id) => !changed.includes(id) && !removed.includes(id))
      assert.deepEqual(
        { ...difference, unchanged: difference.unchanged.toSorted() },
        { added, changed, removed, unchanged: unchanged.toSorted() },
      )
    })
  }

  test('who moves into a group is another', () => {
    const plan = planOf(
      readYaml(BASE.replace('  db: { command: db }\n', '').replace('{ a:', '{ db: { command: db }, a:')),
    )
    assert.deepEqual(differenceOf(base, plan).changed, ['db'])
  })

  test('what becomes a pool is another', () => {
    const plan = planOf(
      readYaml(BASE.replace('  db: { command: db }\n', '').replace('pools: {', 'pools: { db: { command: db },')),
    )
    assert.deepEqual(differenceOf(base, plan).changed, ['db'])
  })

  test('from nothing, and to nothing', () => {
    const none: Pick<FleetPlan, 'entries'> = { entries: [] }
    assert.deepEqual(differenceOf(none, base), { added: ALL, changed: [], removed: [], unchanged: [] })
    assert.deepEqual(differenceOf(base, none), { added: [], changed: [], removed: ALL, unchanged: [] })
  })
})

test('a hash survives JSON and the order of keys', () => {
  const web = entryOf(base, 'web-1')
  const again = JSON.parse(JSON.stringify(web)) as typeof web
  const turned = Object.fromEntries(Object.entries(again).toReversed()) as unknown as typeof web
  assert.equal(hashOf(again), hashOf(web))
  assert.equal(hashOf(turned), hashOf(web))
  assert.notEqual(hashOf(web), hashOf(entryOf(base, 'web-2')))
})
