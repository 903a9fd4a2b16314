/** `pagent/otel`: OpenTelemetry's metrics and traces. Needs `@opentelemetry/api`. */
export { type Instrumentable, type InstrumentOptions, type Instrumentation, instrument } from './instrument.ts'
export { traceContext } from './trace-context.ts'
