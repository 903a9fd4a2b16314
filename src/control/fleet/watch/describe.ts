import { type Exit, describeExit, isAbnormal } from '../../../base/exit.ts'
import { formatMillis } from '../../../base/units.ts'

/** What the log of a worker says about a fact: pino's levels, 30 for what is usual to 60 for what needs somebody. */
export interface Remark {
  readonly level: 30 | 40 | 50 | 60
  readonly msg: string
}

type Fact = { readonly type: string; readonly [more: string]: any }

const usual = (msg: string): Remark => ({ level: 30, msg })
const odd = (msg: string): Remark => ({ level: 40, msg })
const bad = (msg: string): Remark => ({ level: 50, msg })
const grave = (msg: string): Remark => ({ level: 60, msg })

const REMARKS: Readonly<Record<string, (fact: Fact) => Remark | undefined>> = {
  spawned: ({ pid }) => usual(`started with pid ${pid}`),
  exited: ({ exit }) => ofExit(exit as Exit),
  'restart-scheduled': ofRestart,
  'restart-planned': ofRestart,
  'gave-up': ({ exits }) => grave(`has failed ${exits.length} times and stays down until it is started by hand`),
  'supervisor-exited': ({ exit }) =>
    exit.kind === 'gave-up' ? grave(`${describeExit(exit)}; it stays down until it is started by hand`) : undefined,
  'start-failed': ({ error }) => grave(error.message),
  'dependency-failed': ({ dependsOn }) =>
    bad(`is not started: it depends on ${dependsOn.join(', ')}, which did not start`),
  noticed: ({ notice }) => odd(notice.message),
  stalled: ({ after }) => odd(`waits for its output to be read since ${formatMillis(after)}`),
  abandoned: ({ pid }) => grave(`cannot be ended: pid ${pid} survives SIGKILL`),
  'callback-failed': ({ error }) => bad(error.message),
  degraded: ({ error }) => odd(`its alive check has failed: ${error.message}`),
  recovered: () => usual('its alive check passes again'),
  'schedule-started': () => usual('is started by its schedule'),
  'schedule-skipped': ({ why }) => odd(`is not started by its schedule: ${why}`),
}

/** Undefined for what the log need not say. */
export function remarkOn(fact: Fact): Remark | undefined {
  return REMARKS[fact.type]?.(fact)
}

function ofRestart({ after, attempt }: Fact): Remark {
  return odd(`is started again in ${formatMillis(after)} (attempt ${attempt})`)
}

function ofExit(exit: Exit): Remark {
  return (isAbnormal(exit) ? bad : usual)(describeExit(exit))
}
