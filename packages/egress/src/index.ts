// Every line is public API: adding one is a decision.
export { isPublicAddress } from './address-rules.ts'
export type { EgressRule } from './egress-error.ts'
export type { EgressLookup, EgressOptions } from './egress-options.ts'
export type { GuardedAnswer } from './guarded-answer.ts'
export { type GuardedConnectOptions, guardedConnect } from './guarded-connect.ts'
export {
  createGuardedFetch,
  createOauthFetch,
  type GuardedFetch,
  type GuardedFetchInit,
  type GuardedFetchOptions,
  type GuardedRequestInit,
} from './guarded-fetch.ts'
export { resolverLookup } from './guarded-lookup.ts'
