// Every line is public API: adding one is a decision.
export { type OpenTelemetryOptions, openTelemetry } from './tracing/open-telemetry.ts'
export { startSpan } from './tracing/start-span.ts'
export type { CallSpan, SpanPlace, TracedCall, Tracing } from './tracing/tracing.ts'
