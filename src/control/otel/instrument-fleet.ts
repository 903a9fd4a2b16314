import type { Fleet } from '../fleet/contract.ts'
import { type InstrumentOptions, type Instrumentation, instrumentsFor } from './instrument.ts'

/** The same for a fleet, from its first event on, with its pools. */
export function instrumentFleet(fleet: Fleet, options: InstrumentOptions = {}): Instrumentation {
  const { instruments, observe } = instrumentsFor((id) => fleet.place(id), options, {
    workers: async () =>
      (await fleet.workers()).map(({ id, state, incarnation, memory, cpuTime }) => ({
        id,
        state,
        incarnation,
        memory,
        cpuTime,
      })),
    pools: () => fleet.pools(),
  })
  for (const event of fleet.eventsSince(0)) observe(event)
  const leave = fleet.onEvent(observe)
  const stop = (): void => {
    leave()
    instruments.close()
  }
  return { stop, [Symbol.dispose]: stop }
}
