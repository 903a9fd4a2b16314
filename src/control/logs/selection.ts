import type { LogQuery, LogRecord } from '../api/wire.ts'

/** What is asked of the log: workers are ids here, each with the number of its current or last life. */
export interface LogRequest extends Omit<LogQuery, 'workers' | 'follow'> {
  /** Undefined for everybody. */
  readonly workers: readonly string[] | undefined
  /** The current or last life of a worker, from 1; 0 before the first. */
  readonly lifeOf: (worker: string) => number
}

/** Takes from a log that is read backwards what a request is about. */
export class Selection {
  readonly #request: LogRequest
  readonly #workers: ReadonlySet<string> | undefined
  /** Lives that were found for `previous`, of workers that had one life in this fleet at most: by pid, and then none before. */
  readonly #previous = new Map<string, string>()

  constructor(request: LogRequest) {
    this.#request = request
    this.#workers = request.workers === undefined ? undefined : new Set(request.workers)
  }

  /** Whether there can be nothing more before this one. */
  isOver({ time }: LogRecord): boolean {
    return time < (this.#request.since ?? -Infinity)
  }

  wants(record: LogRecord): boolean {
    const { stream, since = -Infinity, previous = false } = this.#request
    if (record.time < since || (stream !== undefined && record.stream !== stream)) return false
    if (this.#workers !== undefined && !this.#workers.has(record.worker)) return false
    return !previous || this.#isOfPreviousLife(record)
  }

  /** Where this fleet has begun only one life of it, the last one that an earlier fleet has begun. */
  #isOfPreviousLife({ seq, worker, incarnation, pid }: LogRecord): boolean {
    const life = this.#request.lifeOf(worker)
    if (seq > 0) return incarnation > 0 && incarnation === life - 1
    if (life > 1) return false
    const one = `${incarnation} ${pid}`
    const found = this.#previous.get(worker) ?? one
    this.#previous.set(worker, found)
    return found === one
  }
}

/** All of them where a time is given, else a screen or two. */
export function linesOf({ lines, since }: Pick<LogRequest, 'lines' | 'since'>): number {
  return lines ?? (since === undefined ? DEFAULT_LINES : Infinity)
}

const DEFAULT_LINES = 100
