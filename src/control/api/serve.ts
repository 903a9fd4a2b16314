import { createAdaptorServer } from '@hono/node-server'
import type { Server } from 'node:http'
import { type Clock, Timers, systemClock } from '../../base/clock.ts'
import type { Fleet } from '../fleet/contract.ts'
import { FleetMetrics, type MetricsOptions } from '../metrics/fleet-metrics.ts'
import { ifPresent } from '../otel/present.ts'
import { ControlApp } from './app.ts'
import { listenAt } from './place.ts'

export interface ServeOptions {
  /** Made with mode 0600; its folder, where there is none, with 0700. */
  readonly socketPath: string
  /** Nothing can be changed, and no secret be seen. @default false */
  readonly isReadOnly?: boolean
  readonly clock?: Clock
  readonly metrics?: MetricsOptions
  /** Who has not said all of his request by then is cut off, in milliseconds. @default 10 s */
  readonly maxRequestTime?: number
  /** Told of what should never happen. */
  readonly onFault?: (error: unknown) => void
}

export interface ControlServer {
  /** Ends every stream, waits a moment for answers that are under way, and takes the socket away. */
  close(): Promise<void>
}

/** Nobody needs longer to say what he wants. */
const MAX_REQUEST_TIME = 10_000
/** How often it is looked for those who do. */
const CHECK_EVERY = 1000
/** Each takes a file descriptor that a worker may need. */
const MAX_CONNECTIONS = 1000
/** How long an answer may take to leave, once nobody is served any more. */
const CLOSE_GRACE = 1000

/**
 * Serves the control API of a fleet on a UNIX socket that nobody else can connect to.
 *
 * @throws ControlError when another fleet is served there, or it cannot be made.
 */
export async function serveFleet(fleet: Fleet, options: ServeOptions): Promise<ControlServer> {
  const { socketPath, isReadOnly = false, clock = systemClock, maxRequestTime = MAX_REQUEST_TIME, onFault } = options
  const metrics = new FleetMetrics(fleet, options.metrics)
  const app: ControlApp = new ControlApp(fleet, {
    clock,
    isReadOnly,
    metrics: () => metrics.text(app.readers),
    ...(onFault === undefined ? {} : { onFault }),
  })
  const server = newServer(app, maxRequestTime)
  try {
    const place = await listenAt(server, socketPath)
    const otel = await instrumented(fleet, options)
    const close = async (): Promise<void> => {
      otel?.stop()
      metrics.close()
      app.close()
      await place.leave()
      await closed(server, clock)
    }
    return { close }
  } catch (error) {
    metrics.close()
    throw error
  }
}

function newServer(app: ControlApp, time: number): Server {
  // Node looks twice a minute, and bears five minutes of a body, unless it is told. How long an answer takes is no matter.
  const connectionsCheckingInterval = Math.min(CHECK_EVERY, time)
  const serverOptions = { headersTimeout: time, requestTimeout: time, connectionsCheckingInterval }
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, serverOptions }) as Server
  server.maxConnections = MAX_CONNECTIONS
  return server
}

/** Where OpenTelemetry is, it is told as well. */
async function instrumented(fleet: Fleet, { metrics, onFault }: ServeOptions): Promise<{ stop(): void } | undefined> {
  try {
    const otel = await ifPresent(() => import('../otel/instrument-fleet.ts'))
    return otel?.instrumentFleet(fleet, metrics)
  } catch (error) {
    onFault?.(error)
    return undefined
  }
}

async function closed(server: Server, clock: Clock): Promise<void> {
  const timers = new Timers(clock)
  const over = new Promise<void>((resolve) => void server.close(() => resolve()))
  server.closeIdleConnections()
  timers.after(CLOSE_GRACE, () => server.closeAllConnections())
  await over
  timers.cancel()
}
