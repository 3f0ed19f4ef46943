import type { Deviations } from '@atp/testing'

const resolved = 'the address of a web Request has its dot segments resolved, before Hono or a guard sees it'

/** What `@hono/node-server` does before Hono sees a request. */
export const nodeDeviations: Deviations = {
  'raw.dot-segments': resolved,
  'raw.encoded-dot-segments': resolved,
}

/** What Bun does before Hono sees a request. */
export const bunDeviations: Deviations = {
  'raw.dot-segments': resolved,
  'raw.encoded-dot-segments': resolved,
  'raw.backslash': 'Bun makes a slash of it, before Hono or a guard sees it',
}

const notToldAfterLongBody =
  'Deno.serve tells that the client of an unanswered request is gone only where the whole body came with the head'

/** What Deno does not tell once Hono has a request. */
export const denoDeviations: Deviations = {
  'abort.long-body': notToldAfterLongBody,
  'signed.abort': notToldAfterLongBody,
}

const notTold =
  'workerd tells a Worker that its client is gone only once it writes, and only under enable_request_signal'
const refused = 'workerd answers 500 itself; the Worker is not asked'

/** What workerd does before a Worker sees a request, and after it answered. */
export const workerdDeviations: Deviations = {
  'raw.dot-segments': resolved,
  'raw.odd-targets': refused,
  'raw.odd-hosts': refused,
  'absolute.survived': refused,
  'stream.disconnect': notTold,
  'abort.reaches-signal': notTold,
  'abort.long-body': notTold,
  'abort.connection-lost': notTold,
  'signed.abort': notTold,
  'busy.abandoned': 'workerd stops what a request started once its answer is sent, so an abandoned tool never ends',
}
