import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type BatchObservableCallback,
  type Context,
  type Meter,
  type MeterProvider,
  type Observable,
  ROOT_CONTEXT,
  context,
  propagation,
  trace,
} from '@opentelemetry/api'

/** Something that was told to an instrument. */
export interface Measurement {
  readonly name: string
  readonly value: number
  readonly attributes: Attributes
}

/** A meter provider that remembers, in the place of an SDK. */
export class FakeMeters {
  readonly measured: Measurement[] = []
  readonly units = new Map<string, string>()
  readonly #callbacks = new Set<BatchObservableCallback>()

  readonly provider: MeterProvider = { getMeter: () => this.#meter as unknown as Meter }

  get callbacks(): number {
    return this.#callbacks.size
  }

  /** What an export would read. */
  async read(): Promise<readonly Measurement[]> {
    const seen: Measurement[] = []
    const observe = (instrument: Observable, value: number, attributes: Attributes = {}): void =>
      void seen.push({ name: (instrument as unknown as { name: string }).name, value, attributes })
    for (const callback of this.#callbacks) await callback({ observe })
    return seen
  }

  readonly #instrument = (name: string, { unit = '' }: { unit?: string } = {}): object => {
    this.units.set(name, unit)
    const tell = (value: number, attributes: Attributes = {}): void =>
      void this.measured.push({ name, value, attributes })
    return { name, add: tell, record: tell }
  }

  readonly #meter = {
    createCounter: this.#instrument,
    createHistogram: this.#instrument,
    createObservableCounter: this.#instrument,
    createObservableUpDownCounter: this.#instrument,
    addBatchObservableCallback: (callback: BatchObservableCallback) => void this.#callbacks.add(callback),
    removeBatchObservableCallback: (callback: BatchObservableCallback) => void this.#callbacks.delete(callback),
  }
}

/** Registers what an SDK would: a context manager, and W3C's propagator. */
export function registerTracing(): void {
  const storage = new AsyncLocalStorage<Context>()
  const active = (): Context => storage.getStore() ?? ROOT_CONTEXT
  context.setGlobalContextManager({
    active,
    with: (into, run, self, ...args) => storage.run(into, () => run.call(self as never, ...args)),
    bind: (_, target) => target,
    enable() {
      return this
    },
    disable() {
      return this
    },
  })
  propagation.setGlobalPropagator({
    inject(from, carrier, setter) {
      const span = trace.getSpanContext(from)
      if (span !== undefined) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`)
    },
    extract(into, carrier, getter) {
      const [, traceId = '', spanId = ''] = String(getter.get(carrier, 'traceparent') ?? '').split('-')
      return traceId === '' ? into : trace.setSpanContext(into, { traceId, spanId, traceFlags: 1 })
    },
    fields: () => ['traceparent'],
  })
}

/** Runs in the context of a span. */
export function inSpan<T>(traceId: string, run: () => T): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags: 1 }), run)
}
