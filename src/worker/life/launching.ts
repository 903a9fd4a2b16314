import { SpawnError } from '../../base/errors.ts'
import { type Command, type Environment, examine, inheritedEnvironment, resolveCommand } from '../../process/command.ts'
import type { RunningProcess } from '../../process/launcher.ts'
import type { Job, Owner } from '../host.ts'

/** The command of one start, in the environment as it is when that is asked for. */
export class Launching {
  readonly #owner: Owner
  readonly #job: Job
  readonly #inherited: Environment

  constructor(owner: Owner, job: Job) {
    this.#owner = owner
    this.#job = job
    this.#inherited = inheritedEnvironment(job.plan.spec.inheritEnv)
  }

  /** Puts the command together now that its turn has come: what waits holds what all hold. */
  launch(): Promise<RunningProcess> {
    const { id, launcher } = this.#owner
    const { spec, limits } = this.#job.plan
    const { stdin = 'pipe', stdout = 'pipe', stderr = 'tail' } = spec
    const streams = { stdin, stdout, stderr: stderr === 'tail' ? 'pipe' : stderr } as const
    const settings = limits.system === undefined ? streams : { ...streams, limits: limits.system }
    return launcher.launch({ worker: id, ...resolveCommand(id, this.#command), ...settings })
  }

  /** The system says little about why a program cannot be started. */
  explained(reason: unknown): unknown {
    if (!(reason instanceof SpawnError)) return reason
    try {
      examine(this.#owner.id, this.#command)
      return reason
    } catch (error) {
      return error
    }
  }

  get #command(): Command {
    const { file, args, carried } = this.#job
    const { cwd, env, inheritEnv } = this.#job.plan.spec
    const own = carried === undefined ? env : { ...carried, ...env }
    return { file, args, cwd, env: own, inheritEnv, inherited: this.#inherited }
  }
}
