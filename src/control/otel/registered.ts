import { propagation } from '@opentelemetry/api'
import type { Propagate } from '../../rpc/messages.ts'
import { traceContext } from './trace-context.ts'

/** What propagates traces, where somebody has registered a propagator; else nobody pays for it. */
export function registeredPropagator(): Propagate | undefined {
  return propagation.fields().length > 0 ? traceContext : undefined
}
