import { createHash } from 'node:crypto'
import { ToolError, type Toolkit } from '@atp/core'
import * as z from 'zod'
import { readOnlyTool } from './shared.ts'

const output = z.object({
  authenticated: z.literal(true),
  token_length: z.int(),
  token_fingerprint: z.string().describe('First 8 hex digits of the SHA-256 of the token.'),
})

/** Adds `whoami`: shows that an end user's token reached the tool, and never the token. */
export function registerWhoami(toolkit: Toolkit): void {
  toolkit.registerTool(
    {
      name: 'whoami',
      description:
        "Tells whether the user's GitHub token reached this toolkit: its length and a fingerprint, never the token itself. Asks nobody.",
      params: z.object({}),
      output,
      auth: { provider: 'github', type: 'OAuth2', with: 'access_token' },
      annotations: { title: 'Who am I', ...readOnlyTool },
      tags: ['demo', 'auth'],
    },
    (_args, { authToken }) => {
      if (authToken === undefined) throw new ToolError('No token reached the tool; connect a GitHub account first')
      return {
        authenticated: true,
        token_length: authToken.length,
        token_fingerprint: createHash('sha256').update(authToken).digest('hex').slice(0, 8),
      }
    },
  )
}
