/** A random fleet comes to the same plan, whether it is written as YAML or as a value, in either spelling. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { differenceOf } from '../../../src/control/config/difference.ts'
import type { EntryPlan, PoolEntry } from '../../../src/control/config/fleet-plan.ts'
import { snake } from '../../../src/control/config/shapes/table.ts'
import { planPool } from '../../../src/pool/spec.ts'
import { checkCommand } from '../../../src/process/command.ts'
import { planWorker } from '../../../src/worker/spec.ts'
import { planOf, readValue, readYaml } from './reading.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/).filter((text) => text !== 'all')
const millis = fc.oneof(
  fc.integer({ min: 1, max: 1e7 }),
  fc.integer({ min: 1, max: 100 }).map((n) => `${n}s`),
  fc.constant('1m30s'),
)
const bytes = fc.oneof(
  fc.integer({ min: 4096, max: 1e9 }),
  fc.integer({ min: 1, max: 64 }).map((n) => `${n}MiB`),
)
const text = fc.string({ minLength: 1 }).filter((each) => !each.includes('\0'))
const optional = (model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(model, { requiredKeys: [] })

const probe = fc.oneof(
  fc.record({ tcp: fc.integer({ min: 1, max: 65_535 }) }),
  fc.record({ http: fc.constant('http://localhost:8080/health?x=$1') }),
  fc.record({
    command: fc.tuple(
      text.filter((each) => each.trim() !== ''),
      text,
    ),
  }),
)

const programKeys = {
  args: fc.array(text, { maxLength: 3 }),
  cwd: fc.constantFrom('sub', '/tmp', '.'),
  env: fc.dictionary(
    fc.stringMatching(/^[A-Z_]{1,5}$/),
    fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
    { maxKeys: 3 },
  ),
  ready: fc.oneof(
    fc.constantFrom('spawn', 'first-message'),
    probe,
    fc.record({ line: fc.constantFrom('a+', String.raw`on \d$`) }),
  ),
  readyTimeout: millis,
  healthcheck: fc
    .tuple(probe, optional({ interval: millis, timeout: millis, retries: fc.integer({ min: 1, max: 9 }) }))
    .map(([a, b]) => Object.assign({}, a, b)),
  limits: optional({
    memory: bytes,
    cpuTime: millis,
    cpus: fc.double({ min: 0.01, max: 64, noNaN: true }),
    openFiles: fc.integer({ min: 1, max: 1e6 }),
    enforce: fc.constantFrom('best', 'exact'),
  }),
  inheritEnv: fc.array(fc.constantFrom('PATH', 'HOME', 'LANG'), { maxLength: 2 }),
  shutdown: optional({ eof: millis, killSignal: fc.constantFrom('SIGINT', 'SIGTERM', 'SIGKILL'), grace: millis }),
}

const command = fc.oneof(
  fc.tuple(
    text.filter((each) => each.trim() !== ''),
    text,
  ),
  fc.constant('node --flag "a b" \'$HOME\''),
)

const worker = fc
  .tuple(
    fc.record({ command }),
    optional({
      ...programKeys,
      restart: fc.constantFrom('always', 'on-failure', 'no', 'transient'),
      replicas: fc.integer({ min: 0, max: 3 }),
      backoff: optional({
        min: fc.integer({ min: 0, max: 100 }),
        factor: fc.integer({ min: 1, max: 4 }),
        jitter: fc.constantFrom(0, 0.5, 1),
      }),
      intensity: fc.oneof(fc.constant('5/1m'), optional({ restarts: fc.integer({ min: 0, max: 9 }), within: millis })),
      autostart: fc.boolean(),
      framing: fc.constantFrom('lines', 'json', 'json-rpc'),
    }),
  )
  .map(([a, b]) => Object.assign({}, a, b))

const pool = optional({
  size: fc.integer({ min: 1, max: 4 }),
  spares: fc.integer({ min: 0, max: 2 }),
  maxQueue: fc.nat(),
  backoff: optional({ min: fc.integer({ min: 0, max: 100 }), factor: fc.integer({ min: 1, max: 4 }) }),
  intensity: optional({ restarts: fc.integer({ min: 0, max: 9 }), within: millis }),
  limits: programKeys.limits,
}).map((more) => Object.assign({ module: './calc.ts', size: 1 }, more))

/** Each name once in the fleet, and each depends only on those before it. */
const fleet = fc
  .record({
    workers: fc.array(fc.tuple(worker, fc.array(fc.nat(), { maxLength: 2 })), { minLength: 1, maxLength: 5 }),
    pools: fc.array(pool, { maxLength: 2 }),
    names: fc.uniqueArray(name, { minLength: 9, maxLength: 9, selector: (each) => each.replace(/-\d+$/, '') }),
    strategy: fc.constantFrom('one-for-one', 'one-for-all', 'rest-for-one'),
  })
  .map(({ workers, pools, names, strategy }) => {
    const [group = 'g', inner = 'i', ...rest] = names
    const members = workers.map(([value, needs], index) => {
      const dependsOn = index === 0 ? [] : [...new Set(needs.map((need) => rest[need % index]))]
      return [rest[index], { ...value, ...(dependsOn.length === 0 ? {} : { dependsOn }) }]
    })
    return {
      workers: Object.fromEntries(members) as Record<string, object>,
      pools: Object.fromEntries(pools.map((value, index) => [rest[workers.length + index], value])) as Record<
        string,
        object
      >,
      groups: {
        [group]: {
          strategy,
          stop: strategy === 'one-for-one' ? 'together' : 'one-by-one',
          workers: { [inner]: { command: 'x' } },
        },
      },
    }
  })

