import { readFileSync } from 'node:fs'
import type { MasterEvent } from '../../base/events.ts'

/** Counts what happens, and remembers every process, for the question whether one is left. */
export class Tally {
  started = 0
  restarts = 0
  messages = 0
  readonly ends = new Map<string, number>()
  /** By process id: when it began, since a process id is used again. */
  readonly #processes = new Map<number, string | undefined>()

  record(event: MasterEvent): void {
    if (event.type === 'spawned') {
      this.started++
      if (event.incarnation > 1) this.restarts++
      this.remember(event.pid)
    }
    if (event.type === 'exited') this.ends.set(event.exit.kind, (this.ends.get(event.exit.kind) ?? 0) + 1)
  }

  /** For processes that a worker has started. */
  remember(pid: number): void {
    this.#processes.set(pid, birthOf(pid))
  }

  get processes(): number {
    return this.#processes.size
  }

  /** Those that still live. */
  left(): number[] {
    return [...this.#processes]
      .filter(([pid, birth]) => birth !== undefined && birthOf(pid) === birth)
      .map(([pid]) => pid)
  }
}

export const CAN_LOOK: boolean = birthOf(process.pid) !== undefined

/** When the process began; undefined when there is none, or no more than its entry in the table. */
function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
