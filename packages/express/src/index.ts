// Every line is public API: adding one is a decision.
export { atpRouter } from './atp-router.ts'
