import { formatBytes, formatMillis } from '../../base/units.ts'
import type {
  AlivePlan,
  EntryPlan,
  GroupEntry,
  LimitsPlan,
  PoolEntry,
  ProbePlan,
  ProgramPlan,
  ReadyPlan,
  WorkerEntry,
} from '../../control/config/fleet-plan.ts'

/** What differs from what anybody would expect, each a few words. */
export function factsOf(entry: EntryPlan, reveal: boolean): readonly string[] {
  const own =
    entry.kind === 'worker' ? workerFacts(entry) : entry.kind === 'pool' ? poolFacts(entry) : groupFacts(entry)
  const program = entry.kind === 'worker' ? entry : entry.kind === 'pool' ? entry.program : undefined
  const facts = [...afterFacts(entry), ...own, ...(program === undefined ? [] : programFacts(program, reveal))]
  return facts.map(printable)
}

/** Nothing that a terminal would obey. */
function printable(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f-\x9f]/g, '?')
}

function afterFacts({ dependsOn, startsAfter = [] }: EntryPlan): string[] {
  return [
    ...(dependsOn.length === 0 ? [] : [`after ${few(dependsOn)}`]),
    ...(startsAfter.length === 0 ? [] : [`after the start of ${few(startsAfter)}`]),
  ]
}

function few(ids: readonly string[]): string {
  const names = folded(ids)
  return names.length > 6 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}

/** `web-1`, `web-2` and `web-3` are `web-1..3`. */
function folded(ids: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const id of ids) {
    const [, service = id, number = ''] = /^(.*)-(\d+)$/.exec(id) ?? []
    const isNext = Number(number) === (counts.get(service) ?? 0) + 1
    counts.set(isNext ? service : id, isNext ? Number(number) : 0)
  }
  return [...counts].map(([name, count]) => (count === 0 ? name : count === 1 ? `${name}-1` : `${name}-1..${count}`))
}

const RESTARTS = { permanent: 'restart always', transient: 'restart on-failure', temporary: 'restart no' } as const

function workerFacts({ restart, intensity, backoff, schedule, autostart, framing }: WorkerEntry): string[] {
  return [
    ...(schedule === undefined
      ? []
      : [`at ${schedule.cron}${schedule.timezone === undefined ? '' : ` ${schedule.timezone}`}`]),
    RESTARTS[restart],
    ...(restart === 'temporary' ? [] : intensityFacts(intensity)),
    ...backoffFacts(backoff),
    ...(autostart ? [] : ['started by hand']),
    ...(framing === 'lines' ? [] : [framing]),
  ]
}

function backoffFacts({ min, max, factor }: WorkerEntry['backoff']): string[] {
  return min === 100 && max === 10_000 && factor === 2 ? [] : [`backoff ${formatMillis(min)} to ${formatMillis(max)}`]
}

function intensityFacts({ restarts, within }: WorkerEntry['intensity'], what = 'restarts'): string[] {
  return restarts === 3 && within === 5000 ? [] : [`fails after ${restarts} ${what} in ${formatMillis(within)}`]
}

function groupFacts({ intensity, stop }: GroupEntry): string[] {
  return [...intensityFacts(intensity), ...(stop === 'together' ? ['stop together'] : [])]
}

function poolFacts({ spares, concurrency, idle, backoff, intensity, recycle, call }: PoolEntry): string[] {
  return [
    ...(spares === 0 ? [] : [`${spares} spare`]),
    ...(concurrency === 1 ? [] : [`${concurrency} calls each`]),
    ...(idle === undefined ? [] : [`idle ones stop after ${formatMillis(idle)}`]),
    ...intensityFacts(intensity, 'failed starts'),
    ...backoffFacts(backoff),
    ...(recycle.calls === undefined ? [] : [`replaced after ${recycle.calls} calls`]),
    ...(recycle.age === undefined ? [] : [`replaced after ${formatMillis(recycle.age)}`]),
    ...(recycle.memory === undefined ? [] : [`replaced at ${formatBytes(recycle.memory)}`]),
    ...(call.timeout === undefined ? [] : [`call timeout ${formatMillis(call.timeout)}`]),
    ...(call.cpuTime === undefined ? [] : [`call cpu_time ${formatMillis(call.cpuTime)}`]),
    ...(call.memory === undefined ? [] : [`call memory ${formatBytes(call.memory)}`]),
  ]
}

function programFacts({ ready, alive, limits, shutdown, env, inheritEnv }: ProgramPlan, reveal: boolean): string[] {
  const { killSignal, grace } = shutdown
  return [
    ...(ready.when === 'line' ? [`ready at a line with /${ready.pattern}/`] : []),
    ...(ready.when === 'probe' ? [`ready at ${probeOf(ready)}`] : []),
    ...(ready.when === 'first-message' ? ['ready at its first message'] : []),
    ...(alive === undefined ? [] : [checkFact(alive, ready)]),
    ...limitFacts(limits),
    ...(killSignal === 'SIGTERM' ? [] : [`ends at ${killSignal}`]),
    ...(grace === 3000 ? [] : [`grace ${formatMillis(grace)}`]),
    ...(inheritEnv === undefined ? [] : [`inherits ${inheritEnv.join(' ') || 'no variables'}`]),
    ...envFacts(env, reveal),
  ]
}

/** What makes it ready is not said twice. */
function checkFact(alive: AlivePlan, ready: ReadyPlan): string {
  const [asked, every] = [probeOf(alive), formatMillis(alive.every)]
  const isSame = ready.when === 'probe' && probeOf(ready) === asked
  return isSame ? `checked every ${every}` : `checked every ${every} at ${asked}`
}

function envFacts(env: ProgramPlan['env'], reveal: boolean): string[] {
  const names = Object.entries(env).map(([name, value]) =>
    value === null ? `-${name}` : reveal ? `${name}=${value}` : name,
  )
  return names.length === 0 ? [] : [`env ${names.join(' ')}`]
}

function probeOf(probe: ProbePlan): string {
  switch (probe.probe) {
    case 'command':
      return shownCommand(probe)
    case 'http':
      return probe.url
    case 'tcp':
      return `${probe.host}:${probe.port}`
    case 'call':
      return `${probe.method}()`
  }
}

const SIZES: ReadonlySet<string> = new Set(['memory', 'output', 'fileSize'])
const TIMES: ReadonlySet<string> = new Set(['cpuTime', 'wallTime', 'idle'])

function limitFacts(limits: LimitsPlan): string[] {
  return Object.entries(limits).map(([name, max]) => {
    const shown = SIZES.has(name) ? formatBytes(Number(max)) : TIMES.has(name) ? formatMillis(Number(max)) : String(max)
    return `${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} ${shown}`
  })
}

/** As one would type it. */
export function shownCommand({ file, args }: { readonly file: string; readonly args: readonly string[] }): string {
  return [file, ...args].map(quoted).join(' ')
}

function quoted(word: string): string {
  const plain = printable(word)
  return /^[\w@%+:,./=-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", String.raw`'\''`)}'`
}
