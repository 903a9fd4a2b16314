import { createAdaptorServer } from '@hono/node-server'
import type { Server } from 'node:http'
import { type Clock, Timers, systemClock } from '../../base/clock.ts'
import type { Fleet } from '../fleet/contract.ts'
import { ControlApp } from './app.ts'
import { type Place, listenAt } from './place.ts'

export interface ServeOptions {
  /** Made with mode 0600; its folder, where there is none, with 0700. */
  readonly socketPath: string
  /** Nothing can be changed, and no secret be seen. @default false */
  readonly isReadOnly?: boolean
  readonly clock?: Clock
  /** Told of what should never happen. */
  readonly onFault?: (error: unknown) => void
}

export interface ControlServer {
  /** Ends every stream, waits a moment for answers that are under way, and takes the socket away. */
  close(): Promise<void>
}

/** Nobody needs longer to say what he wants. */
const MAX_HEAD_TIME = 10_000
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
  const { socketPath, isReadOnly = false, clock = systemClock, onFault } = options
  const app = new ControlApp(fleet, { clock, isReadOnly, metrics, ...(onFault === undefined ? {} : { onFault }) })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: MAX_HEAD_TIME },
  }) as Server
  server.maxConnections = MAX_CONNECTIONS
  const place = await listenAt(server, socketPath)
  return { close: () => close(app, server, place, clock) }
}

async function metrics(): Promise<{ readonly type: string; readonly text: string }> {
  return { type: 'text/plain', text: '' }
}

async function close(app: ControlApp, server: Server, place: Place, clock: Clock): Promise<void> {
  await place.leave()
  app.close()
  const timers = new Timers(clock)
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  server.closeIdleConnections()
  timers.after(CLOSE_GRACE, () => server.closeAllConnections())
  await closed
  timers.cancel()
}