test('a random fleet is the same in both formats and both spellings', () => {
  fc.assert(
    fc.property(fleet, (value) => {
      const plan = planOf(readValue(value))
      assert.deepEqual(planOf(readYaml(stringify(dollars(value)))), plan)
      assert.deepEqual(planOf(readYaml(stringify(snaked(dollars(value))))), plan)
      assert.deepEqual(planOf(readValue(snaked(value))), plan)
      assert.deepEqual(differenceOf(plan, JSON.parse(JSON.stringify(plan)) as typeof plan).changed, [])
      assertOrdered(plan.entries)
      assertTaken(plan.entries)
    }),
    { numRuns: 200 },
  )
})

/** In YAML a dollar is two. */
function dollars(value: unknown): unknown {
  return walked(
    value,
    (key) => key,
    (leaf) => (typeof leaf === 'string' ? leaf.replaceAll('$', '$$$$') : leaf),
  )
}

/** The keys of the format only, not names and variables. */
function snaked(value: unknown): unknown {
  return walked(
    value,
    (key) => (/^[a-z]+([A-Z][a-z]+)+$/.test(key) ? snake(key) : key),
    (leaf) => leaf,
  )
}

function walked(value: unknown, key: (key: string) => string, leaf: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => walked(each, key, leaf))
  if (typeof value !== 'object' || value === null) return leaf(value)
  return Object.fromEntries(Object.entries(value).map(([name_, each]) => [key(name_), walked(each, key, leaf)]))
}

/** What the loader lets pass, the library takes. */
function assertTaken(entries: readonly EntryPlan[]): void {
  for (const entry of entries) {
    if (entry.kind === 'group') assertTaken(entry.children)
    if (entry.kind === 'pool') checkPool(entry)
    if (entry.kind !== 'worker') continue
    const { id, file, args, env, restart, backoff, intensity, shutdown, limits, readyTimeout } = entry
    checkCommand(id, {
      file,
      args,
      env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value ?? undefined])),
    })
    planWorker(id, { restart, backoff, intensity, shutdown, limits, readyTimeout })
  }
}

function checkPool({
  id,
  module,
  size,
  spares,
  concurrency,
  maxQueue,
  backoff,
  intensity,
  program,
  recycle,
}: PoolEntry): void {
  planPool({
    id,
    module: module ?? '',
    size,
    spares,
    concurrency,
    maxQueue,
    backoff,
    intensity,
    recycle,
    limits: program.limits,
  })
}

function assertOrdered(entries: readonly { readonly id: string; readonly dependsOn: readonly string[] }[]): void {
  const seen = new Set<string>()
  for (const { id, dependsOn } of entries) {
    assert.deepEqual(
      dependsOn.filter((other) => !seen.has(other)),
      [],
      `${id} starts before whom it depends on`,
    )
    seen.add(id)
  }
}
