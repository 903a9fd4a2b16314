import { type LogRecord, SCHEMA_VERSION, type WorkerDetail, type WorkerStatus } from '../../api/wire.ts'
import type { ProgramPlan } from '../../config/fleet-plan.ts'
import type { Dossier } from '../watch/dossier.ts'

/** What a detail has that a status has not. */
interface More {
  /** What it runs. */
  readonly program: ProgramPlan | undefined
  readonly revealEnv: boolean
  readonly log: readonly LogRecord[]
  readonly crashes: readonly string[]
}

export function detailOf(dossier: Dossier, status: WorkerStatus, more: More): WorkerDetail {
  const { entry, worker, exits } = dossier
  const { program, revealEnv, log, crashes } = more
  const env = program?.env ?? {}
  return {
    ...status,
    schemaVersion: SCHEMA_VERSION,
    command: program === undefined ? [] : [program.file, ...program.args],
    cwd: program?.cwd ?? '',
    env: revealEnv ? env : redacted(env),
    limits: { ...worker?.limits },
    dependsOn: entry?.dependsOn ?? [],
    exits,
    log,
    crashes,
  }
}

/** The names without the values. */
export function redacted(env: Readonly<Record<string, string | null>>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value === null ? null : '***']))
}
