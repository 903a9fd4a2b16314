import type { IncomingMessage } from 'node:http'
import { ControlError } from '../../base/errors.ts'
import { json as jsonLines } from '../../framing/json.ts'
import type * as wire from '../api/wire.ts'
import type { FleetPlan } from '../config/fleet-plan.ts'
import type { ControlClient } from './contract.ts'
import { isCut, notReached } from './not-reached.ts'
import { EventStreamParser } from './sse.ts'
import { Transport } from './transport.ts'

/**
 * A client of the fleet that is served at that socket. Nothing is connected before it is needed.
 *
 * Its methods reject with `ControlError`: `ERR_PAGENT_NO_MASTER` where nobody answers.
 */
export function connectTo(socketPath: string): ControlClient {
  return new SocketClient(socketPath)
}

class SocketClient implements ControlClient {
  readonly #socketPath: string
  readonly #transport: Transport

  constructor(socketPath: string) {
    this.#socketPath = socketPath
    this.#transport = new Transport(socketPath)
  }

  async fleet(): Promise<wire.FleetStatus> {
    return this.#get('/v1/fleet')
  }

  async workers(): Promise<readonly wire.WorkerStatus[]> {
    return (await this.#get<wire.WorkerList>('/v1/workers')).workers
  }

  async worker(id: string, options: { readonly revealEnv?: boolean } = {}): Promise<wire.WorkerDetail> {
    return this.#get(`${workerPath(id)}${options.revealEnv === true ? '?reveal=env' : ''}`)
  }

  async pools(): Promise<readonly wire.PoolStatus[]> {
    return (await this.#get<wire.PoolList>('/v1/pools')).pools
  }

  async tree(): Promise<wire.TreeNode> {
    return this.#get('/v1/tree')
  }

  async events(since = 0): Promise<readonly wire.EventRecord[]> {
    return (await this.#get<wire.EventList>(`/v1/events?since=${since}`)).events
  }

  async act(action: wire.Action, signal?: AbortSignal): Promise<wire.ActionResult> {
    return this.#post('/v1/actions', action, signal)
  }

  async send(id: string, message: unknown): Promise<void> {
    await this.#post(`${workerPath(id)}/send`, { message } satisfies wire.SendRequest)
  }

  async call(id: string, request: wire.CallRequest, signal?: AbortSignal): Promise<unknown> {
    return (await this.#post<wire.CallResult>(`${workerPath(id)}/call`, request, signal)).result
  }

  async apply(plan: FleetPlan): Promise<wire.ApplyResult> {
    return this.#post('/v1/apply', plan)
  }

  async stop(options: { readonly hurry?: boolean } = {}): Promise<void> {
    try {
      await this.#post('/v1/stop', options)
    } catch (error) {
      if (!isGone(error)) throw error
      // It may have ended faster than it could say so.
      if (await this.#answers()) throw error
    }
  }

  async *logs(query: wire.LogQuery, signal?: AbortSignal): AsyncGenerator<wire.LogRecord, void, undefined> {
    const path = `/v1/logs${queryOf({ ...query, workers: query.workers?.join(',') })}`
    const decoder = jsonLines<LogLine>({ maxLength: '64MiB' }).decoder()
    const read = (chunk: Uint8Array, emit: (line: LogLine) => void): void => decoder.push(chunk, emit)
    for await (const line of this.#read(path, read, query.follow === true, signal)) {
      if ('problem' in line) throw new ControlError(line.problem.code as `ERR_PAGENT_${string}`, line.problem.message)
      yield line
    }
  }

  async *stream(
    topics: readonly wire.StreamTopic[],
    options: { readonly workers?: readonly string[]; readonly since?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<wire.StreamFrame, void, undefined> {
    const { workers, since, signal } = options
    const path = `/v1/stream${queryOf({ topics: topics.join(','), workers: workers?.join(','), since })}`
    const [parser, decoder] = [new EventStreamParser(), new TextDecoder()]
    const read = (chunk: Uint8Array, emit: (frame: wire.StreamFrame) => void): void =>
      parser.push(decoder.decode(chunk, { stream: true }), ({ event: topic, data }) =>
        emit({ topic, data: JSON.parse(data) as unknown } as wire.StreamFrame),
      )
    yield* this.#read(path, read, true, signal)
  }

  close(): void {
    this.#transport.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #get<T>(path: string): Promise<T> {
    return this.#transport.json({ path })
  }

  #post<T = unknown>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return this.#transport.json({ method: 'POST', path, body, signal })
  }

  /** What comes, as it comes, until its end or the signal. What is endless ends with the fleet, however that ends. */
  async *#read<T>(
    path: string,
    read: (chunk: Uint8Array, emit: (item: T) => void) => void,
    isEndless: boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T, void, undefined> {
    let response: IncomingMessage | undefined
    const abort = (): void => void response?.destroy()
    try {
      response = await this.#transport.open({ path, signal })
      signal?.addEventListener('abort', abort, { once: true })
      for await (const chunk of response) {
        const items: T[] = []
        read(chunk as Uint8Array, (item) => items.push(item))
        yield* items
      }
    } catch (error) {
      if (signal?.aborted === true || (isEndless && isCut(error))) return
      throw notReached(this.#socketPath, error)
    } finally {
      signal?.removeEventListener('abort', abort)
      response?.destroy()
    }
  }

  async #answers(): Promise<boolean> {
    try {
      await this.fleet()
      return true
    } catch (error) {
      return !isGone(error)
    }
  }
}

/** A line of `GET /v1/logs`. */
type LogLine = wire.LogRecord | { readonly problem: wire.ApiProblem }

function workerPath(id: string): string {
  return `/v1/workers/${encodeURIComponent(id)}`
}

/** What is undefined or false is left out. */
function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== false)
  const query = new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString()
  return query === '' ? '' : `?${query}`
}

function isGone(error: unknown): boolean {
  return error instanceof ControlError && error.code === 'ERR_PAGENT_NO_MASTER'
}
