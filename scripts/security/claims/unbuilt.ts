import type { UnbuiltRule } from '../claim.ts'

const oauth = 'the OAuth broker'
const webhooks = 'webhooks'
const bus = 'several servers on a bus'
const cli = 'UTCP over the command line'

/** Rules that no code keeps yet, or whose code no test shows. */
export const unbuiltRules: readonly UnbuiltRule[] = [
  ...(['V5', 'V6', 'V7', 'V8', 'V9'] as const).map((rule) => ({ rule, comesWith: oauth })),
  ...(['O1', 'O2', 'O3', 'O4', 'O5', 'O6', 'O7', 'O8', 'O9', 'O11', 'O12'] as const).map((rule) => ({
    rule,
    comesWith: oauth,
  })),
  ...(['W1', 'W2', 'W4', 'W5', 'W6', 'W7'] as const).map((rule) => ({ rule, comesWith: webhooks })),
  { rule: 'S2', comesWith: bus },
  ...(['N1', 'N2', 'N3', 'N5', 'N6', 'N7'] as const).map((rule) => ({ rule, comesWith: bus })),
  { rule: 'L4', comesWith: 'the console and the OAuth broker' },
  ...(['C1', 'C2', 'C3', 'C4'] as const).map((rule) => ({ rule, comesWith: cli })),
  { rule: 'C8', comesWith: 'UTCP over WebSockets, sockets and GraphQL' },
  { rule: 'P3', comesWith: 'the release pipeline' },
]
