import { Hono } from 'hono'
import type { Clock } from '../../base/clock.ts'
import { ControlError } from '../../base/errors.ts'
import type { Fleet } from '../fleet/contract.ts'
import { LOCAL_HOSTS, checkRequest } from './guard.ts'
import { answerOf } from './problem.ts'
import { type Route, routesOf } from './routes.ts'
import { Hub } from './stream/hub.ts'
import { SCHEMA_VERSION, type StreamTopic } from './wire.ts'

export interface AppOptions {
  readonly clock: Clock
  /** Nothing can be changed, and no secret be seen. */
  readonly isReadOnly: boolean
  /** Names that the `Host` header may have, without a port. @default localhost, pagent */
  readonly hosts?: ReadonlySet<string>
  /** What answers `GET /metrics`. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** Told of what should never happen. */
  readonly onFault?: (error: unknown) => void
}

/** Those who read streams. */
export interface Readers {
  readonly count: number
  readonly dropped: Readonly<Record<StreamTopic, number>>
}

/** On every answer, so that a client knows what it reads. */
const VERSION_HEADER = 'pagent-schema-version'

/** The control API of one fleet, for any server that speaks `fetch`. */
export class ControlApp {
  readonly #hub: Hub
  readonly #options: AppOptions
  readonly #hono = new Hono()

  constructor(fleet: Fleet, options: AppOptions) {
    this.#options = options
    this.#hub = new Hub(fleet, options.clock, (error) => options.onFault?.(error))
    this.#add(routesOf({ fleet, hub: this.#hub, isReadOnly: options.isReadOnly, metrics: options.metrics }))
    void fleet.stopped.then(() => this.close())
  }

  /** How many read a stream, and what those who were too slow were not told, so far. */
  get readers(): Readers {
    const { listeners: count, dropped } = this.#hub
    return { count, dropped }
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    const response = await this.#answer(request)
    response.headers.set(VERSION_HEADER, String(SCHEMA_VERSION))
    return response
  }

  /** Ends every stream, behind what its reader has not read yet. */
  close(): void {
    this.#hub.close()
  }

  async #answer(request: Request): Promise<Response> {
    const { hosts = LOCAL_HOSTS, isReadOnly } = this.#options
    try {
      checkRequest(request, { hosts, isReadOnly })
      return await this.#hono.fetch(request)
    } catch (error) {
      return this.#refuse(error)
    }
  }

  #add(routes: readonly Route[]): void {
    const hono = this.#hono
    hono.onError((error) => this.#refuse(error))
    hono.notFound(({ req }) => this.#refuse(noRoute(`There is no ${req.method} ${req.path} in the control API`, 404)))
    for (const { method, path, answer } of routes) {
      hono.on(method, path, ({ req }) => answer({ request: req.raw, id: req.param('id') ?? '', query: req.queries() }))
      hono.all(path, ({ req }) =>
        this.#refuse(noRoute(`${req.path} cannot be asked by ${req.method}: expected ${method}`, 405)),
      )
    }
  }

  #refuse(error: unknown): Response {
    const { status, problem, isFault } = answerOf(error)
    if (isFault) this.#options.onFault?.(error)
    return new Response(JSON.stringify(problem), { status, headers: { 'content-type': 'application/json' } })
  }
}

function noRoute(message: string, status: number): ControlError {
  return new ControlError('ERR_PAGENT_BAD_REQUEST', message, { status })
}
