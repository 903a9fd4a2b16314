import type { LaunchCommand, Launcher, RunningProcess } from '../launcher.ts'
import type { Abilities } from '../limits.ts'
import { Server } from './server.ts'

/**
 * Starts processes by a small program beside this one, on Linux. What a start costs this process does not depend on how much
 * memory it has. Nothing a worker starts outlives it, and every limit is enforced.
 *
 * ```ts
 * import { Master, forkServer } from 'pagent'
 * const master = new Master({ launcher: forkServer() })
 * await master.stop()
 * ```
 */
export function forkServer(): Launcher {
  return new ForkServerLauncher()
}

class ForkServerLauncher implements Launcher {
  readonly name = 'fork-server'
  #server: Server | undefined

  launch(command: LaunchCommand): Promise<RunningProcess> {
    return this.#current().launch(command)
  }

  abilities(): Promise<Abilities> {
    return this.#current().abilities()
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.close()
  }

  /** One that was killed is replaced by the next start. */
  #current(): Server {
    this.#server ??= new Server((lost) => {
      if (this.#server === lost) this.#server = undefined
    })
    return this.#server
  }
}
