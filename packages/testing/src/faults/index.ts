export {
  type ByteHook,
  type FaultyProxy,
  type FaultyProxyOptions,
  type ProxyCounters,
  startFaultyProxy,
} from './faulty-proxy.ts'
export type { Direction } from './proxy-lane.ts'
