import type { Bytes, Millis } from '../../../base/units.ts'
import type { Shutdown } from '../../../process/ladder.ts'
import type { Limits } from '../../../process/limits.ts'
import type { Restart } from '../../../supervisor/child.ts'
import type { Strategy } from '../../../supervisor/plan.ts'
import type { StopOrder } from '../../../supervisor/spec.ts'

export type { Bytes, Millis }

/** A fleet as `pagent.config.ts` describes it. */
export interface FleetConfig {
  /** What the fleet is called. @default the name of the folder */
  readonly name?: string | undefined
  /** Programs, by their names. */
  readonly workers?: Members<WorkerConfig>
  /** Workers that are alike, for calls. */
  readonly pools?: Members<PoolConfig>
  /** Workers under a supervisor of their own; they may nest. */
  readonly groups?: Members<GroupConfig>
  /** What is kept of what the workers write. */
  readonly log?: LogConfig | undefined
}

/** By their names; undefined is as good as not there. */
type Members<T> = Readonly<Record<string, T | undefined>> | undefined

/** A line, parted as a shell does without running one, or a program and its arguments. */
export type CommandConfig = string | readonly (string | number)[]

/** Added to the inherited variables: a map, in which null and undefined remove one, or a list of `KEY=value`. */
export type EnvConfig = Readonly<Record<string, string | number | boolean | null | undefined>> | readonly string[]

/** Names of the same level, or a map of what must have come true of them. */
export type DependsOnConfig =
  | readonly string[]
  | Readonly<Record<string, { readonly condition?: 'ready' | 'started' | undefined } | undefined>>

/** What a program is told, whoever runs it. */
export interface ProgramConfig {
  readonly command?: CommandConfig | undefined
  /** More arguments. */
  readonly args?: readonly (string | number)[] | undefined
  /** Relative to the file. @default the folder of the file */
  readonly cwd?: string | URL | undefined
  readonly env?: EnvConfig | undefined
  /** The only variables it gets of whoever starts the fleet. @default all */
  readonly inheritEnv?: readonly string[] | undefined
  /** Files of variables; `env` overrides them. */
  readonly envFile?: EnvFileConfig | readonly EnvFileConfig[] | undefined
  readonly dependsOn?: DependsOnConfig | undefined
  /** When it can be used. @default the first success of `healthcheck`, or 'spawn' */
  readonly ready?: ReadyConfig | undefined
  /** @default '30s' */
  readonly readyTimeout?: Millis | undefined
  /** Asks again and again whether it works. */
  readonly healthcheck?: HealthcheckConfig | undefined
  readonly limits?: LimitsConfig | undefined
  readonly shutdown?: ShutdownConfig | undefined
  /** The same as `shutdown.grace`. @default '3s' */
  readonly stopGracePeriod?: Millis | undefined
  /** The same as `shutdown.killSignal`. @default 'SIGTERM' */
  readonly stopSignal?: NodeJS.Signals | undefined
}

export interface WorkerConfig extends ProgramConfig {
  readonly command: CommandConfig
  /** @default 'always'; 'no' with a schedule */
  readonly restart?: RestartConfig | undefined
  /** So many of it: `name-1`, `name-2`, …, each with its number in `PAGENT_REPLICA`. */
  readonly replicas?: number | undefined
  /** @default 100ms, doubling to 10s, full jitter */
  readonly backoff?: BackoffConfig | undefined
  /** More restarts than that and it has failed. @default '3/5s' */
  readonly intensity?: IntensityConfig | undefined
  readonly schedule?: ScheduleConfig | undefined
  /** Whether `pagent up` starts it. @default true */
  readonly autostart?: boolean | undefined
  /** How messages are written on its stdin and stdout. @default 'lines' */
  readonly framing?: 'lines' | 'json' | 'json-rpc' | undefined
}

/** Compose's words, and OTP's. */
export type RestartConfig = 'always' | 'unless-stopped' | 'on-failure' | 'no' | Restart

/** `'5/1m'` is five restarts within a minute. */
export type IntensityConfig = string | { readonly restarts?: number | undefined; readonly within?: Millis | undefined }

