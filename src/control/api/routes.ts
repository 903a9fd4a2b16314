import type { Fleet } from '../fleet/contract.ts'
import { ControlError } from '../../base/errors.ts'
import { readJson } from './request/body.ts'
import { plan } from './request/plan.ts'
import * as requests from './request/requests.ts'
import { Selection } from './request/selection.ts'
import type { Shape } from './request/shape.ts'
import type { Hub } from './stream/hub.ts'
import { LogReader } from './stream/log-reader.ts'
import { StreamReader } from './stream/stream-reader.ts'
import { textBody } from './stream/text-body.ts'
import { type LogQuery, SCHEMA_VERSION } from './wire.ts'

/** One request, with what its path and query say. */
export interface Asked {
  readonly request: Request
  /** `:id` of the path. */
  readonly id: string
  readonly query: requests.Query
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly answer: (asked: Asked) => Response | Promise<Response>
}

/** What the routes need. */
export interface RouteOptions {
  readonly fleet: Fleet
  readonly hub: Hub
  readonly isReadOnly: boolean
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
}

const MAX_BODY = 1024 * 1024
const MAX_PLAN = 16 * MAX_BODY

/** Everything that can be asked and done, as `wire.ts` says it. */
export function routesOf(options: RouteOptions): readonly Route[] {
  return [...readingRoutes(options), ...streamingRoutes(options), ...changingRoutes(options)]
}

function readingRoutes({ fleet, isReadOnly, metrics }: RouteOptions): readonly Route[] {
  const schemaVersion = SCHEMA_VERSION
  return [
    get('/v1/fleet', () => {
      const status = fleet.status()
      return json({ ...status, isReadOnly: isReadOnly || status.isReadOnly })
    }),
    get('/v1/workers', async () => json({ schemaVersion, workers: await fleet.workers() })),
    get('/v1/workers/:id', async ({ id, query }) => {
      const reveal = requests.readReveal(query)
      if (reveal && isReadOnly) throw forbidden('Cannot reveal the environment: this fleet is served read-only')
      return json(await fleet.worker(id, { revealEnv: reveal }))
    }),
    get('/v1/pools', () => json({ schemaVersion, pools: fleet.pools() })),
    get('/v1/tree', () => json(fleet.tree())),
    get('/v1/events', ({ query }) => {
      requests.checkQuery(query, ['since'])
      return json({ schemaVersion, events: fleet.eventsSince(requests.readNumber(query, 'since') ?? 0) })
    }),
    get('/metrics', async () => {
      const { type, text } = await metrics()
      return new Response(text, { headers: { 'content-type': type } })
    }),
  ]
}

function streamingRoutes({ fleet, hub }: RouteOptions): readonly Route[] {
  const select = (names: readonly string[] | undefined): Selection | undefined =>
    Selection.of(names, (id) => fleet.place(id))
  return [
    get('/v1/logs', ({ query }) => {
      const wanted: LogQuery = requests.readLogQuery(query)
      const reader = new LogReader(fleet, hub, wanted, select(wanted.workers))
      const lines = reader.lines()
      const next = async (): Promise<string | undefined> => (await lines.next()).value ?? undefined
      return stream('application/x-ndjson', { next, close: () => reader.close() })
    }),
    get('/v1/stream', ({ query, request }) => {
      const wanted = requests.readStreamQuery(query, request.headers.get('last-event-id') ?? undefined)
      return stream('text/event-stream', new StreamReader(fleet, hub, wanted, select(wanted.workers)))
    }),
  ]
}

function changingRoutes({ fleet }: RouteOptions): readonly Route[] {
  const schemaVersion = SCHEMA_VERSION
  return [
    post('/v1/actions', async ({ request }) => json(await fleet.act(await read(request, 'action', requests.action)))),
    post('/v1/workers/:id/send', async ({ request, id }) => {
      const { message } = await read(request, 'message', requests.sending)
      await fleet.send(id, message)
      return done()
    }),
    post('/v1/workers/:id/call', async ({ request, id }) => {
      const wanted = await read(request, 'call', requests.call)
      const result = await fleet.call(id, wanted, request.signal)
      return jsonResult(id, wanted.method, { schemaVersion, result: result ?? null })
    }),
    post('/v1/apply', async ({ request }) => json(await fleet.apply(await read(request, 'plan', plan, MAX_PLAN)))),
    post('/v1/stop', async ({ request }) => {
      await fleet.stop(await read(request, 'stop', requests.stop))
      return done()
    }),
  ]
}

function get(path: string, answer: Route['answer']): Route {
  return { method: 'GET', path, answer }
}

function post(path: string, answer: Route['answer']): Route {
  return { method: 'POST', path, answer }
}

async function read<T>(request: Request, what: string, shape: Shape<T>, max = MAX_BODY): Promise<T> {
  return shape(await readJson(request, max), what)
}

function json(body: unknown): Response {
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
}

/** A worker may return what JSON does not have. */
function jsonResult(id: string, method: string, body: object): Response {
  try {
    return json(body)
  } catch (error) {
    const why = `Cannot show what ${method} in ${JSON.stringify(id)} has returned as JSON: ${(error as Error).message}`
    throw new ControlError('ERR_PAGENT_FRAMING', why, { status: 502 })
  }
}

function done(): Response {
  return new Response(null, { status: 204 })
}

/** Each on a connection of its own, which ends with it. */
function stream(type: string, source: Parameters<typeof textBody>[0]): Response {
  const headers = {
    'content-type': type,
    'cache-control': 'no-store',
    'transfer-encoding': 'chunked',
    connection: 'close',
  }
  return new Response(textBody(source), { headers })
}

function forbidden(message: string): ControlError {
  return new ControlError('ERR_PAGENT_READ_ONLY', message, { status: 403 })
}
