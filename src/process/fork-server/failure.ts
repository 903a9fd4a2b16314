import { SpawnError } from '../../base/errors.ts'
import type { LaunchCommand } from '../launcher.ts'
import { explainNoInterpreter, explainShortage } from '../start-failure.ts'
import type { STAGES } from './protocol.ts'

type Stage = (typeof STAGES)[number] | 'connection'

/** Why there is no process, for people. */
export function failed(command: LaunchCommand, stage: Stage, errno: string, cause?: Error | null): SpawnError {
  const why = explain(command, stage, errno)
  return new SpawnError(command.worker, command.file, stage === 'cwd' ? 'cwd' : 'spawn', why, { errno, cause })
}

function explain({ path, cwd }: LaunchCommand, stage: Stage, errno: string): string {
  const shortage = explainShortage(errno, 'the fork server has')
  if (shortage !== undefined) return shortage
  if (stage === 'connection') return 'the fork server hung up before it was started'
  if (stage === 'fork') return `there are no processes or no memory left (${errno}); start fewer`
  if (stage === 'cwd') return `the directory ${cwd} (cwd) cannot be entered (${errno})`
  if (stage === 'cgroup') return `a cgroup for its limits cannot be made or joined (${errno}); see pagent doctor`
  if (stage === 'rlimit') return `its limits cannot be set (${errno}); see pagent doctor`
  if (stage === 'exec' && errno === 'ENOENT') return explainNoInterpreter(path)
  if (stage === 'exec') return `${path} cannot be executed (${errno})`
  return `the fork server failed at the stage ${stage} (${errno})`
}
