export { bundleEntry } from './bundle-entry.ts'
export {
  type ContractMount,
  contractKeys,
  createContractMounts,
  guardHeader,
  guardValue,
  hostBodyLimit,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
} from './routes/contract-app.ts'
export { describeRoutes } from './routes/describe-routes.ts'
export { describeUtcpInterop } from './routes/describe-utcp-interop.ts'
export { type Deviations, withoutSocket } from './routes/deviations.ts'
export type { RouteBehaviour, RoutesHost } from './routes/route-behaviour.ts'
export { routeBehaviours } from './routes/route-behaviours.ts'
export { type RuleId, rules } from './routes/rules.ts'
export { type SignedCallInit, type SignedRequest, signCall } from './routes/sign-call.ts'
