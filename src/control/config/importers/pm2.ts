import { ConfigError } from '../config-error.ts'
import { type WorkerDraft, fleetYaml, freeName } from './fleet-yaml.ts'
import { commandOf, nameOf } from './pm2-command.ts'
import { restartsOf } from './pm2-restarts.ts'

/** What pm2 calls an app. */
export type App = Readonly<Record<string, unknown>>

/** Some keys of a worker, and what is to be said about it. */
export interface Part {
  readonly values: Readonly<Record<string, unknown>>
  readonly notes: readonly string[]
}

/**
 * Translates what an ecosystem file of pm2 exports into a `pagent.yaml`; what has no counterpart becomes a comment.
 *
 * @throws ConfigError for what is no ecosystem file.
 */
export function importPm2(ecosystem: unknown, shown = 'the ecosystem file'): string {
  const apps = appsOf(ecosystem)
  if (apps === undefined || apps.length === 0)
    throw new ConfigError(undefined, shown, [
      { path: 'apps', message: 'expected a list of apps, as pm2 has it: { apps: [{ name, script, … }] }' },
    ])
  const taken = new Set<string>()
  const drafts = apps.map((app) => draftOf(app, taken))
  const others = Object.keys(ecosystem as object).filter(
    (key) => key !== 'apps' && isMap(ecosystem) && 'apps' in ecosystem,
  )
  return fleetYaml(
    drafts,
    others.map((key) => `not translated: ${key}`),
  )
}

function appsOf(ecosystem: unknown): readonly App[] | undefined {
  const apps: unknown = isMap(ecosystem) && 'apps' in ecosystem ? ecosystem['apps'] : ecosystem
  const list: readonly unknown[] = Array.isArray(apps) ? apps : [apps]
  return list.every((app): app is App => isMap(app) && COMMANDS.some((key) => typeof app[key] === 'string'))
    ? list
    : undefined
}

const COMMANDS = ['script', 'cmd', 'command', 'exec']

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function draftOf(app: App, taken: Set<string>): WorkerDraft {
  const name = freeName(nameOf(app), taken)
  const parts = [commandOf(app), placeOf(app), instancesOf(app), memoryOf(app), restartsOf(app), endOf(app)]
  const left = Object.keys(app).filter((key) => !TRANSLATED.has(key) && !isOtherEnvironment(key))
  const notes = parts.flatMap((part) => part.notes)
  return {
    name,
    values: Object.assign({}, ...parts.map(({ values }) => values)) as WorkerDraft['values'],
    notes: [...notes, ...left.map((key) => `not translated: ${key}: ${JSON.stringify(app[key]) ?? 'undefined'}`)],
  }
}

const TRANSLATED = new Set(
  [
    ...COMMANDS,
    'name args interpreter exec_interpreter interpreter_args node_args cwd env instances exec_mode max_memory_restart',
    'autorestart cron_restart stop_exit_codes max_restarts min_uptime restart_delay exp_backoff_restart_delay',
    'kill_timeout wait_ready listen_timeout',
  ].flatMap((names) => names.split(' ')),
)

function isOtherEnvironment(key: string): boolean {
  return key.startsWith('env_')
}

function placeOf(app: App): Part {
  const { cwd, env } = app
  const others = Object.keys(app).filter(isOtherEnvironment)
  const variables = isMap(env)
    ? Object.fromEntries(Object.entries(env).map(([key, value]) => [key, textOf(value)]))
    : undefined
  return {
    values: { ...(typeof cwd === 'string' ? { cwd } : {}), ...(variables === undefined ? {} : { env: variables }) },
    notes: others.map((key) => `not translated: ${key}; put its variables into a file, and name that by env_file`),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

function instancesOf({ instances, exec_mode }: App): Part {
  const count = Number(instances ?? 1)
  const isCluster = typeof exec_mode === 'string' && exec_mode.startsWith('cluster')
  const isMany = instances === 'max' || (Number.isInteger(count) && count !== 1)
  return {
    values: Number.isInteger(count) && count > 1 ? { replicas: count } : {},
    notes: [
      ...(instances !== undefined && isMany && !(count > 1)
        ? [`instances: ${textOf(instances)} is as many as there are CPUs: write replicas with a number`]
        : []),
      ...(isCluster && isMany
        ? ['cluster mode shares one port; here each replica listens on its own, for example 3000 + PAGENT_REPLICA']
        : []),
    ],
  }
}

/** pm2's M is a MiB. */
function memoryOf({ max_memory_restart: memory }: App): Part {
  if (memory === undefined) return { values: {}, notes: [] }
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG])?$/i.exec(textOf(memory)) ?? []
  if (amount === undefined) return { values: {}, notes: [`not translated: max_memory_restart: ${textOf(memory)}`] }
  const size = unit === '' ? Number(amount) : `${amount}${unit.toUpperCase()}iB`
  return { values: { limits: { memory: size } }, notes: [] }
}

/** pm2 asks by SIGINT, after 1.6 s it kills. */
function endOf({ kill_timeout: wait, wait_ready: waits, listen_timeout: patience }: App): Part {
  const grace = Number(wait)
  return {
    values: {
      stop_signal: 'SIGINT',
      ...(wait !== undefined && Number.isFinite(grace) && grace >= 0 ? { stop_grace_period: `${grace}ms` } : {}),
    },
    notes: [
      ...(waits === true
        ? ["wait_ready: process.send('ready') has nobody who hears it; print a line, and write ready: { line: … }"]
        : []),
      ...(patience === undefined ? [] : [`listen_timeout: write ready_timeout: ${textOf(patience)}ms beside ready`]),
    ],
  }
}
