import { basename } from 'node:path'
import { checkId, checkKeys } from '../base/options.ts'
import { type Bytes, type Millis, parseMillis } from '../base/units.ts'
import { checkCommand } from '../process/command.ts'
import { type WorkerSpec, planWorker } from '../worker/spec.ts'
import { mcpMessages } from './framing.ts'

/** What is said of its worker as of any other. */
const WORKER_KEYS = [
  'cwd',
  'env',
  'inheritEnv',
  'onStderr',
  'stderr',
  'readyTimeout',
  'restart',
  'backoff',
  'intensity',
  'shutdown',
  'limits',
  'launcher',
] as const satisfies (keyof WorkerSpec)[]

/** An MCP server that speaks over stdin and stdout. */
export interface McpServerSpec extends Pick<WorkerSpec<any, any>, (typeof WORKER_KEYS)[number]> {
  readonly command: string
  readonly args?: readonly string[]
  /** Its name, in errors and events, and that of its worker. @default that of the program */
  readonly name?: string
  /** What makes it another server than one that is the same in all else: a conversation, a user. @default nothing */
  readonly key?: string
  /** It is stopped when nobody has asked for anything for so long; the next request starts it. @default never while a host is connected */
  readonly idle?: Millis
  /** How long a request waits for a server that is started again. @default '30s' */
  readonly wait?: Millis
  /** Once it has failed too often, how long requests are refused before the next may start it anew. @default '10s' */
  readonly cooldown?: Millis
  /** Its longest message. A longer one ends it as `protocol`, and its restart policy decides. @default '16MiB' */
  readonly maxMessage?: Bytes
}

/** A spec whose every value was read. */
export interface McpServerPlan {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly worker: WorkerSpec<any, any>
  readonly idle: number
  readonly wait: number
  readonly cooldown: number
}

/** The variables that the official SDK lets a server have. What else it needs is said by `env`. */
const INHERITED = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER']

const OWN_KEYS = ['command', 'args', 'name', 'key', 'idle', 'wait', 'cooldown', 'maxMessage'] as const

/** @throws TypeError, RangeError */
export function planMcpServer(spec: McpServerSpec): McpServerPlan {
  checkKeys(spec, [...OWN_KEYS, ...WORKER_KEYS], 'Cannot use the MCP server')
  const { command, args = [], key, idle = Infinity, wait = 30_000, cooldown = 10_000 } = spec
  if (typeof command !== 'string' || command === '')
    throw new TypeError(`Cannot use ${JSON.stringify(command)} as the command of an MCP server: expected a program`)
  if (key !== undefined && typeof key !== 'string')
    throw new TypeError(`Cannot use ${JSON.stringify(key)} as key: expected text`)
  const name = checkId(spec.name ?? basename(command), 'MCP server')
  const { cwd, env, inheritEnv } = spec
  checkCommand(name, { file: command, args, cwd, env, inheritEnv })
  return {
    name,
    command,
    args: [...args],
    worker: workerOf(name, spec),
    idle: parseMillis(idle, 'idle'),
    wait: parseMillis(wait, 'wait'),
    cooldown: parseMillis(cooldown, 'cooldown'),
  }
}

/** The ladder is that of the SDK; a server that ends by itself is started by the next request. */
function workerOf(name: string, spec: McpServerSpec): WorkerSpec<any, any> {
  const given = WORKER_KEYS.filter((key) => spec[key] !== undefined).map((key) => [key, spec[key]] as const)
  const worker: WorkerSpec<any, any> = {
    inheritEnv: INHERITED,
    restart: 'transient',
    ...Object.fromEntries(given),
    shutdown: { eof: 2000, grace: 2000, ...spec.shutdown },
    framing: mcpMessages(spec.maxMessage ?? '16MiB'),
  }
  planWorker(name, worker)
  return worker
}

/** The same for specs that are the same, whatever the order of their members. Functions are themselves. */
export function keyOf(spec: McpServerSpec, identify: (value: object) => number): string {
  return JSON.stringify(spec, (name, value: unknown) => {
    // A variable that is undefined takes away an inherited one: in a list that is not left out.
    if (name === 'env' && typeof value === 'object' && value !== null) return Object.entries(sorted(value))
    if (typeof value === 'function') return `function ${identify(value)}`
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    if (value instanceof URL) return value.href
    const isPlain = Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null
    return isPlain ? sorted(value) : `object ${identify(value)}`
  })
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