/** Each wait is `factor` times as long as the one before, from `min` to `max`; `jitter` is its random share. */
export interface BackoffConfig {
  readonly min?: Millis | undefined
  readonly max?: Millis | undefined
  readonly factor?: number | undefined
  readonly jitter?: number | undefined
}

/** Cron's fields: five, or six with seconds first. */
export type ScheduleConfig =
  | string
  | { readonly cron: string; readonly timezone?: string | undefined; readonly overlap?: 'skip' | 'restart' | undefined }

type EnvFileConfig = string | URL | { readonly path: string | URL; readonly required?: boolean | undefined }

/** How it is asked whether it works: one of these. */
export interface ProbeConfig {
  /** 200 to 399 is well. */
  readonly http?: string | undefined
  /** A port, or `host:port`. */
  readonly tcp?: number | string | undefined
  /** Runs in its folder; 0 is well. */
  readonly command?: CommandConfig | undefined
  /** A method of it; needs framing `json-rpc`. */
  readonly call?: string | undefined
}

/** At once, at its first message, at a line of its output, or when a probe succeeds. */
export type ReadyConfig =
  | 'spawn'
  | 'first-message'
  | RegExp
  | (ProbeConfig & { readonly line?: string | undefined; readonly every?: Millis | undefined })

export interface HealthcheckConfig extends ProbeConfig {
  /** Compose's way: a line for a shell, or a list that begins with CMD, CMD-SHELL or NONE. */
  readonly test?: string | readonly (string | number)[] | undefined
  /** @default '30s' */
  readonly interval?: Millis | undefined
  /** @default '30s' */
  readonly timeout?: Millis | undefined
  /** @default 3 */
  readonly retries?: number | undefined
  readonly startPeriod?: Millis | undefined
  /** @default '1s' */
  readonly startInterval?: Millis | undefined
  readonly disable?: boolean | undefined
}

/** Of a worker of a master, as it is there. */
export type LimitsConfig = Limits

/** The same. */
export type ShutdownConfig = Shutdown

export interface GroupConfig {
  /** Who is restarted with one that ends: nobody, all, or those behind it. @default 'one-for-one' */
  readonly strategy?: Strategy | undefined
  /** How they leave when the group ends: all at once only with `one-for-one`. @default 'one-by-one' */
  readonly stop?: StopOrder | undefined
  /** More restarts than that and the group has failed. @default '3/5s' */
  readonly intensity?: IntensityConfig | undefined
  readonly dependsOn?: DependsOnConfig | undefined
  readonly workers?: Members<WorkerConfig>
  readonly pools?: Members<PoolConfig>
  readonly groups?: Members<GroupConfig>
}

/** Either `module` or `command`. */
export interface PoolConfig extends ProgramConfig {
  /** Each function it exports can be called. Relative to the file. */
  readonly module?: string | URL | undefined
  /** @default from 0 to as many as there are CPUs */
  readonly size?: number | { readonly min?: number | undefined; readonly max?: number | undefined } | undefined
  readonly spares?: number | undefined
  readonly concurrency?: number | undefined
  readonly maxQueue?: number | undefined
  readonly idle?: Millis | undefined
  /** The wait before the next start, where one has failed. @default 100ms, doubling to 10s, full jitter */
  readonly backoff?: BackoffConfig | undefined
  /** More failed starts than that and its calls fail with the reason. @default '3/5s' */
  readonly intensity?: IntensityConfig | undefined
  readonly recycle?:
    | {
        readonly calls?: number | undefined
        readonly age?: Millis | undefined
        readonly memory?: Bytes | undefined
        readonly jitter?: number | undefined
      }
    | undefined
  readonly call?:
    | {
        readonly timeout?: Millis | undefined
        readonly cpuTime?: Millis | undefined
        readonly memory?: Bytes | undefined
      }
    | undefined
}

export interface LogConfig {
  /** @default '10MiB' */
  readonly maxSize?: Bytes | undefined
  /** Of each worker. @default 5 */
  readonly maxFiles?: number | undefined
  readonly maxAge?: Millis | undefined
}
