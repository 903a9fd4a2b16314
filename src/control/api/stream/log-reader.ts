import type { Fleet } from '../../fleet/contract.ts'
import { answerOf } from '../problem.ts'
import type { Selection } from '../request/selection.ts'
import type { LogQuery, LogRecord, StreamTopic } from '../wire.ts'
import { Backlog } from './backlog.ts'
import { logLine } from './frames.ts'
import type { Hub, Listener } from './hub.ts'
import { Wakeup } from './wakeup.ts'

/** Bytes of lines that may wait for one reader. */
const MAX_BACKLOG = 1024 * 1024
/** Characters that are handed over at once. */
const CHUNK = 64 * 1024

/** One reader of `GET /v1/logs`: history, and then what comes, without a gap or a repetition between them. */
export class LogReader implements Listener {
  readonly topics: ReadonlySet<StreamTopic> = new Set(['log'])
  readonly #past: AsyncIterable<LogRecord>
  readonly #hub: Hub
  readonly #query: LogQuery
  readonly #selection: Selection | undefined
  readonly #live = new Backlog<LogRecord>(MAX_BACKLOG)
  readonly #wakeup = new Wakeup()
  /** Of each worker the last line that history had of this life of the fleet. */
  readonly #told = new Map<string, number>()
  #isEnded = false

  /** @throws what the fleet throws for a query that cannot be. */
  constructor(fleet: Fleet, hub: Hub, query: LogQuery, selection: Selection | undefined) {
    const { follow: _, ...past } = query
    this.#past = fleet.logs(past)
    this.#hub = hub
    this.#query = query
    this.#selection = selection
  }

  log(record: LogRecord): void {
    const { stream } = this.#query
    if (stream !== undefined && stream !== record.stream) return
    if (this.#selection?.has(record.worker) === false) return
    this.#live.push(record, logLine(record).size)
    this.#wakeup.call()
  }

  event(): void {}
  metrics(): void {}
  heartbeat(): void {}

  end(): void {
    this.#isEnded = true
    this.#wakeup.call()
  }

  /** Nobody reads any more. */
  close(): void {
    this.#hub.leave(this)
    this.#live.clear()
    this.end()
  }

  /** As text, in pieces. What fails on the way is said in a line of its own: the status was sent long ago. */
  async *lines(): AsyncGenerator<string, void, undefined> {
    const { follow = false } = this.#query
    try {
      // First who is told, then what is past: what comes between is in both, and told once.
      if (follow) this.#hub.join(this)
      yield* this.#history()
      if (follow) yield* this.#present()
    } finally {
      this.close()
    }
  }

  async *#history(): AsyncGenerator<string, void, undefined> {
    let text = ''
    try {
      for await (const record of this.#past) {
        if (record.seq > 0) this.#told.set(record.worker, record.seq)
        text += logLine(record).text
        if (text.length < CHUNK) continue
        yield text
        text = ''
      }
    } catch (error) {
      text += `${JSON.stringify({ problem: answerOf(error).problem })}\n`
      this.close()
    }
    if (text !== '') yield text
  }

  async *#present(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const text = this.#gather()
      if (text !== '') yield text
      else if (this.#isEnded) return
      else await this.#wakeup.called
    }
  }

  #gather(): string {
    let text = ''
    while (text.length < CHUNK) {
      const next = this.#live.shift()
      if (next === undefined) return text
      if (next.kind === 'gap') text += this.#gap(next.count)
      if (next.kind === 'item' && this.#isNew(next.item)) text += logLine(next.item).text
    }
    return text
  }

  #gap(count: number): string {
    this.#hub.dropped.log += count
    const msg = `${count} lines are missing here: they came faster than they were read`
    const facts = {
      seq: 0,
      time: this.#hub.date,
      worker: 'pagent',
      incarnation: 0,
      stream: 'pagent',
      level: 40,
    } as const
    return logLine({ ...facts, msg, dropped: count }).text
  }

  #isNew({ worker, seq }: LogRecord): boolean {
    return seq > (this.#told.get(worker) ?? 0)
  }
}
