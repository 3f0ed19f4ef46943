// Every line is public API: adding one is a decision.
export { type AtpHonoOptions, atp } from './atp.ts'
