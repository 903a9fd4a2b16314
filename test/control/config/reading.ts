import { parse } from 'yaml'
import type { ConfigProblem } from '../../../src/control/config/config-error.ts'
import type { EntryPlan, FleetPlan } from '../../../src/control/config/fleet-plan.ts'
import { type Found, Problems } from '../../../src/control/config/found/found.ts'
import { fromValue } from '../../../src/control/config/found/from-value.ts'
import { fromYaml } from '../../../src/control/config/found/from-yaml.ts'
import { resolveFleet } from '../../../src/control/config/resolve/fleet.ts'

/** What came of a text or a value, without a file. */
export interface Read {
  readonly plan: FleetPlan | undefined
  readonly problems: readonly ConfigProblem[]
}

type Variables = Readonly<Record<string, string | undefined>>

export function readYaml(text: string, env: Variables = {}): Read {
  return resolved((problems) => fromYaml(text, env, problems), env)
}

export function readValue(value: unknown, env: Variables = {}): Read {
  return resolved((problems) => fromValue(value, problems), env)
}

function resolved(read: (problems: Problems) => Found | undefined, inherited: Variables): Read {
  const problems = new Problems()
  const found = read(problems)
  const context = { folder: '/srv/shop', inherited, problems }
  const plan = found === undefined ? undefined : resolveFleet(found, '/srv/shop/pagent.yaml', context)
  return { plan: problems.count === 0 ? plan : undefined, problems: problems.list() }
}

/** `3:5 workers.web: …`, a line each. */
export function told({ problems }: Read): string[] {
  return problems.map(({ line, column, path, message }) =>
    [line === undefined ? '' : `${line}:${column} `, path === '' ? '' : `${path}: `, message].join(''),
  )
}

/** The plan of what must be good. */
export function planOf(read: Read): FleetPlan {
  if (read.plan === undefined) throw new Error(`it was refused:\n${told(read).join('\n')}`)
  return read.plan
}

/** The only entry, or the one of that id, at any depth. */
export function entryOf(plan: FleetPlan, id: string): EntryPlan {
  const all = (entries: readonly EntryPlan[]): readonly EntryPlan[] =>
    entries.flatMap((entry) => (entry.kind === 'group' ? [entry, ...all(entry.children)] : [entry]))
  const entry = all(plan.entries).find((each) => each.id === id)
  if (entry === undefined) throw new Error(`there is no ${id}`)
  return entry
}

/** The value that a reader of plain YAML sees, variables not filled in: what an editor checks against the schema. */
export function plainYaml(text: string): unknown {
  return parse(text, { merge: true, maxAliasCount: 1000 })
}
