// Every line is public API: adding one is a decision.

export type { OpenApiContext, OpenApiConverter } from './read-manual-text.ts'
export { file, type TextOptions, text } from './text-protocol.ts'
