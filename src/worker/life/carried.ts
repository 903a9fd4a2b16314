import { toError } from '../../base/errors.ts'
import type { Job } from '../host.ts'

/**
 * The same, with the trace that is active now for its environment: `traceparent` as `TRACEPARENT`, and so on (OpenTelemetry's
 * environment carriers). A start does not fail for it.
 */
export function withTrace(job: Job, failed: (error: Error) => void): Job {
  const { propagate } = job.plan.spec
  if (propagate === undefined) return job
  try {
    const carried = Object.entries(propagate() ?? {})
    return { ...job, carried: Object.fromEntries(carried.map(([name, value]) => [variableOf(name), value])) }
  } catch (error) {
    failed(toError(error))
    return job
  }
}

function variableOf(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')
}
