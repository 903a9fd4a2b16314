import { context, propagation } from '@opentelemetry/api'

/**
 * For `propagate` of a worker: the trace that is active, as the global propagator of OpenTelemetry writes it. Nothing while there
 * is none.
 *
 * ```ts ignore needs @opentelemetry/sdk-node, for there to be a trace
 * import { Master } from 'pagent'
 * import { traceContext } from 'pagent/otel'
 * const master = new Master({ defaults: { propagate: traceContext } })
 * ```
 */
export function traceContext(): Record<string, string> | undefined {
  const carrier: Record<string, string> = {}
  propagation.inject(context.active(), carrier)
  for (const _ in carrier) return carrier
  return undefined
}
