import type { Fault } from './fault.ts'
import { callerAnswerCut, toolkitAnswerCut } from './faults/answer-cut.ts'
import { toolkitDeaf, toolkitFloods } from './faults/bad-toolkit.ts'
import { callerGone } from './faults/caller-gone.ts'
import { clockSet } from './faults/clock-set.ts'
import { diskFull } from './faults/disk-full.ts'
import { endpointCut } from './faults/endpoint-cut.ts'
import { endpointKilled } from './faults/endpoint-killed.ts'
import { inboxCut } from './faults/inbox-cut.ts'
import { overload } from './faults/overload.ts'
import { reconnectStorm } from './faults/reconnect-storm.ts'
import { serverKilledLive, serverKilledStored } from './faults/server-killed.ts'
import { serverKilledEndpoint } from './faults/server-killed-endpoint.ts'
import { serverTerminated } from './faults/server-terminated.ts'
import { pollingToolkitKilled, toolkitKilled } from './faults/toolkit-killed.ts'
import { pollingToolkitStopped, toolkitStopped } from './faults/toolkit-stopped.ts'

/** All faults, in the order in which they run. */
export const faults: readonly Fault[] = [
  serverKilledLive,
  ...serverKilledStored,
  serverKilledEndpoint,
  serverTerminated,
  toolkitKilled,
  pollingToolkitKilled,
  endpointKilled,
  toolkitStopped,
  pollingToolkitStopped,
  callerGone,
  toolkitAnswerCut,
  callerAnswerCut,
  inboxCut,
  endpointCut,
  reconnectStorm,
  toolkitDeaf,
  toolkitFloods,
  diskFull,
  clockSet,
  overload,
]
