import type { EntryPlan, FleetPlan, ProgramPlan } from '../../control/config/fleet-plan.ts'

/** The plan without the values of variables, which may be secret. */
export function redacted(plan: FleetPlan): FleetPlan {
  return { ...plan, entries: plan.entries.map(withoutValues) }
}

function withoutValues(entry: EntryPlan): EntryPlan {
  if (entry.kind === 'group') return { ...entry, children: entry.children.map(withoutValues) }
  if (entry.kind === 'pool') return { ...entry, program: { ...entry.program, env: hidden(entry.program.env) } }
  return { ...entry, env: hidden(entry.env) }
}

/** Null removes a variable: that is no secret. */
function hidden(env: ProgramPlan['env']): ProgramPlan['env'] {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value === null ? null : '***']))
}
