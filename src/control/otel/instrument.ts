import { type Attributes, type MeterProvider, metrics } from '@opentelemetry/api'
import type { CallEvent } from '../../base/call-hub.ts'
import type { Master } from '../../master/master.ts'
import type { WorkerPlace } from '../api/wire.ts'
import { type Fact, Lives } from '../metrics/lives.ts'
import { Naming } from '../metrics/naming.ts'
import { Instruments, type Source } from './instruments.ts'

/** What is needed of a master; that of any copy of this package has it. */
export type Instrumentable = Pick<Master, 'events' | 'workers' | 'hasWorker' | 'getWorker' | 'onCall'>

export interface InstrumentOptions {
  /** An attribute with the name of each worker: as many series as there are workers. @default false */
  readonly perWorker?: boolean
  /** @default the global one, as it is when this is called */
  readonly meterProvider?: MeterProvider
}

/** What `instrument` has begun. */
export interface Instrumentation extends Disposable {
  /** Counts no more, and is read no more. Not needed for a master that is disposed of. */
  stop(): void
}

/**
 * Registers instruments for a master with OpenTelemetry: exits, restarts, how long starts, recoveries and calls take, and at
 * each export how many workers there are, what they use, and what went to and from them. Register your SDK first: instruments made before it measure nothing.
 *
 * ```ts
 * import { Master } from 'pagent'
 * import { instrument } from 'pagent/otel'
 * const master = new Master()
 * const instrumentation = instrument(master)
 * await (await master.getWorker('a').start('true')).exited
 * await master.stop()
 * instrumentation.stop()
 * ```
 */
export function instrument(master: Instrumentable, options: InstrumentOptions = {}): Instrumentation {
  const placeOf = (id: string): WorkerPlace | undefined => {
    if (!master.hasWorker(id)) return undefined
    const { supervisor: group } = master.getWorker(id)
    return { service: '', ...(group === undefined ? {} : { group }) }
  }
  const { instruments, observe, called } = instrumentsFor(placeOf, options, {
    workers: () => Promise.all(Array.from(master.workers(), look)),
    pools: () => [],
  })
  const events = master.events[Symbol.asyncIterator]()
  const leave = master.onCall((call) => called(call, { service: '', group: `${call.supervisor}/${call.pool}` }))
  const stop = (): void => {
    leave()
    instruments.close()
    void events.return?.()
  }
  void follow(events, observe).finally(stop)
  return { stop, [Symbol.dispose]: stop }
}

/** Instruments with a source, and what tells them of a fact. */
export function instrumentsFor(
  placeOf: (worker: string) => WorkerPlace | undefined,
  { perWorker = false, meterProvider }: InstrumentOptions,
  source: Omit<Source, 'attributesOf'>,
): {
  readonly instruments: Instruments
  readonly observe: (fact: Fact) => void
  /** Of a call to a pool its place has to be said. */
  readonly called: (call: CallEvent, place: WorkerPlace) => void
} {
  const naming = new Naming(perWorker, placeOf)
  const meter = (meterProvider ?? metrics).getMeter('pagent')
  const instruments = new Instruments(meter, { ...source, attributesOf: (worker) => attributesOf(naming.of(worker)) })
  const lives = new Lives(instruments)
  const called = (call: CallEvent, place: WorkerPlace): void => {
    const labels = call.worker === undefined ? naming.ofPool(place) : naming.of(call.worker)
    instruments.called(call, attributesOf(labels))
  }
  return { instruments, observe: (fact) => lives.observe(fact), called }
}

async function look(worker: ReturnType<Master['getWorker']>): Promise<Awaited<ReturnType<Source['workers']>>[number]> {
  const { memory, cpuTime } = await worker.measure()
  const { id, state, incarnation, pid, traffic } = worker
  // What it has used when it had ended is in its exit.
  return { id, state, incarnation, memory: pid === undefined ? undefined : memory, cpuTime, traffic }
}

async function follow(events: AsyncIterator<Fact>, observe: (fact: Fact) => void): Promise<void> {
  for (let next = await events.next(); next.done !== true; next = await events.next()) observe(next.value)
}

/** `group` is `pagent.group`; what is empty is left out. */
function attributesOf(labels: Readonly<Record<string, string>>): Attributes {
  const given = Object.entries(labels).filter(([, value]) => value !== '')
  return Object.fromEntries(given.map(([key, value]) => [`pagent.${key}`, value]))
}
