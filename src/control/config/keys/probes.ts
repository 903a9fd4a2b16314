import type { ProbePlan, ReadyPlan } from '../fleet-plan.ts'
import type { Found, Problems } from '../found/found.ts'
import { FLAG, duration, listed, scalar, text, whole, oneOf } from '../shapes/scalars.ts'
import { type Shape, anyOf, forms, mapped, orVariable, refuse } from '../shapes/shape.ts'
import { type Key, type Reading, snake, table } from '../shapes/table.ts'
import { COMMAND } from './basics.ts'

const URL_TEXT = scalar(
  'a URL such as http://localhost:8080/health',
  orVariable({ type: 'string', pattern: '^https?://' }),
  ({ value }) => (typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined),
)

interface Address {
  readonly host: string
  readonly port: number
}

const ADDRESS_PATTERN = String.raw`^((\[[0-9a-fA-F:.]+\]|[\w.-]+):)?\d+$`

const ADDRESS: Shape<Address> = scalar(
  'a port, or host:port',
  anyOf([{ type: 'integer', minimum: 1, maximum: 65_535 }, orVariable({ type: 'string', pattern: ADDRESS_PATTERN })]),
  ({ value, text: written }) => {
    if (typeof value !== 'number' && typeof value !== 'string') return undefined
    if (!new RegExp(ADDRESS_PATTERN).test(written)) return undefined
    const at = written.lastIndexOf(':')
    const [host, port] = [written.slice(0, Math.max(0, at)).replaceAll(/[[\]]/g, ''), Number(written.slice(at + 1))]
    return port >= 1 && port <= 65_535 ? { host: host === '' ? 'localhost' : host, port } : undefined
  },
)

const METHOD = text('the name of a method')

function commandProbe(command: readonly string[]): ProbePlan {
  const [file = '', ...args] = command
  return { probe: 'command', file, args }
}

/** Compose's `test`: a command line for a shell, `[CMD, …]`, `[CMD-SHELL, …]` or `[NONE]`. */
const TEST: Shape<ProbePlan | 'none'> = forms<ProbePlan | 'none'>({
  scalar: mapped(text('a command line for a shell'), (line) => commandProbe(['sh', '-c', line])),
  list: mapped(COMMAND, ([kind = '', ...words], found, problems) => {
    if (kind === 'NONE' && words.length === 0) return 'none'
    if (kind === 'CMD' && words.length > 0) return commandProbe(words)
    if (kind === 'CMD-SHELL' && words.length === 1) return commandProbe(['sh', '-c', words[0] ?? ''])
    return refuse(found, problems, '[CMD, program, arguments…], [CMD-SHELL, command line] or [NONE]')
  }),
})

const PROBES = {
  http: {
    shape: mapped(URL_TEXT, (url): ProbePlan => ({ probe: 'http', url })),
    about: 'Asks a URL; 200 to 399 is well.',
  },
  tcp: { shape: mapped(ADDRESS, (address): ProbePlan => ({ probe: 'tcp', ...address })), about: 'Connects to a port.' },
  command: { shape: mapped(COMMAND, commandProbe), about: 'Runs a program in its folder; 0 is well.' },
  call: {
    shape: mapped(METHOD, (method): ProbePlan => ({ probe: 'call', method })),
    about: 'Calls a method of it, which must return; needs framing json-rpc.',
  },
} satisfies Record<string, Key<ProbePlan>>

export const READY_KEYS = {
  line: { shape: text('a regular expression'), about: 'A line of its output that matches this regular expression.' },
  ...PROBES,
  every: { shape: duration(1), about: 'Between two tries of a probe.', fallback: '1s' },
}

export const HEALTH_KEYS = {
  test: { shape: TEST, about: "Compose's way to run a program: a line for a shell, or a list that begins with CMD." },
  ...PROBES,
  interval: { shape: duration(1), about: 'Between two checks.', fallback: '30s', aliases: ['every'] },
  timeout: { shape: duration(1), about: 'How long one check may take.', fallback: '30s' },
  retries: { shape: whole(1), about: 'So many failures in a row end it as unresponsive.', fallback: '3' },
  startPeriod: {
    shape: duration(),
    about: 'How much longer it may take until the first check succeeds.',
    fallback: '0',
  },
  startInterval: { shape: duration(1), about: 'Between two checks until the first succeeds.', fallback: '1s' },
  disable: { shape: FLAG, about: 'No checks.', fallback: 'false' },
}

