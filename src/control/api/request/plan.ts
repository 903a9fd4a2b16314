import type {
  AlivePlan,
  EntryPlan,
  FleetPlan,
  GroupEntry,
  LimitsPlan,
  LogPlan,
  PoolEntry,
  ProbePlan,
  ProgramPlan,
  ReadyPlan,
  SchedulePlan,
  WorkerEntry,
} from '../../config/fleet-plan.ts'
import {
  type Shape,
  amountOrEndless,
  anySignal,
  anything,
  flag,
  kinds,
  list,
  members,
  name,
  oneOf,
  optional,
  orNull,
  record,
  text,
} from './shape.ts'

/** Plans count in numbers only; an endless one travels as null. */
const number = amountOrEndless
/** `| undefined` in a plan: left out in JSON. */
const maybe = <T>(shape: Shape<T>): Shape<any> => optional(shape)

const probes = {
  command: members<Extract<ProbePlan, { probe: 'command' }>>({ probe: oneOf('command'), file: name, args: list(text) }),
  http: members<Extract<ProbePlan, { probe: 'http' }>>({ probe: oneOf('http'), url: name }),
  tcp: members<Extract<ProbePlan, { probe: 'tcp' }>>({ probe: oneOf('tcp'), host: name, port: number }),
  call: members<Extract<ProbePlan, { probe: 'call' }>>({ probe: oneOf('call'), method: name }),
} satisfies Record<ProbePlan['probe'], Shape<any>>

/** A probe, and more about it in the same object. */
function probeWith<T extends object>(more: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<ProbePlan & T> {
  const extra = members<T>(more)
  return (value, path) => {
    const both = anything(value, path) as Record<string, unknown> | null
    if (typeof both !== 'object' || both === null) return extra(value, path) as ProbePlan & T
    const pick = (wanted: boolean): object =>
      Object.fromEntries(Object.entries(both).filter(([key]) => key in more === wanted))
    return { ...kinds<ProbePlan>('probe', probes)(pick(false), path), ...extra(pick(true), path) }
  }
}

const ready: Shape<ReadyPlan> = kinds<any>('when', {
  spawn: members<{ when: 'spawn' }>({ when: oneOf('spawn') }),
  'first-message': members<{ when: 'first-message' }>({ when: oneOf('first-message') }),
  line: members<Extract<ReadyPlan, { when: 'line' }>>({ when: oneOf('line'), pattern: text }),
  probe: probeWith<{ when: 'probe'; every: number }>({ when: oneOf('probe'), every: number }),
} satisfies Record<ReadyPlan['when'], Shape<any>>)

const alive: Shape<AlivePlan> = probeWith<{ every: number; timeout: number; retries: number }>({
  every: number,
  timeout: number,
  retries: number,
})

const limits: Shape<LimitsPlan> = members<LimitsPlan>({
  memory: maybe(number),
  cpuTime: maybe(number),
  cpus: maybe(number),
  wallTime: maybe(number),
  idle: maybe(number),
  output: maybe(number),
  processes: maybe(number),
  openFiles: maybe(number),
  fileSize: maybe(number),
  enforce: maybe(oneOf('best', 'exact')),
})

const program = {
  file: name,
  args: list(text),
  cwd: name,
  env: record(orNull(text)),
  inheritEnv: maybe(list(name)),
  framing: oneOf('lines', 'json', 'json-rpc'),
  ready,
  readyTimeout: number,
  alive: maybe(alive),
  shutdown: members<ProgramPlan['shutdown']>({
    farewell: anything,
    eof: number,
    killSignal: anySignal,
    grace: number,
  }),
  limits,
}

const restarts = {
  backoff: members<WorkerEntry['backoff']>({ min: number, max: number, factor: number, jitter: number }),
  intensity: members<WorkerEntry['intensity']>({ restarts: number, within: number }),
}
const facts = { id: name, dependsOn: list(name), startsAfter: maybe(list(name)) }

const worker: Shape<WorkerEntry> = members<WorkerEntry>({
  ...facts,
  ...program,
  kind: oneOf('worker'),
  service: name,
  restart: oneOf('permanent', 'transient', 'temporary'),
  ...restarts,
  autostart: flag,
  schedule: maybe(members<SchedulePlan>({ cron: name, timezone: maybe(name), overlap: oneOf('skip', 'restart') })),
})

const group: Shape<GroupEntry> = members<GroupEntry>({
  ...facts,
  kind: oneOf('group'),
  strategy: oneOf('one-for-one', 'one-for-all', 'rest-for-one'),
  stop: oneOf('one-by-one', 'together'),
  intensity: restarts.intensity,
  children: (value, path) => entries(value, path),
})

const pool: Shape<PoolEntry> = members<PoolEntry>({
  ...facts,
  kind: oneOf('pool'),
  module: maybe(name),
  program: members<ProgramPlan>(program),
  size: members<PoolEntry['size']>({ min: number, max: number }),
  spares: number,
  concurrency: number,
  maxQueue: number,
  idle: maybe(number),
  ...restarts,
  recycle: members<PoolEntry['recycle']>({
    calls: maybe(number),
    age: maybe(number),
    memory: maybe(number),
    jitter: maybe(number),
  }),
  call: members<PoolEntry['call']>({ timeout: maybe(number), cpuTime: maybe(number), memory: maybe(number) }),
})

const entries: Shape<readonly EntryPlan[]> = list(
  kinds<EntryPlan>('kind', { worker, group, pool } satisfies Record<EntryPlan['kind'], Shape<EntryPlan>>),
)

/** `POST /v1/apply` */
export const plan: Shape<FleetPlan> = members<FleetPlan>({
  schemaVersion: oneOf(1),
  name,
  file: name,
  folder: name,
  entries,
  log: members<LogPlan>({ maxSize: number, maxFiles: number, maxAge: maybe(number) }),
})
