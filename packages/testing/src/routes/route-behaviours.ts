import { abortBehaviours } from './behaviours/aborts.ts'
import { absoluteTargetBehaviours } from './behaviours/absolute-targets.ts'
import { answerBehaviours } from './behaviours/answers.ts'
import { appBehaviours } from './behaviours/authorize-app.ts'
import { keyBehaviours } from './behaviours/authorize-keys.ts'
import { escapeBehaviours } from './behaviours/escapes.ts'
import { formBodyBehaviours } from './behaviours/form-bodies.ts'
import { jsonBodyBehaviours } from './behaviours/json-bodies.ts'
import { limitBehaviours } from './behaviours/limits.ts'
import { metadataBehaviours } from './behaviours/metadata.ts'
import { methodBehaviours } from './behaviours/methods.ts'
import { mountBehaviours } from './behaviours/mounts.ts'
import { openApiBehaviours } from './behaviours/open-api.ts'
import { orderBehaviours } from './behaviours/order.ts'
import { outcomeBehaviours } from './behaviours/outcomes.ts'
import { parsedBodyBehaviours } from './behaviours/parsed-bodies.ts'
import { pathBehaviours } from './behaviours/paths.ts'
import { rawPathBehaviours } from './behaviours/raw-paths.ts'
import { signedCallBehaviours } from './behaviours/signed-calls.ts'
import { signedRunBehaviours } from './behaviours/signed-runs.ts'
import { streamChoiceBehaviours } from './behaviours/stream-choice.ts'
import { streamBehaviours } from './behaviours/streams.ts'
import { tokenBehaviours } from './behaviours/tokens.ts'
import { unreadStreamBehaviours } from './behaviours/unread-streams.ts'
import { utcpBehaviours } from './behaviours/utcp.ts'
import type { RouteBehaviour } from './route-behaviour.ts'

/** The whole contract, in the order it is tried. */
export const routeBehaviours: readonly RouteBehaviour[] = [
  ...metadataBehaviours,
  ...pathBehaviours,
  ...escapeBehaviours,
  ...rawPathBehaviours,
  ...absoluteTargetBehaviours,
  ...methodBehaviours,
  ...orderBehaviours,
  ...jsonBodyBehaviours,
  ...formBodyBehaviours,
  ...limitBehaviours,
  ...parsedBodyBehaviours,
  ...keyBehaviours,
  ...appBehaviours,
  ...signedCallBehaviours,
  ...signedRunBehaviours,
  ...tokenBehaviours,
  ...outcomeBehaviours,
  ...streamBehaviours,
  ...streamChoiceBehaviours,
  ...unreadStreamBehaviours,
  ...abortBehaviours,
  ...answerBehaviours,
  ...mountBehaviours,
  ...utcpBehaviours,
  ...openApiBehaviours,
]