/** The one thing that is asked, of several that could be. */
function onlyOne<N extends string>(
  given: { has(key: NoInfer<N>): boolean },
  names: readonly N[],
  found: Found,
  problems: Problems,
): N | undefined {
  const said = names.filter((name) => given.has(name))
  if (said.length === 1) return said[0]
  const wanted = listed(names.map(snake))
  problems.add(
    found.place,
    said.length === 0
      ? `expected one of ${wanted}`
      : `${listed(said).replace(' or ', ' and ')} stand here together; keep one of them`,
  )
  return undefined
}

/** What `ready` says; a regular expression of JavaScript, too. */
export const READY: Shape<ReadyPlan> = (() => {
  const named = oneOf('spawn', 'first-message')
  const map = mapped(table('a map with line, http, tcp, command or call', READY_KEYS), readReadyMap)
  const expected = `${named.expected}, or ${map.expected}`
  return {
    expected,
    schema: anyOf([named.schema, map.schema]),
    read: (found, problems) => {
      if (found.kind === 'map') return map.read(found, problems)
      if (found.kind === 'scalar' && found.value instanceof RegExp) return lineOf(found.value, found, problems)
      if (found.kind === 'scalar' && typeof found.value === 'string') {
        const when = named.read(found, problems)
        return when === undefined ? undefined : { when }
      }
      return refuse(found, problems, expected)
    },
  } satisfies Shape<ReadyPlan>
})()

function readReadyMap(given: Reading<typeof READY_KEYS>, found: Found, problems: Problems): ReadyPlan | undefined {
  const name = onlyOne(given, ['line', 'http', 'tcp', 'command', 'call'], found, problems)
  if (name === undefined) return undefined
  if (name === 'line') {
    if (given.has('every')) problems.add(given.at('every'), 'a line is waited for, not asked for: leave every out')
    return readLine(given.get('line'), found, problems, given)
  }
  const probe = given.get(name)
  return probe === undefined ? undefined : { when: 'probe', every: given.get('every') ?? 1000, ...probe }
}

function readLine(
  pattern: string | undefined,
  found: Found,
  problems: Problems,
  given: Reading<typeof READY_KEYS>,
): ReadyPlan | undefined {
  if (pattern === undefined) return undefined
  try {
    return lineOf(new RegExp(pattern), found, problems)
  } catch (error) {
    problems.add(given.at('line'), `${JSON.stringify(pattern)} is no regular expression: ${(error as Error).message}`)
    return undefined
  }
}

function lineOf({ source, flags }: RegExp, found: Found, problems: Problems): ReadyPlan | undefined {
  if (flags === '') return { when: 'line', pattern: source }
  problems.add(found.place, `a regular expression has no flags here, not /${source}/${flags}; write (?i:…) for i`)
  return undefined
}

/** What `healthcheck` says. */
export interface Health {
  readonly probe: ProbePlan
  readonly every: number
  readonly timeout: number
  readonly retries: number
  /** Undefined where nothing was said. */
  readonly startPeriod: number | undefined
  readonly startInterval: number | undefined
}

export const HEALTHCHECK: Shape<Health | 'none'> = mapped(
  table('a map with http, tcp, command, call or test', HEALTH_KEYS),
  (given, found, problems) => {
    if (given.get('disable') === true) return 'none'
    const name = onlyOne(given, ['test', 'http', 'tcp', 'command', 'call'], found, problems)
    const probe = name === undefined ? undefined : given.get(name)
    if (probe === undefined || probe === 'none') return probe
    return {
      probe,
      every: given.get('interval') ?? 30_000,
      timeout: given.get('timeout') ?? 30_000,
      retries: given.get('retries') ?? 3,
      startPeriod: given.get('startPeriod'),
      startInterval: given.get('startInterval'),
    }
  },
)
