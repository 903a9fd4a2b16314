import type { Fleet } from '../fleet/contract.ts'
import { type InstrumentOptions, type Instrumentation, instrumentsFor } from './instrument.ts'

/** The same for a fleet, from its first event on, with its pools. */
export function instrumentFleet(fleet: Fleet, options: InstrumentOptions = {}): Instrumentation {
  const { instruments, observe, called } = instrumentsFor((id) => fleet.place(id), options, {
    workers: async () =>
      (await fleet.workers()).map(({ id, state, incarnation, memory, cpuTime, traffic }) => ({
        id,
        state,
        incarnation,
        memory,
        cpuTime,
        traffic,
      })),
    pools: () => fleet.pools(),
  })
  for (const event of fleet.eventsSince(0)) observe(event)
  const leave = [fleet.onEvent(observe), fleet.onCall((call) => called(call, call.place))]
  const stop = (): void => {
    for (const each of leave) each()
    instruments.close()
  }
  return { stop, [Symbol.dispose]: stop }
}
